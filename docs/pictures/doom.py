"""TakeCover, which is shown as it draws itself, and how one moves there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .drawing import Array, Axes


def nothing(axes: Axes, state: Array) -> None:
    """Draw nothing: the environment shows itself."""


def sidestep(_: Array, step: int) -> Any:
    """To the left and to the right in turn."""
    return np.array([[-1.0 if step // 40 % 2 == 0 else 1.0]], np.float32)
