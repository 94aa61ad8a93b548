"""What a replay buffer hands out: drawn rows, minibatches, tables of groups and episodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Observation = Array | dict[str, Array]


class Minibatch(NamedTuple):
    """Transitions drawn from a buffer.

    Those of `ReplayBuffer.sample` are live views: the next call with as many rows overwrites them.
    Observations are arrays, or dicts of arrays where the observation space is a ``Dict``.
    """

    observation: Any
    action: Array
    reward: npt.NDArray[np.float32]
    """Sum of up to ``n_step`` discounted rewards."""
    discount: npt.NDArray[np.float32]
    """``discount ** steps``, 0 where the episode terminated: the factor of the next value."""
    next_observation: Any
    index: npt.NDArray[np.int64]
    """Ids of the rows, for `ReplayBuffer.update_priorities` and the like."""
    weight: npt.NDArray[np.float32]
    """Importance weights; 1 where uniform."""
    probability: npt.NDArray[np.float64]
    """With which each row was drawn; not a number where it was not drawn but asked for."""
    steps: npt.NDArray[np.int32]
    """Rewards in the sum, 1 to ``n_step``."""

    def to_torch(self) -> Minibatch:
        """Show the same memory as PyTorch tensors, without a copy.

        Of live views the tensors are live, too: one call serves all minibatches of that size.
        """
        import torch

        return Minibatch(
            *(
                {name: torch.from_numpy(part) for name, part in value.items()}
                if isinstance(value, dict)
                else torch.from_numpy(value)
                for value in self
            )
        )


class Draw(NamedTuple):
    """Rows that were drawn, before anything is copied."""

    index: npt.NDArray[np.int64]
    """Ids of the rows."""
    weight: npt.NDArray[np.float32]
    """Importance weights; 1 where uniform."""
    probability: npt.NDArray[np.float64]
    """With which each row was drawn."""


class Group(NamedTuple):
    """A closed group of rows."""

    id: int
    """Counted from 0, never reused."""
    tag: int
    """What `ReplayBuffer.begin_group` was told."""
    rows: int
    """That can be drawn now."""
    probability: float
    """With which one draw takes this group."""


class AgeSummary(NamedTuple):
    """How long ago rows were added, in rows of their lane that came since."""

    youngest: int
    oldest: int
    mean: float
    median: float
    tenths: npt.NDArray[np.int64]
    """Rows by age relative to the oldest one that is stored: ten equal parts, young to old."""


class PrioritySummary(NamedTuple):
    """The weights of the stored rows, see `ReplayBuffer.weights`."""

    rows: int
    never: int
    """Rows of weight zero."""
    smallest: float
    """Of the positive ones."""
    largest: float
    mean: float
    effective_rows: float
    """`effective_sample_size` of all."""


class Episodes(NamedTuple):
    """Stored episodes, lane by lane and oldest first: rows ``first`` to ``first + length - 1``."""

    first: npt.NDArray[np.int64]
    """Ids of the first rows that are still stored."""
    length: npt.NDArray[np.int64]
    """Rows."""
