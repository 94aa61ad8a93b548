"""Seeds per row from what Gymnasium lets a caller pass to ``reset``."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from palaestra._palaestra import UserError

Seed = int | Sequence[int | None] | npt.NDArray[np.integer] | None


def row_seeds(seed: Seed, num_envs: int) -> list[int | None] | None:
    """Return one seed per row, or None to let every row go on to its next episode.

    An integer ``s`` seeds row ``i`` with ``s + i``, as Gymnasium's vector environments do; the
    streams of neighbouring seeds are unrelated.
    """
    if seed is None:
        return None
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        seeds: list[int | None] = [int(seed) + i for i in range(num_envs)]
    else:
        try:
            if isinstance(seed, (bool, str)) or np.ndim(seed) == 0:  # type: ignore[arg-type]
                raise TypeError
            seeds = [None if s is None else operator.index(s) for s in seed]
        except (TypeError, ValueError):  # the second from NumPy, of nested lists
            raise UserError(
                f"reset: seed is {seed!r}; accepted: an integer, or one a row"
            ) from None
    if len(seeds) != num_envs:
        raise UserError(
            f"reset: seed has {len(seeds)} entries, expected num_envs={num_envs}"
        )
    for value in seeds:
        if value is not None and not 0 <= value < 2**64:
            raise UserError(f"reset: seed {value} is outside 0 to 2**64 - 1")
    return seeds
