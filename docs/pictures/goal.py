"""Goal tasks of a few numbers: points, discs on a table, a gripper in space, and their ways."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.patches import Circle, Polygon, Rectangle

from .drawing import (
    ACCENT,
    GREEN,
    INK,
    OBLIQUE,
    PALE,
    Array,
    Axes,
    Draw,
    Policy,
    dot,
    line,
)


def square(axes: Axes, half: float) -> None:
    """Draw the floor of a task in the plane."""
    axes.add_patch(Rectangle((-half, -half), 2 * half, 2 * half, color=PALE, alpha=0.5))
    axes.set(xlim=(-half * 1.05, half * 1.05), ylim=(-half * 1.05, half * 1.05))


def point_task(walls: bool) -> Draw:
    """The point, where it counts as arrived, and the walls without the point's own size."""

    def draw(axes: Axes, state: Array) -> None:
        square(axes, 5.0)
        for x, y, width, height in (
            (-5, -0.3, 0.05, 0.6), (-1.15, -0.3, 2.3, 0.6), (4.95, -0.3, 0.05, 0.6),
            (-0.3, -5, 0.6, 0.05), (-0.3, -1.15, 0.6, 2.3), (-0.3, 4.95, 0.6, 0.05),
        ) if walls else ():  # fmt: skip
            axes.add_patch(Rectangle((x, y), width, height, color=INK))
        axes.add_patch(Circle(state[-2:], 1.0, color=GREEN, alpha=0.6))
        dot(axes, (state[0], state[1]), 0.5, ACCENT)

    return draw


def push_2d(axes: Axes, state: Array) -> None:
    """Gripper, object and goal."""
    square(axes, 0.28)
    discs(axes, state)


def slide_2d(axes: Axes, state: Array) -> None:
    """The table is long; the gripper reaches its left part alone."""
    axes.add_patch(Rectangle((-0.3, -0.6), 1.6, 1.2, color=PALE, alpha=0.5))
    axes.add_patch(Rectangle((-0.25, -0.25), 0.5, 0.5, color="white", alpha=0.6))
    discs(axes, state)
    axes.set(xlim=(-0.35, 1.35), ylim=(-0.65, 0.65))


def discs(axes: Axes, state: Array) -> None:
    """Gripper and object, of which the centres touch at 4.5 cm, and a goal of 5 cm."""
    axes.add_patch(Circle(state[-2:], 0.05, color=GREEN, alpha=0.6))
    dot(axes, (state[0], state[1]), 0.0225, INK)
    dot(axes, (state[2], state[3]), 0.0225, ACCENT)


def reach_3d(axes: Axes, state: Array) -> None:
    """Seen obliquely, with the way down to the floor."""
    right, up = np.array(OBLIQUE)
    corners = np.array([[x, y, -0.2] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    corners[:, :2] *= 0.2
    floor = np.stack([corners @ right, corners @ up], 1)
    axes.add_patch(Polygon(floor, closed=True, color=PALE, alpha=0.5))
    for place, radius, color in ((state[-3:], 0.05, GREEN), (state[:3], 0.02, ACCENT)):
        at, foot = place, np.array([place[0], place[1], -0.2])
        line(axes, [(at @ right, at @ up), (foot @ right, foot @ up)], INK, 0.8)
        dot(axes, (at @ right, at @ up), radius, color)
    axes.set(xlim=(-0.3, 0.3), ylim=(-0.32, 0.28))


def towards(
    first: int, goal: int, step: float, size: int = 2, most: float = 1.0
) -> Policy:
    """Straight from some numbers of the state to others.

    Parameters
    ----------
    first, goal : int
        Where the numbers begin that are to change, and those that they shall become.
    step : float
        How far an action of 1 moves.
    size : int, optional
        How many numbers they are.
    most : float, optional
        The largest action.
    """

    def policy(state: Array, _: int) -> Any:
        way = (state[goal : goal + size] - state[first : first + size]) / step
        return (most * way / max(1.0, np.abs(way).max()))[None].astype(np.float32)

    return policy


def push(state: Array, _: int) -> Any:
    """At the object, until it is where it should be."""
    there = np.hypot(*(state[2:4] - state[4:6])) < 0.03
    return 0 * towards(0, 2, 0.03)(state, 0) if there else towards(0, 2, 0.03)(state, 0)


def through_a_door(state: Array, step: int) -> Any:
    """From the lower left room over the upper left one to the upper right one."""
    posts = [(-3.05, 0.0), (-3.05, 3.05), (0.0, 3.05), (state[2], state[3])]
    way = np.array(posts[min(step // 4, 3)]) - state[:2]
    return (way / max(1.0, np.abs(way).max()))[None].astype(np.float32)
