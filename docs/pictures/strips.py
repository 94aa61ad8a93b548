"""Strips of five pictures side by side, as the files of ``docs/environments/images`` show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.figure import Figure

from .drawing import INK, Axes

IMAGES = Path(__file__).resolve().parents[1] / "environments/images"
MOMENTS = 5

# ids that depend on the picture alone, so that the same one is the same file; text as text
mpl.rcParams.update({"svg.hashsalt": "palaestra", "svg.fonttype": "none"})


def empty() -> tuple[Figure, Any]:
    """Open a figure with an empty panel for each moment."""
    return pyplot.subplots(1, MOMENTS, figsize=(10, 2.1))


def caption(panel: Axes, step: int) -> None:
    """Say when it was, and leave out the axes."""
    panel.axis("off")
    panel.set_title(f"step {step}", fontsize=9, color=INK)


def save(figure: Figure, name: str, dpi: float | Literal["figure"] = "figure") -> None:
    """Write and close a strip.

    Parameters
    ----------
    figure : Figure
        What ``empty`` has opened.
    name : str
        The file's, without its ending; a slash stands for a folder.
    dpi : float or "figure", optional
        Resolution of images inside the strip; by default the figure's own.
    """
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.88, 0.05)
    file = IMAGES / f"{name}.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None}, dpi=dpi)
    pyplot.close(figure)
