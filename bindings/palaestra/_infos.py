"""The info columns of the native side as Gymnasium's info dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[Any]]


def names_of(columns: Sequence[str]) -> list[str]:
    """Names of the infos behind the native columns: ``a[0]``, ``a[1]`` are the array ``a``."""
    return list(dict.fromkeys(name.partition("[")[0] for name in columns))


def known_at_reset(name: str) -> bool:
    """Say whether Gymnasium reports this at reset too: positions yes, what a step did no."""
    return (
        not name.startswith("reward_")
        and not name.endswith("_penalty")
        and name not in ("x_velocity", "y_velocity")
    )


def put(
    infos: dict[str, Any],
    columns: Columns,
    names: Sequence[str],
    rows: npt.NDArray[np.bool_],
    fresh: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Add copies of the named columns with their masks, as ``VectorEnv._add_info`` would.

    ``rows`` have an info at all; of these, ``fresh`` rows have just been reset and have only what
    is known then. A value that a row does not have is 0, a key that no row has is absent.
    """
    for name in names:
        has = rows if fresh is None or known_at_reset(name) else rows & ~fresh
        if has.any():
            column = columns[name]
            infos[name] = np.where(
                has.reshape(-1, *[1] * (column.ndim - 1)), column, 0.0
            )
            infos[f"_{name}"] = has.copy()
