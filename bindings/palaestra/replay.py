"""The replay buffer of the native agents, for agents written in Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _palaestra
from palaestra._palaestra import UserError

Array = npt.NDArray[Any]


class Minibatch(NamedTuple):
    """Rows drawn from a buffer, as live views: the next `ReplayBuffer.sample` overwrites them."""

    observation: npt.NDArray[np.float32]
    action: npt.NDArray[np.float32]
    reward: npt.NDArray[np.float32]
    """Sum of up to ``n_step`` discounted rewards."""
    discount: npt.NDArray[np.float32]
    """``discount ** steps``, 0 where the episode terminated: the factor of the next value."""
    next_observation: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]
    """Ids of the rows, for `ReplayBuffer.update_priorities`."""
    weight: npt.NDArray[np.float32]
    """Importance weights; 1 where uniform."""
    probability: npt.NDArray[np.float64]
    """With which each row was drawn."""
    steps: npt.NDArray[np.int32]
    """Rewards in the sum, 1 to ``n_step``."""


class ReplayBuffer(_palaestra.ReplayBuffer):
    """Transitions in rings, one per environment of a vector environment, and draws from them.

    The next observation of a row is the observation of the next one, so that it is stored once;
    the last observations of episodes are kept aside.

    Parameters
    ----------
    observation_space, action_space
        Spaces of a single environment.
    capacity
        Rows to keep, over all lanes.
    lanes
        Number of environments that are added together.
    priorities
        Keep a priority per row and draw in proportion to ``priority ** priority_exponent``.
    extra
        More columns: name to ``(dtype, shape)``.
    seed
        Of the draws: they depend on it and on the contents alone.
    threads
        That copy large minibatches; 0 means one per physical core.

    Raises
    ------
    UserError
        For spaces, dtypes or numbers that are not accepted.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        capacity: int = 1_000_000,
        *,
        lanes: int = 1,
        priorities: bool = False,
        priority_exponent: float = 0.6,
        extra: Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]] | None = None,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        columns = [
            _column("observation", observation_space, state=True),
            _column("action", action_space, state=False),
            ("reward", np.dtype(np.float32), [], False),
            *(
                (name, np.dtype(dtype), list(shape), False)
                for name, (dtype, shape) in (extra or {}).items()
            ),
        ]
        super().__init__(
            columns, capacity, lanes, priorities, priority_exponent, seed, threads
        )
        self._views: dict[str, Array] | None = None

    def add(
        self,
        observation: npt.ArrayLike,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        next_observation: npt.ArrayLike,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        *,
        final_observation: npt.ArrayLike | None = None,
        skip: npt.ArrayLike | None = None,
        priority: npt.ArrayLike | None = None,
        **extra: npt.ArrayLike,
    ) -> None:
        """Add one step of every lane: row i of each array goes to lane i.

        Parameters
        ----------
        observation
            Before the step: a copy, where the environment hands out live views.
        next_observation
            After the step. Rows that ended need their own last observation here (next-step and
            disabled resets), or in ``final_observation`` (same-step resets).
        skip
            Rows that hold no transition: ``info["reset"]`` of next-step resets.
        priority
            Without it new rows get the largest one ever given.
        **extra
            The extra columns.

        Raises
        ------
        UserError
            For shapes, types or numbers that do not fit; nothing was added.
        """
        last = next_observation if final_observation is None else final_observation
        self._add(
            {"observation": observation, "action": action, "reward": reward, **extra},
            terminated,
            truncated,
            skip,
            {"observation": next_observation},
            {"observation": last},
            priority,
            None,
        )

    def extend(
        self,
        observation: npt.ArrayLike,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        next_observation: npt.ArrayLike,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        *,
        lane: int = 0,
        priority: npt.ArrayLike | None = None,
        **extra: npt.ArrayLike,
    ) -> None:
        """Add consecutive steps of one lane: recorded episodes. See `add`."""
        after = {"observation": next_observation}
        self._add(
            {"observation": observation, "action": action, "reward": reward, **extra},
            terminated,
            truncated,
            None,
            after,
            after,
            priority,
            lane,
        )

    def sample(
        self,
        rows: int = 256,
        *,
        prioritized: bool | None = None,
        n_step: int = 1,
        discount: float = 0.99,
        importance_exponent: float = 0.4,
        weight_scale: str = "buffer",
        stratified: bool = False,
    ) -> Minibatch:
        """Draw rows with replacement.

        Parameters
        ----------
        rows
            How many.
        prioritized
            In proportion to the priorities; by default if the buffer keeps them.
        n_step, discount
            Rewards summed per row, fewer at the end of an episode, and their discount.
        importance_exponent
            Weights are ``(size * probability) ** -importance_exponent``.
        weight_scale
            What the largest weight, 1, is taken over: ``"buffer"``, ``"batch"``, ``"none"``.
        stratified
            One draw from each of ``rows`` equal slices of the total priority.

        Returns
        -------
        Minibatch
            Live views, overwritten by the next call with as many rows.
        """
        if prioritized is None:
            prioritized = self.priorities
        views = self._sample(
            rows,
            prioritized,
            n_step,
            discount,
            importance_exponent,
            weight_scale,
            stratified,
        )
        if views is not self._views:
            self._views, self._minibatch = views, Minibatch(**views)
        return self._minibatch

    def read(self, column: str, index: npt.ArrayLike, *, after: bool = False) -> Array:
        """Copy one column of stored rows, or a state after their step."""
        return self._read(column, index, after)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write contents, priorities and the position of the draws to a safetensors file."""
        self._save(os.fspath(file))

    def load(self, file: str | os.PathLike[str]) -> None:
        """Read what `save` wrote into a buffer of the same columns and options.

        Raises
        ------
        UserError
            For a damaged file, or one of another buffer; this one is then as it was.
        """
        self._load(os.fspath(file))

    def __repr__(self) -> str:
        """Rows, capacity and lanes."""
        return f"ReplayBuffer({len(self)} of {self.capacity} rows, {self.lanes} lanes)"


def _column(
    name: str, space: spaces.Space[Any], *, state: bool
) -> tuple[str, np.dtype[Any], list[int], bool]:
    if isinstance(space, spaces.Discrete):
        return name, np.dtype(np.int64), [], state
    if isinstance(space, spaces.Box):
        return name, space.dtype, list(space.shape), state
    raise UserError(f"ReplayBuffer: {name} space is {space}; accepted: Box, Discrete")
