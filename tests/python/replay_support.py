"""Buffers of which every number is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from palaestra import ReplayBuffer

BOX = Box(-np.inf, np.inf, (3,), np.float64)
ACTION = Box(-1, 1, (2,), np.float32)


def rows(begin: int, end: int, total: int = 500) -> dict[str, Any]:
    """Rows t of one lane: observation t, reward t, ends at 9s, of which every other terminates."""
    t = np.arange(begin, end, dtype=float)
    observation = np.repeat(t[:, None], 3, axis=1)
    ends = t % 10 == 9
    return {
        "observation": observation,
        "action": np.stack([t, -t], axis=1) / total,
        "reward": t,
        "next_observation": observation + np.where(ends, 0.5, 1.0)[:, None],
        "terminated": ends & (t % 20 == 9),
        "truncated": ends & (t % 20 == 19),
    }


def filled(count: int = 500, **options: Any) -> ReplayBuffer:
    """Make a buffer of one lane with those rows."""
    buffer = ReplayBuffer(BOX, ACTION, **options)
    buffer.extend(**rows(0, count, count))
    return buffer
