"""Environment keyword arguments, as Gymnasium names them, as the numbers the native side takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np

from palaestra._palaestra import UserError


class RenderModeError(UserError, TypeError):
    """An environment that does not draw was asked for pictures.

    Also a TypeError, as from a constructor without that argument: Stable-Baselines3 asks every
    environment for ``rgb_array`` first, and goes on without on a TypeError.
    """


def refuse_render_mode(env_id: str, render_mode: str | None) -> None:
    """Raise unless there is nothing to draw."""
    if render_mode is not None:
        raise RenderModeError(
            f"{env_id}: render_mode is {render_mode!r}; accepted: None, as these environments do "
            "not draw"
        )


def to_native(env_id: str, keywords: Mapping[str, object]) -> dict[str, float]:
    """Flatten keyword arguments: a pair such as ``healthy_z_range`` becomes ``_low`` and ``_high``.

    Names are checked by the environment itself; here only the types are.
    """
    numbers: dict[str, float] = {}
    for name, value in keywords.items():
        if isinstance(value, (bool, np.bool_, Real)):
            numbers[name] = float(value)
        elif isinstance(value, (Sequence, np.ndarray)) and _is_pair(value):
            numbers[f"{name}_low"], numbers[f"{name}_high"] = map(float, value)
        else:
            raise UserError(
                f"{env_id}: {name} is {value!r}; accepted: a number, a boolean, "
                "or a pair (low, high)"
            )
    return numbers


def _is_pair(value: Sequence[object] | np.ndarray) -> bool:
    return (
        not isinstance(value, str)
        and len(value) == 2
        and all(isinstance(item, Real) for item in value)
    )
