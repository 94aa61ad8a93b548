"""Axes and titles of the pictures on the page of `palaestra reproduce`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(__file__).parents[2] / "bindings" / "palaestra" / "_report"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that draws, which is run as a script and belongs to no package."""
    monkeypatch.syspath_prepend(REPORT)
    module: Any = importlib.import_module("figures")
    module.prepare()
    return module


@pytest.mark.parametrize(
    ("values", "powers", "shown"),
    [
        ([0.02, 0.3], True, True),
        ([1.02, 1.18], True, False),
        ([0.02, 0.3], False, False),
    ],
)
def test_powers_of_ten(
    figures: Any, values: list[float], powers: bool, shown: bool
) -> None:
    import matplotlib.pyplot as plt

    drawing, axes = plt.subplots()
    axes.plot(values)
    figures.scale(axes, {"log_y": powers})
    drawing.canvas.draw()
    bottom, top = axes.get_ylim()
    ticks = [
        label.get_text()
        for which in (False, True)
        for place, label in zip(
            axes.yaxis.get_ticklocs(minor=which),
            axes.yaxis.get_ticklabels(minor=which),
            strict=True,
        )
        if bottom <= place <= top and label.get_text()
    ]
    plt.close(drawing)
    assert len(ticks) >= 2
    assert all(("10^" in tick) == shown for tick in ticks)


def test_titles_fit_a_picture(figures: Any) -> None:
    words = "Divergence of the last policy's occupancy from the expert's: walker-walk"
    lines = figures.heading(words).split("\n")
    assert " ".join(lines) == words
    assert len(lines) == 2
