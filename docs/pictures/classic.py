"""Classic control: carts, poles, links and a car in a valley, drawn by hand, and how they move."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.patches import FancyBboxPatch, Rectangle

from .drawing import ACCENT, INK, PALE, Array, Axes, Policy, dot, line


def cart_pole(axes: Axes, state: Array) -> None:
    """Cart on a rail, pole twice 0.5 m."""
    x, angle = state[0], state[2]
    line(axes, [(-2.4, 0), (2.4, 0)], PALE, 1.5)
    cart = FancyBboxPatch((x - 0.3, -0.1), 0.6, 0.2, "round,pad=0.05", color=INK)
    axes.add_patch(cart)
    line(axes, [(x, 0.1), (x + np.sin(angle), 0.1 + np.cos(angle))], ACCENT, 4)
    axes.set(xlim=(x - 1.2, x + 1.2), ylim=(-0.5, 1.5))


def pendulum(axes: Axes, state: Array) -> None:
    """Rod of 1 m; angle 0 is upright."""
    angle = state[0]
    line(axes, [(0, 0), (-np.sin(angle), np.cos(angle))], ACCENT, 5)
    dot(axes, (0, 0), 0.07, INK)
    axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))


def acrobot(axes: Axes, state: Array) -> None:
    """Two links of 1 m; angle 0 hangs down; the line to reach is 1 m above the base."""
    elbow = (np.sin(state[0]), -np.cos(state[0]))
    both = state[0] + state[1]
    end = (elbow[0] + np.sin(both), elbow[1] - np.cos(both))
    line(axes, [(-2.2, 1), (2.2, 1)], PALE, 1.5)
    line(axes, [(0, 0), elbow], INK, 4)
    line(axes, [elbow, end], ACCENT, 4)
    dot(axes, (0, 0), 0.1, INK)
    dot(axes, elbow, 0.1, INK)
    axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2))


def mountain_car(axes: Axes, state: Array) -> None:
    """The valley sin(3 x), the goal as a flag."""
    x = np.linspace(-1.2, 0.6, 80)
    axes.plot(x, 0.45 * np.sin(3 * x), color=INK, lw=1.5)
    at = (state[0], 0.45 * np.sin(3 * state[0]) + 0.06)
    dot(axes, at, 0.07, ACCENT)
    flag = 0.45 * np.sin(1.5)
    line(axes, [(0.5, flag), (0.5, flag + 0.22)], INK, 1.5)
    axes.add_patch(Rectangle((0.36, flag + 0.13), 0.14, 0.09, color=PALE))
    axes.set(xlim=(-1.25, 0.65), ylim=(-0.75, 1.0))


def swing_up(state: Array, _: int) -> Any:
    """Pump energy into a pendulum until it is nearly upright, then hold it."""
    angle, speed = (state[0] + np.pi) % (2 * np.pi) - np.pi, state[1]
    if abs(angle) < 0.6:
        return np.array([[-16 * angle - 4 * speed]], np.float32)
    return np.array([[2.0 * np.sign(speed or 1)]], np.float32)


def along(index: int, none: int, force: bool = False) -> Policy:
    """Push the way that number `index` of the state already moves."""

    def policy(state: Array, _: int) -> Any:
        sign = int(np.sign(state[index]))
        return np.array([[sign]], np.float32) if force else np.array([none + sign])

    return policy


def balance(state: Array, _: int) -> Any:
    """Push a cart under its pole."""
    return np.array([int(state[2] + 0.3 * state[3] + 0.02 * state[0] > 0)])
