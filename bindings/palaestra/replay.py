"""The replay buffer of the native agents, for agents written in Python."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments
from palaestra._checked_buffer import (
    CheckedBuffer,
    check_choice,
    extra_column,
    ids_of,
)
from palaestra._palaestra import UserError
from palaestra.minibatch import (
    AgeSummary,
    Array,
    Draw,
    Episodes,
    Group,
    Minibatch,
    PrioritySummary,
)

Columns = npt.ArrayLike | Mapping[str, npt.ArrayLike]


class ReplayBuffer(CheckedBuffer):
    """Transitions in rings, one per environment of a vector environment, and draws from them.

    The next observation of a row is the observation of the next one, so that it is stored once;
    the last observations of episodes are kept aside. ``docs/replay.md`` says what can be drawn how.

    Parameters
    ----------
    observation_space, action_space
        Spaces of a single environment: ``Box``, ``Discrete``, ``MultiDiscrete``; observations also
        ``Dict`` of these, such as goals beside observations.
    capacity
        Rows to keep, over all lanes.
    lanes
        Number of environments that are added together.
    tail
        Room for more rows, between `mark` and `roll_back`.
    pinned
        Room for more rows, which are never evicted: `pin`.
    file
        Keep the rows in this new file, which may be larger than memory and is gone with the buffer.
    priorities
        Keep a priority p per row: ``"proportional"`` (or True) draws with ``p **
        priority_exponent``, ``"ranked"`` with ``rank(p) ** -priority_exponent``.
    removal
        Which row makes room for a new one: the ``"oldest"`` of its lane, or the one of
        ``"lowest_priority"``, which needs priorities and does without episodes, groups and n-step
        returns.
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
        tail: int = 0,
        pinned: int = 0,
        file: str | os.PathLike[str] | None = None,
        priorities: str | bool | None = None,
        priority_exponent: float = 0.6,
        removal: str = "oldest",
        extra: Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]] | None = None,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        _arguments.integers(
            "ReplayBuffer",
            capacity=capacity,
            lanes=lanes,
            tail=tail,
            pinned=pinned,
            seed=seed,
            threads=threads,
        )
        _arguments.numbers("ReplayBuffer", priority_exponent=priority_exponent)
        if isinstance(priorities, bool) or priorities is None:
            priorities = "proportional" if priorities else "none"
        _arguments.texts("ReplayBuffer", priorities=priorities, removal=removal)
        self._arguments = {
            "observation_space": observation_space,
            "action_space": action_space,
            "capacity": capacity,
            "lanes": lanes,
            "tail": tail,
            "pinned": pinned,
            "file": file,
            "priorities": priorities,
            "priority_exponent": priority_exponent,
            "removal": removal,
            "extra": extra,
            "seed": seed,
            "threads": threads,
        }
        columns = [
            *_columns("observation", observation_space, state=True),
            *_columns("action", action_space, state=False),
            ("reward", np.dtype(np.float32), [], False),
            *(extra_column(name, given) for name, given in (extra or {}).items()),
        ]
        self._many = isinstance(observation_space, spaces.Dict)
        super().__init__(
            columns,
            capacity,
            lanes,
            tail,
            pinned,
            "" if file is None else os.fspath(file),
            priorities,
            priority_exponent,
            removal,
            seed,
            threads,
            not self._many,
        )
        self._by_default = "uniform" if priorities == "none" else "priority"
        self._views: dict[str, Any] | None = None

    # ---- adding ----------------------------------------------------------------------------------

    def add(
        self,
        observation: Columns,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        next_observation: Columns,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        *,
        final_observation: Columns | None = None,
        skip: npt.ArrayLike | None = None,
        priority: npt.ArrayLike | None = None,
        **extra: npt.ArrayLike,
    ) -> None:
        """Add one step of every lane: row i of each array goes to lane i.

        Parameters
        ----------
        observation
            Before the step: a copy, where the environment hands out live views. A mapping where the
            observation space is a ``Dict``, as are the other observations.
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
        after = self._states(next_observation)
        self._add(
            {
                **self._states(observation),
                "action": action,
                "reward": reward,
                **extra,
            },
            terminated,
            truncated,
            skip,
            after,
            after if final_observation is None else self._states(final_observation),
            priority,
        )

    def extend(
        self,
        observation: Columns,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        next_observation: Columns,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        *,
        lane: int = 0,
        priority: npt.ArrayLike | None = None,
        **extra: npt.ArrayLike,
    ) -> None:
        """Add consecutive steps of one lane: recorded episodes. See `add`."""
        _arguments.integers("ReplayBuffer.extend", lane=lane)
        self._extend(
            lane,
            {
                **self._states(observation),
                "action": action,
                "reward": reward,
                **extra,
            },
            terminated,
            truncated,
            self._states(next_observation),
            priority,
        )

    def pin(
        self,
        observation: Columns,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        next_observation: Columns,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        *,
        priority: npt.ArrayLike | None = None,
        **extra: npt.ArrayLike,
    ) -> None:
        """Add consecutive steps that are never evicted: demonstrations. See `add`.

        Raises
        ------
        UserError
            Also when they are more than there is room for; nothing was added.
        """
        self._pin(
            {
                **self._states(observation),
                "action": action,
                "reward": reward,
                **extra,
            },
            terminated,
            truncated,
            self._states(next_observation),
            priority,
        )

    @contextlib.contextmanager
    def ephemeral(self) -> Iterator[None]:
        """Forget at the end of the block what is added inside: `mark`, then `roll_back`."""
        self.mark()
        try:
            yield
        finally:
            self.roll_back()

    # ---- groups ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def group(self, tag: int = 0) -> Iterator[int]:
        """Give the rows added in the block a group of their own, and its id to the block.

        The group is closed also when the block raises, if it has rows.
        """
        group = self.begin_group(tag)
        try:
            yield group
        except BaseException:
            with contextlib.suppress(UserError):
                self.end_group()
            raise
        self.end_group()

    @property
    def groups(self) -> list[Group]:
        """The closed groups, oldest first."""
        return [Group(*facts) for facts in self._groups()]

    def set_group_weights(
        self,
        weights: str | Sequence[float] | npt.NDArray[np.floating[Any]],
        *,
        discount: float = 0.05,
        eviction: str = "inherit",
    ) -> None:
        """Say how groups share the draws.

        Parameters
        ----------
        weights
            ``"equal"``, ``"geometric"``, or one weight for each closed group, oldest first (a group
            closed later gets the mean weight).
        discount
            Of ``"geometric"``, in (0, 1]: ``discount * (1 - discount) ** age``, where the newest
            group has age 0 and the oldest carries the rest.
        eviction
            Of ``"geometric"``: a group that is gone leaves its mass to the oldest one that is left
            (``"inherit"``) or to all (``"renormalise"``).

        Raises
        ------
        UserError
            For weights that are negative, not finite, all zero or too few; nothing has changed.
        """
        where = "ReplayBuffer.set_group_weights"
        if isinstance(weights, str):
            _arguments.numbers(where, discount=discount)
            _arguments.texts(where, eviction=eviction)
            self._set_group_kind(weights, discount, eviction)
        else:
            self._set_group_weights(
                _arguments.array_of_numbers(where, "weights", weights)
            )

    # ---- drawing ---------------------------------------------------------------------------------

    def sample(
        self,
        rows: int = 256,
        selection: str | None = None,
        *,
        recent: int = 10_000,
        n_step: int = 1,
        discount: float = 0.99,
        importance_exponent: float = 0.4,
        weight_scale: str = "buffer",
        stratified: bool = False,
        stored: bool = False,
    ) -> Minibatch:
        """Draw rows, with replacement unless by epochs.

        Parameters
        ----------
        rows
            How many.
        selection
            ``"uniform"``; ``"recent"``: the newest rows alike; ``"episode"``: an episode, then one
            of its rows, each alike; ``"epoch"``: every row once, in a random order, then all
            again; ``"priority"``: by priority; ``"group"``: a closed group by its weight, then one
            of its rows alike; ``"group_priority"``: then in proportion to the priorities;
            ``"group_episode"``: then one of its episodes, then one of its rows, each alike. By
            default by priority if the buffer keeps them, else uniform.
        recent
            Rows of ``"recent"``, over all lanes.
        n_step, discount
            Rewards summed per row, fewer at the end of an episode, and their discount.
        importance_exponent
            Of draws by priority: weights are ``(size * probability) ** -importance_exponent``.
        weight_scale
            What the largest weight, 1, is taken over: ``"buffer"``, ``"batch"``, ``"none"``.
        stratified
            Of ``"priority"``: one draw from each of ``rows`` equal slices of the total.
        stored
            Observations and actions as they are stored, pixels as ``uint8``; otherwise as float32.

        Returns
        -------
        Minibatch
            Live views, overwritten by the next call with as many rows.

        Raises
        ------
        UserError
            For arguments out of range, and when there is nothing to draw from.
        """
        try:
            views = self._sample(
                rows,
                self._by_default if selection is None else selection,
                recent,
                n_step,
                discount,
                importance_exponent,
                weight_scale,
                stratified,
                stored,
            )
        except TypeError:  # only then, as a learner draws all the time
            _arguments.integers("ReplayBuffer.sample", rows=rows)
            check_choice(
                "ReplayBuffer.sample",
                {
                    "selection": selection,
                    "recent": recent,
                    "n_step": n_step,
                    "discount": discount,
                    "importance_exponent": importance_exponent,
                    "weight_scale": weight_scale,
                    "stratified": stratified,
                    "stored": stored,
                },
            )
            raise
        if views is not self._views:
            self._views, self._minibatch = views, Minibatch(**views)
        return self._minibatch

    def draw(
        self,
        rows: int = 256,
        selection: str | None = None,
        *,
        recent: int = 10_000,
        importance_exponent: float = 0.4,
        weight_scale: str = "buffer",
        stratified: bool = False,
    ) -> Draw:
        """Draw rows as `sample` does, and copy nothing of them: for `gather`, `read`, `column`."""
        _arguments.integers("ReplayBuffer.draw", rows=rows)
        check_choice(
            "ReplayBuffer.draw",
            {
                "selection": selection,
                "recent": recent,
                "importance_exponent": importance_exponent,
                "weight_scale": weight_scale,
                "stratified": stratified,
            },
        )
        return Draw(
            *self._draw(
                rows,
                self._by_default if selection is None else selection,
                recent,
                importance_exponent,
                weight_scale,
                stratified,
            )
        )

    def gather(
        self,
        rows: Draw | npt.ArrayLike,
        *,
        n_step: int = 1,
        discount: float = 0.99,
        stored: bool = False,
    ) -> Minibatch:
        """Copy the transitions of rows that are known: what `draw` gave, or ids. New arrays.

        Raises
        ------
        UserError
            For a row that is not stored any more.
        """
        check_choice(
            "ReplayBuffer.gather",
            {"n_step": n_step, "discount": discount, "stored": stored},
        )
        index = rows.index if isinstance(rows, Draw) else ids_of("gather", rows)
        columns = self._gather(index, n_step, discount, stored)
        del columns["terminated"]
        if isinstance(rows, Draw):
            return Minibatch(**columns, **rows._asdict())
        return Minibatch(
            **columns,
            index=index,
            weight=np.ones(len(index), np.float32),
            probability=np.full(len(index), np.nan),
        )

    # ---- looking ---------------------------------------------------------------------------------

    def read(self, column: str, index: npt.ArrayLike, *, after: bool = False) -> Array:
        """Copy one column of stored rows, or a state after their step.

        ``"terminated"`` and ``"truncated"`` can be read as well.
        """
        _arguments.texts("ReplayBuffer.read", column=column)
        _arguments.flags("ReplayBuffer.read", after=after)
        return self._read(column, ids_of("read", index), after)

    def episodes(self) -> Episodes:
        """Where the stored episodes are; one whose oldest rows are gone begins later."""
        return Episodes(*self._episodes())

    def age_summary(self, index: npt.ArrayLike) -> AgeSummary:
        """How old drawn rows are."""
        return AgeSummary(*self._age_summary(ids_of("age_summary", index)))

    def priority_summary(self) -> PrioritySummary:
        """Look at the priorities of all stored rows."""
        return PrioritySummary(*self._priority_summary())

    # ---- files -----------------------------------------------------------------------------------

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write contents, groups, priorities and the position of the draws to a safetensors file.

        Raises
        ------
        UserError
            When it cannot be written; an older file of that name is then still whole.
        """
        self._save(os.fspath(file))

    def load(self, file: str | os.PathLike[str]) -> None:
        """Read what `save` wrote into a buffer of the same columns and options.

        Raises
        ------
        UserError
            For a damaged file, or one of another buffer; this one is then as it was.
        """
        self._load(os.fspath(file))

    def __reduce__(self) -> tuple[Callable[..., ReplayBuffer], tuple[Any, ...]]:
        """Pickle what a saved file would hold."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "buffer"
            self.save(file)
            return _unpickle, (type(self), self._arguments, file.read_bytes())

    def __repr__(self) -> str:
        """Rows, capacity and lanes."""
        return f"ReplayBuffer({len(self)} of {self.capacity} rows, {self.lanes} lanes)"

    def _states(self, observation: Columns) -> Mapping[str, npt.ArrayLike]:
        if not self._many:
            return {"observation": observation}  # type: ignore[dict-item]
        if not isinstance(observation, Mapping):
            raise UserError(
                f"ReplayBuffer: an observation is a {type(observation).__name__}, expected a "
                "mapping, as the observation space is a Dict; nothing was added"
            )
        return observation


def _unpickle(
    kind: Callable[..., ReplayBuffer], arguments: dict[str, Any], data: bytes
) -> ReplayBuffer:
    buffer = kind(**arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "buffer"
        file.write_bytes(data)
        buffer.load(file)
    return buffer


def _columns(
    name: str, space: spaces.Space[Any], *, state: bool
) -> list[tuple[str, np.dtype[Any], list[int], bool]]:
    if state and isinstance(space, spaces.Dict):
        return [(key, *_column(key, part), True) for key, part in space.items()]
    return [(name, *_column(name, space), state)]


def _column(name: str, space: spaces.Space[Any]) -> tuple[np.dtype[Any], list[int]]:
    if isinstance(space, spaces.Discrete):
        return np.dtype(np.int64), []
    if isinstance(space, (spaces.Box, spaces.MultiDiscrete)):
        return np.dtype(space.dtype), list(space.shape)
    raise UserError(
        f"ReplayBuffer: {name} space is {space}; accepted: Box, Discrete, MultiDiscrete, and for "
        "observations a Dict of these"
    )
