"""What all drawings share: colours, views, lines and dots, and the types of a scene's parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Circle

INK, ACCENT, PALE, GREEN = "#22303c", "#c8553d", "#d9d4c7", "#5b8c5a"

Array = npt.NDArray[np.float64]
Axes = Any
Draw = Callable[[Axes, Array], None]  # a state into a panel
Policy = Callable[[Array, int], Any]  # the action in a state at a step

# what points right and what points up
Look = tuple[tuple[float, ...], tuple[float, ...]]
SIDE: Look = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
TOP: Look = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
# from in front and above, for what moves in all directions
OBLIQUE: Look = ((0.94, -0.34, 0.0), (0.17, 0.47, 0.87))


def line(
    axes: Axes, points: list[tuple[float, float]], color: str, width: float
) -> None:
    """Draw a line with round ends."""
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=color, lw=width, solid_capstyle="round", zorder=3)


def dot(axes: Axes, at: tuple[float, float], radius: float, color: str) -> None:
    """Draw a joint."""
    axes.add_patch(Circle(at, radius, color=color, zorder=4))
