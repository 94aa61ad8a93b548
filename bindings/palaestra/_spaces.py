"""Native spaces as Gymnasium spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from palaestra import _palaestra
from palaestra._palaestra import UserError

if TYPE_CHECKING:
    from palaestra._palaestra import Space


def to_gymnasium(space: Space) -> spaces.Space[Any]:
    """Convert one native space; bounds are rounded to the space's own type, as Gymnasium's are."""
    if space.kind == "discrete":
        return spaces.Discrete(space.count)
    low = np.asarray(space.low, dtype=space.dtype).reshape(space.shape)
    high = np.asarray(space.high, dtype=space.dtype).reshape(space.shape)
    return spaces.Box(low, high, dtype=space.dtype.type)


def from_gymnasium(space: spaces.Space[Any]) -> Space:
    """Convert a Gymnasium space; raises `UserError` for one that is neither Box nor Discrete."""
    if isinstance(space, spaces.Discrete) and space.start == 0:
        return _palaestra.Space.discrete(int(space.n))
    if isinstance(space, spaces.Box):
        return _palaestra.Space.box(
            [float(x) for x in space.low.ravel()],
            [float(x) for x in space.high.ravel()],
            space.dtype,
            list(space.shape),
        )
    raise UserError(
        f"the space {space} is not accepted; accepted: Box, Discrete from 0"
    )
