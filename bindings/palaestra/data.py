"""Data sets on disk: Minari folders and D4RL files, read lazily and written whole or not at all.

`open_data_set` opens either; episodes are read when they are asked for, whole or in part.
`write_minari` and `write_d4rl` write them; `DataSet.to_buffer` fills a `ReplayBuffer`.
"""

from __future__ import annotations

import difflib
import json
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments, _palaestra
from palaestra._data_writing import write_d4rl, write_minari
from palaestra._palaestra import UserError
from palaestra._spaces import to_gymnasium
from palaestra.replay import ReplayBuffer

__all__ = [
    "DataColumn",
    "DataSet",
    "Episode",
    "LoadResult",
    "open_data_set",
    "write_d4rl",
    "write_minari",
]

Array = npt.NDArray[Any]
#: An array, or the parts of a composed observation or action.
Value = Any


@dataclass(frozen=True)
class DataColumn:
    """One named quantity of a data set."""

    #: ``"observation"``, ``"action"``, ``"reward"``, ``"terminated"``, ``"truncated"``,
    #: ``"info/x"``; parts of composed observations have a path, ``"observation/desired_goal"``
    name: str
    dtype: np.dtype[Any]
    #: of one row
    shape: tuple[int, ...]
    #: an episode of T steps has T + 1 rows
    state: bool
    #: a Box or Discrete, where it is known
    space: spaces.Space[Any] | None


class LoadResult(NamedTuple):
    """What a buffer got."""

    episodes: int
    steps: int
    #: last steps whose next observation is not in the file
    dropped: int


class Episode:
    """One episode of a data set. Values are read when they are asked for, and not kept."""

    def __init__(self, data: DataSet, number: int) -> None:
        self._data = data
        self.number = number
        (
            self.id,
            self.length,
            self.terminated,
            self.truncated,
            self.last_known,
            self.seed,
        ) = data._episode(number)

    def read(self, column: str, start: int = 0, stop: int | None = None) -> Array:
        """Copy rows ``[start, stop)`` of a column.

        Parameters
        ----------
        column
            One of `DataSet.columns`. State columns have ``length + 1`` rows (``length`` where
            `last_known` is false), the others ``length``.
        start, stop
            Rows, not negative; ``stop`` defaults to the end.

        Raises
        ------
        UserError
            For a column that is not there, rows out of range, or a damaged file.
        """
        _arguments.texts("Episode.read", column=column)
        _arguments.integers("Episode.read", start=start)
        if stop is not None:
            _arguments.integers("Episode.read", stop=stop)
        else:
            column_ = self._data.column(column)
            stop = self.length + int(column_.state and self.last_known)
        return self._data._read(column, self.number, start, stop - start)

    def _tree(self, head: str) -> Value:
        return _nested(head, [c.name for c in self._data.columns], self.read)

    @property
    def observations(self) -> Value:
        """Observations, one more than steps; a dictionary of them where they have parts."""
        return self._tree("observation")

    @property
    def actions(self) -> Value:
        """Actions; a dictionary of them where they have parts."""
        return self._tree("action")

    @property
    def rewards(self) -> Array:
        """Rewards, ``[length]``."""
        return self.read("reward")

    @property
    def terminations(self) -> Array:
        """Whether the task ended with each step, ``[length]``."""
        return self.read("terminated")

    @property
    def truncations(self) -> Array:
        """Whether the episode was cut short with each step, ``[length]``."""
        return self.read("truncated")

    @property
    def infos(self) -> dict[str, Any]:
        """Everything else, under its names."""
        found = self._tree("info")
        return found if isinstance(found, dict) else {}

    @property
    def total_return(self) -> float:
        """Sum of the rewards."""
        return self._data._episode_return(self.number)

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        """Number and length."""
        return f"Episode({self.number}, {self.length} steps)"


class DataSet(_palaestra.DataSet):
    """Recorded episodes on disk, in order.

    ``len(data)`` episodes; ``data[i]``, ``data[i:j]`` and iteration give `Episode` objects, whose
    values are read when they are asked for. One thread at a time.

    Parameters
    ----------
    path
        The folder of a Minari data set (or its ``main_data.hdf5``), or a D4RL file.
    time_limit
        Steps after which an episode ends where a D4RL file has no ``timeouts``; 0 means only where
        the task ended.

    Raises
    ------
    UserError
        For a file that is not there, damaged, or of a kind that is not read.
    """

    def __init__(self, path: str | os.PathLike[str], *, time_limit: int = 0) -> None:
        _arguments.integers("DataSet", time_limit=time_limit)
        super().__init__(os.fspath(path), time_limit)
        self.columns: tuple[DataColumn, ...] = tuple(
            DataColumn(
                name, dtype, tuple(shape), state, _to_gymnasium(space, dtype, start)
            )
            for name, dtype, shape, state, space, start in self._columns
        )

    def column(self, name: str) -> DataColumn:
        """One of `columns`; raises `UserError` where there is none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        names = [c.name for c in self.columns]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"{self.path} has no column {name!r}{hint}; it has {', '.join(names)}"
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """What the file says about itself."""
        return json.loads(self._metadata)

    @property
    def total_steps(self) -> int:
        """Steps of all episodes; looks at each of them."""
        return self._steps()

    @property
    def observation_space(self) -> spaces.Space[Any] | None:
        """Space of the observations, a Dict where they have parts; None where it is not known."""
        return self._space("observation")

    @property
    def action_space(self) -> spaces.Space[Any] | None:
        """Space of the actions; None where it is not known."""
        return self._space("action")

    def _space(self, head: str) -> spaces.Space[Any] | None:
        columns = {c.name: c.space for c in self.columns}
        tree = _nested(head, list(columns), columns.__getitem__)
        return _joined(tree)

    def __getitem__(self, index: Any) -> Any:
        """An episode, or a list of them for a slice."""
        if isinstance(index, slice):
            return [Episode(self, i) for i in range(*index.indices(len(self)))]
        _arguments.integers(self.path, episode=index)
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"episode {number} of {len(self)}")
        return Episode(self, number % len(self))

    def __iter__(self) -> Iterator[Episode]:
        for number in range(len(self)):
            yield Episode(self, number)

    def load_into(
        self,
        buffer: ReplayBuffer,
        *,
        episodes: slice | None = None,
        steps: slice | None = None,
        fraction: float = 1.0,
        lane: int | None = None,
        pinned: bool = False,
        sources: Mapping[str, Sequence[str]] | None = None,
    ) -> LoadResult:
        """Append episodes to a buffer, in order, whole or in part.

        Parameters
        ----------
        buffer
            Its columns are filled from those of the same names, or from their parts joined.
        episodes
            Which, as a slice without a step; all.
        steps
            Which of each episode, as a slice without a step of numbers that are not negative; all.
        fraction
            The first part of the chosen steps, in [0, 1]; an episode may be cut by it.
        lane
            Where to; by default each episode goes to the lane that holds the fewest rows.
        pinned
            To the rows that are never evicted instead: demonstrations.
        sources
            Columns of the data set that fill a column of the buffer, where names differ.

        Raises
        ------
        UserError
            With the buffer as it was, for columns that do not fit, values that are not finite, a
            damaged file, or more steps than the buffer has room for.
        """
        if not isinstance(buffer, ReplayBuffer):
            raise UserError(
                f"load_into: buffer is {buffer!r}; accepted: a ReplayBuffer"
            )
        _arguments.numbers("load_into", fraction=fraction)
        if lane is not None:
            _arguments.integers("load_into", lane=lane)
        _arguments.flags("load_into", pinned=pinned)
        first, end = _range(episodes, "episodes", len(self))
        first_step, end_step = _range(steps, "steps", None)
        return LoadResult(
            *buffer._load_data_set(
                self,
                first,
                end,
                first_step,
                end_step,
                fraction,
                lane,
                pinned,
                {key: list(names) for key, names in (sources or {}).items()},
            )
        )

    def to_buffer(
        self, *, seed: int = 0, priorities: bool = False, **choice: Any
    ) -> ReplayBuffer:
        """Make a `ReplayBuffer` that holds the data set, or the part that `load_into` would choose.

        Raises
        ------
        UserError
            As `load_into`; also where observations or actions have parts or an unknown space.
        """
        columns = {c.name: c for c in self.columns}
        for name in ("observation", "action"):
            if name not in columns:
                raise UserError(
                    f"{self.path}: {name}s have parts; make a ReplayBuffer with a flat space of "
                    "your own and call load_into"
                )
        buffer = ReplayBuffer(
            columns["observation"].space or _wide(columns["observation"]),
            columns["action"].space or _wide(columns["action"]),
            max(self.total_steps, 1),
            seed=seed,
            priorities=priorities,
        )
        self.load_into(buffer, **choice)
        return buffer

    def convert(
        self,
        path: str | os.PathLike[str],
        format: str,
        *,
        episodes: slice | None = None,
        compression: int = 0,
        replace: bool = False,
    ) -> list[str]:
        """Write the data set, or some of its episodes, as ``"minari"`` or ``"d4rl"``.

        Returns
        -------
        list of str
            What the new file does not hold.

        Raises
        ------
        UserError
            Where the name is taken (unless ``replace`` moves the old one aside), the format cannot
            hold the columns, or the disk is full; nothing is left behind then.
        """
        _arguments.texts("convert", format=format)
        _arguments.integers("convert", compression=compression)
        _arguments.flags("convert", replace=replace)
        first, end = _range(episodes, "episodes", len(self))
        return self._convert(os.fspath(path), format, first, end, compression, replace)

    def __repr__(self) -> str:
        """Path, format and number of episodes."""
        return f"DataSet({self.path!r}, {self.format}, {len(self)} episodes)"


def open_data_set(path: str | os.PathLike[str], *, time_limit: int = 0) -> DataSet:
    """Open a Minari folder or a D4RL file; see `DataSet`."""
    return DataSet(path, time_limit=time_limit)


def _nested(head: str, names: list[str], value: Any) -> Any:
    """The value of ``head``, or a dictionary (a tuple, for parts called ``_index_0``) of parts."""
    if head in names:
        return value(head)
    parts: dict[str, Any] = {}
    for name in names:
        if name.startswith(f"{head}/"):
            key = name[len(head) + 1 :].split("/")[0]
            if key not in parts:
                parts[key] = _nested(f"{head}/{key}", names, value)
    if "_index_0" in parts:
        return tuple(parts[f"_index_{i}"] for i in range(len(parts)))
    return parts


def _joined(tree: Any) -> spaces.Space[Any] | None:
    if isinstance(tree, dict):
        parts = {key: _joined(part) for key, part in tree.items()}
        return None if None in parts.values() or not parts else spaces.Dict(parts)
    if isinstance(tree, tuple):
        members = [_joined(part) for part in tree]
        return None if None in members else spaces.Tuple(members)
    return tree


def _to_gymnasium(
    space: _palaestra.Space | None, dtype: np.dtype[Any], start: int
) -> spaces.Space[Any] | None:
    if space is None:
        return None
    if space.kind == "discrete":
        return spaces.Discrete(space.count, start=start)
    return to_gymnasium(space)


def _wide(column: DataColumn) -> spaces.Box:
    if column.dtype.kind == "f":
        return spaces.Box(-np.inf, np.inf, column.shape, column.dtype.type)
    info = np.iinfo(np.uint8 if column.dtype.kind == "b" else column.dtype)
    return spaces.Box(info.min, info.max, column.shape, info.dtype.type)


def _range(
    chosen: slice | None, name: str, length: int | None
) -> tuple[int, int | None]:
    if chosen is None:
        return 0, None
    if not isinstance(chosen, slice) or chosen.step not in (None, 1):
        raise UserError(f"{name} is {chosen}; accepted: a slice without a step")
    for bound in (chosen.start, chosen.stop):
        if bound is not None:
            _arguments.integers("data set", **{name: bound})
    if length is not None:
        first, end, _ = chosen.indices(length)
        return first, max(first, end)
    for bound in (chosen.start, chosen.stop):
        if bound is not None and bound < 0:
            raise UserError(
                f"{name} is {chosen}; accepted: numbers that are not negative"
            )
    return chosen.start or 0, chosen.stop
