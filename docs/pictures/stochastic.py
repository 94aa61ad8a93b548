"""Stochastic tasks: maps of a frozen lake and a mass on a line, and how one moves there."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from matplotlib.patches import Rectangle

from .drawing import ACCENT, GREEN, INK, PALE, Array, Axes, Draw, dot, line


def frozen_lake(env_id: str) -> Draw:
    """The map: ice, holes, the goal, and the agent as a dot."""
    core: Any = gymnasium.make(env_id).unwrapped
    rows, columns = core.desc.shape

    def draw(axes: Axes, state: Array) -> None:
        axes.add_patch(Rectangle((0, 0), columns, rows, color=PALE))
        for row, column in np.argwhere(np.isin(core.desc, [b"H", b"G"])):
            color = INK if core.desc[row, column] == b"H" else GREEN
            axes.add_patch(Rectangle((column, rows - 1 - row), 1, 1, color=color))
        axes.vlines(range(1, columns), 0, rows, color="white", lw=1.5)
        axes.hlines(range(1, rows), 0, columns, color="white", lw=1.5)
        row, column = divmod(int(state[0]), columns)
        at = (column + 0.5, rows - 1 - row + 0.5)
        dot(axes, at, 0.36, "white")
        dot(axes, at, 0.28, ACCENT)
        axes.set(xlim=(0, columns), ylim=(0, rows))

    return draw


def careful(state: Array, _: int) -> Any:
    """Cross the 4x4 map as well as one can for ever: slips never lead into a hole by choice."""
    return np.array([[0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0][int(state[0])]])


def right_and_down(state: Array, _: int) -> Any:
    """Along the upper edge of the 8x8 map, whose slips are harmless, then down the right one."""
    return np.array([2 if int(state[0]) % 8 == 7 else 3])


def double_integrator(axes: Axes, state: Array) -> None:
    """The mass on its line, with an arrow for its velocity, and the origin."""
    position, velocity = state[:2]
    line(axes, [(-0.4, 0), (1.3, 0)], PALE, 1.5)
    line(axes, [(0, -0.12), (0, 0.12)], INK, 1.5)
    dot(axes, (position, 0), 0.07, ACCENT)
    axes.annotate(
        "",
        (position + 0.4 * velocity, 0.2),
        (position, 0.2),
        arrowprops={"arrowstyle": "->", "color": INK},
    )
    axes.set(xlim=(-0.4, 1.3), ylim=(-0.6, 0.6))


def best_push(state: Array, _: int) -> Any:
    """What the best policy does with much time left."""
    return np.array([[-(7.604 * state[0] + 4.978 * state[1])]], np.float32)
