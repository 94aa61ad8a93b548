"""Native spaces as Gymnasium spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

if TYPE_CHECKING:
    from palaestra._palaestra import Space


def to_gymnasium(space: Space) -> spaces.Space[Any]:
    """Convert one native space; bounds are rounded to the space's own type, as Gymnasium's are."""
    if space.kind == "discrete":
        return spaces.Discrete(space.count)
    low = np.asarray(space.low, dtype=space.dtype).reshape(space.shape)
    high = np.asarray(space.high, dtype=space.dtype).reshape(space.shape)
    return spaces.Box(low, high, dtype=space.dtype.type)
