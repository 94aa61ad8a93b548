"""A native replay buffer whose methods name the arguments that they cannot take."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from palaestra import _arguments, _palaestra
from palaestra._palaestra import UserError


class CheckedBuffer(_palaestra.ReplayBuffer):
    """The methods of `ReplayBuffer` that are the native ones but for their arguments' types."""

    def set_limit(
        self,
        *,
        min_size: int = 1,
        samples_per_insert: float = 0.0,
        slack: float = 0.0,
    ) -> None:
        """Refuse from now on to draw or add rows where the other side is too far behind."""
        where = "ReplayBuffer.set_limit"
        _arguments.integers(where, min_size=min_size)
        _arguments.numbers(where, samples_per_insert=samples_per_insert, slack=slack)
        super().set_limit(
            min_size=min_size, samples_per_insert=samples_per_insert, slack=slack
        )

    def column(self, name: str) -> npt.NDArray[Any]:
        """Show a column of all slots, [slots, ...], read-only and without a copy."""
        _arguments.texts("ReplayBuffer.column", name=name)
        return super().column(name)

    def write(self, column: str, index: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Overwrite a column of stored rows that is no state: rewards, labels."""
        _arguments.texts("ReplayBuffer.write", column=column)
        super().write(column, ids_of("write", index), values)

    def cut(self, lane: int) -> None:
        """End a lane's running episode where it is, as a truncation."""
        _arguments.integers("ReplayBuffer.cut", lane=lane)
        super().cut(lane)

    def begin_group(self, tag: int = 0) -> int:
        """Give the rows from here on a group of their own; return its id."""
        _arguments.integers("ReplayBuffer.begin_group", tag=tag)
        return super().begin_group(tag)

    def drop_group(self, id: int) -> None:
        """Forget a closed group; its rows stay stored, but belong to none."""
        _arguments.integers("ReplayBuffer.drop_group", id=id)
        super().drop_group(id)

    def group_of(self, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Ids of the groups that stored rows belong to, -1 where none."""
        return super().group_of(ids_of("group_of", index))

    def group_histogram(self, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many of the rows are of each closed group, oldest first; at the back, of none."""
        return super().group_histogram(ids_of("group_histogram", index))

    def update_priorities(self, index: npt.ArrayLike, priorities: npt.ArrayLike) -> int:
        """Give rows their priorities; return how many were gone already."""
        where = "ReplayBuffer.update_priorities"
        return super().update_priorities(
            ids_of("update_priorities", index),
            _arguments.array_of_numbers(where, "priorities", priorities),
        )

    def weights(self, index: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """``priority ** priority_exponent`` of stored rows, or their priorities where ranked."""
        return super().weights(ids_of("weights", index))

    def slots(self, index: npt.ArrayLike | None = None) -> npt.NDArray[np.int64]:
        """Where rows are in `column`: those of `ids`, or the ones given; until the next `add`."""
        return super().slots(None if index is None else ids_of("slots", index))


def check_choice(where: str, choice: Mapping[str, Any]) -> None:
    """Refuse arguments of `ReplayBuffer.sample` of the wrong type, by name; not unknown ones.

    Raises
    ------
    UserError
        For the first that is refused.
    """
    for name, value in choice.items():
        if name in ("recent", "n_step"):
            _arguments.integers(where, **{name: value})
        elif name in ("discount", "importance_exponent"):
            _arguments.numbers(where, **{name: value})
        elif name in ("stratified", "stored"):
            _arguments.flags(where, **{name: value})
        elif name == "weight_scale" or (name == "selection" and value is not None):
            _arguments.texts(where, **{name: value})


def ids_of(where: str, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
    return _arguments.array_of_integers(f"ReplayBuffer.{where}", "index", index)


def extra_column(name: str, given: Any) -> tuple[str, np.dtype[Any], list[int], bool]:
    try:
        dtype, shape = given
        return name, np.dtype(dtype), [operator.index(n) for n in shape], False
    except (TypeError, ValueError):
        raise UserError(
            f"ReplayBuffer: extra[{name!r}] is {given!r}; accepted: (dtype, shape)"
        ) from None
