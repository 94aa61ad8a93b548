"""Mazes from above, with a ball or an ant in them, and how the ball rolls."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path

from .drawing import ACCENT, GREEN, INK, Array, Axes, Draw, dot, line

# rows of cells, 1 a wall
U_MAZE = "11111/10001/11101/10001/11111"
MEDIUM_MAZE = "11111111/10011001/10010001/11000111/10010001/10100101/10001001/11111111"
LARGE_MAZE = (
    "111111111111/100001000001/101101010101/100000010001/101111011101/100101000001/"
    "110101010111/100100010001/111111111111"
)
GIANT_MAZE = (
    "1111111111111111/1010000001100001/1010110101001101/1000100100010001/1011101111110101/"
    "1000100010000101/1110101001010111/1000100100010001/1010101111110101/1011100010001101/"
    "1000001000100001/1111111111111111"
)


def maze(
    plan: str, unit: float, radius: float, goal: float, *, corner: bool = False
) -> Draw:
    """Draw the walls of a plan, the goal, and the ball.

    Parameters
    ----------
    plan : str
        The cells.
    unit, radius, goal : float
        Side of a cell, radius of the ball, radius within which it has arrived.
    corner : bool, optional
        OGBench's way to place cells: rows go up, and the first free cell is around the origin;
        otherwise they go down, and the middle of the plan is there.
    """
    rows = plan.split("/")
    height, width = len(rows), len(rows[0])
    left, top = -width / 2 * unit, height / 2 * unit

    def draw(axes: Axes, state: Array) -> None:
        walls = []
        for i, row in enumerate(rows):
            for run in re.finditer("1+", row):  # neighbouring walls as one
                x, y = left + run.start() * unit, top - (i + 1) * unit
                if corner:
                    x, y = (run.start() - 1.5) * unit, (i - 1.5) * unit
                long = len(run[0]) * unit
                corners = [(x, y), (x + long, y), (x + long, y + unit), (x, y + unit)]
                walls.append(Path([*corners, (x, y)], closed=True))
        axes.add_patch(PathPatch(Path.make_compound_path(*walls), color=INK, lw=0))
        axes.add_patch(Circle(state[-2:], goal, color=GREEN, alpha=0.6, lw=0))
        dot(axes, (state[0], state[1]), max(radius, 0.18 * unit), ACCENT)
        x, y = (-1.5 * unit, -1.5 * unit) if corner else (left, -top)
        axes.set(xlim=(x, x + width * unit), ylim=(y, y + height * unit))

    return draw


def ant_maze(plan: str, *, corner: bool = False) -> Draw:
    """The ant from above among the walls: its torso, and its legs to scale."""
    ground = maze(plan, 4.0, 0.0, 0.5, corner=corner)

    def draw(axes: Axes, state: Array) -> None:
        ground(axes, state)
        axes.patches[-1].remove()  # what stands for a ball
        x, y = state[:2]
        turn = 2 * np.arctan2(state[6], state[3])
        for leg in range(4):
            way = turn + np.pi / 4 + leg * np.pi / 2
            end = (x + 1.1 * np.cos(way), y + 1.1 * np.sin(way))
            line(axes, [(x, y), end], ACCENT, 1.6)
        dot(axes, (x, y), 0.5, ACCENT)

    return draw


def rolling(_: Array, step: int) -> Any:
    """A push whose direction turns slowly."""
    turn = 0.023 * step + 0.8 * np.sin(0.011 * step)
    return 0.8 * np.array([[np.cos(turn), np.sin(turn)]], np.float32)


def along_u(state: Array, _: int) -> Any:
    """Around the bend of the U, from its upper arm to its lower one."""
    x, y, vx, vy = state[:4]
    aim = (
        (1.0, 1.0) if y > 0.7 and x < 0.8 else (1.0, -1.0) if y > -0.7 else (-1.0, -1.0)
    )
    push = 1.5 * (np.array(aim) - [x, y]) - 0.9 * np.array([vx, vy])
    return np.clip(push, -1, 1)[None].astype(np.float32)
