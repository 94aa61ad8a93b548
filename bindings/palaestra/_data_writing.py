"""Writing Minari folders and D4RL files: `palaestra.data.write_minari` and `write_d4rl`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments, _palaestra
from palaestra._palaestra import UserError
from palaestra._spaces import from_gymnasium

Array = npt.NDArray[Any]

#: Members of an episode, and what begins the names of their columns.
_HEADS = {
    "observations": "observation",
    "actions": "action",
    "rewards": "reward",
    "terminations": "terminated",
    "truncations": "truncated",
    "infos": "info",
}


def write_minari(
    path: str | os.PathLike[str],
    episodes: Iterable[Any],
    *,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    metadata: Mapping[str, Any] | None = None,
    compression: int = 0,
    replace: bool = False,
) -> None:
    """Write a Minari data set, which ``minari.MinariDataset(path + "/data")`` opens.

    Parameters
    ----------
    path
        Folder to be made.
    episodes
        Anything that has as attributes or keys ``observations`` (one more than steps),
        ``actions``, ``rewards``, ``terminations``, ``truncations``, and perhaps ``infos`` and
        ``seed``: `Episode`, ``minari.EpisodeData``, dictionaries. Infos that are no numbers are
        left out.
    observation_space, action_space
        Box, Discrete, or Dict and Tuple of them.
    metadata
        More members of ``metadata.json``, such as ``dataset_id``, ``author``, ``env_spec``.
    compression
        gzip level, 0 to 9.
    replace
        Move aside what has the name already, instead of refusing.

    Raises
    ------
    UserError
        For a name that is taken, no episode, values that do not suit their space, or a full disk;
        nothing is left behind then.
    """
    _write(
        path,
        "minari",
        episodes,
        observation_space,
        action_space,
        metadata,
        compression,
        replace,
    )


def write_d4rl(
    path: str | os.PathLike[str],
    episodes: Iterable[Any],
    *,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    metadata: Mapping[str, Any] | None = None,
    compression: int = 0,
    replace: bool = False,
) -> None:
    """Write a D4RL file: flat arrays, with ``next_observations``; see `write_minari`.

    Observations and actions must have no parts. ``metadata`` goes into ``metadata/palaestra``.
    """
    _write(
        path,
        "d4rl",
        episodes,
        observation_space,
        action_space,
        metadata,
        compression,
        replace,
    )


def _write(
    path: str | os.PathLike[str],
    format: str,
    episodes: Iterable[Any],
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    metadata: Mapping[str, Any] | None,
    compression: int,
    replace: bool,
) -> None:
    _arguments.integers(f"write_{format}", compression=compression)
    _arguments.flags(f"write_{format}", replace=replace)
    columns = [
        *_space_columns("observation", observation_space, state=True),
        *_space_columns("action", action_space, state=False),
        ("reward", np.dtype(np.float64), [], False, None, 0),
    ]
    writer = None
    for number, episode in enumerate(episodes):
        where = f"episode {number}"
        rewards = _arguments.array_of_numbers(
            where, "rewards", _member(episode, "rewards")
        ).astype(np.float64)
        length = len(rewards)
        infos = dict(_leaves("info", _member(episode, "infos", None) or {}))
        if writer is None:
            columns += _info_columns(infos, length, format)
            writer = _palaestra.DataSetWriter(
                os.fspath(path), format, columns, json.dumps(dict(metadata or {})), compression,
                replace,
            )  # fmt: skip
        values = infos | {"reward": rewards}
        for name in ("observations", "actions"):
            values |= dict(_leaves(_HEADS[name], _member(episode, name)))
        for name in ("terminations", "truncations"):
            values[_HEADS[name]] = np.asarray(_member(episode, name), bool)
        arrays = {}
        for name, dtype, shape, state, *_ in columns:
            if name not in values:
                raise UserError(f"episode {number} has no {name}; nothing was written")
            value = values[name]
            if name.startswith("info/") and not state:
                value = value[:length]  # D4RL has no row after the last step
            arrays[name] = _cast(number, name, value, dtype, (length + state, *shape))
        for name in ("terminated", "truncated"):
            arrays[name] = _cast(number, name, values[name], np.dtype(bool), (length,))
        seed = _member(episode, "seed", None)
        if seed is not None:
            _arguments.integers(where, **{"its seed": seed})
        writer._add(length, arrays, seed)
    if writer is None:
        raise UserError(
            f"{os.fspath(path)}: a data set without episodes is not written"
        )
    writer.finish()


def _cast(
    number: int, name: str, value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Array:
    array = np.asarray(value)
    if array.shape != shape:
        raise UserError(
            f"episode {number}: {name} has shape {array.shape}, expected {shape}; "
            "nothing was written"
        )
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise UserError(
            f"episode {number}: {name} is {array.dtype}, expected {dtype}; nothing was written"
        )
    return np.ascontiguousarray(array, dtype)


def _space_columns(name: str, space: spaces.Space[Any], *, state: bool) -> list[Any]:
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        parts = (
            space.spaces.items()
            if isinstance(space, spaces.Dict)
            else ((f"_index_{i}", part) for i, part in enumerate(space.spaces))
        )
        return [
            column
            for key, part in sorted(parts)
            for column in _space_columns(f"{name}/{key}", part, state=state)
        ]
    if isinstance(space, spaces.Discrete):
        native = _palaestra.Space.discrete(int(space.n))
        return [(name, np.dtype(np.int64), [], state, native, int(space.start))]
    return [
        (name, space.dtype, list(space.shape or ()), state, from_gymnasium(space), 0)
    ]


_NATIVE = [
    np.dtype(t) for t in ("float32", "float64", "int64", "int32", "uint8", "bool")
]


def _info_columns(infos: dict[str, Any], length: int, format: str) -> list[Any]:
    """Numeric infos with a row for each step, or for each observation; others are left out."""
    columns = []
    for name, value in list(infos.items()):
        array = np.asarray(value)
        fits = array.ndim > 0 and len(array) in (length, length + 1)
        if not fits or array.dtype not in _NATIVE:
            del infos[name]
            continue
        state = len(array) == length + 1 and format == "minari"
        columns.append((name, array.dtype, list(array.shape[1:]), state, None, 0))
    return columns


def _member(episode: Any, name: str, *default: Any) -> Any:
    if isinstance(episode, Mapping):
        if name in episode:
            return episode[name]
    elif hasattr(episode, name):
        return getattr(episode, name)
    if default:
        return default[0]
    raise UserError(f"an episode has no {name}")


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{name}/{key}", part)
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from _leaves(f"{name}/_index_{i}", part)
    else:
        yield name, value
