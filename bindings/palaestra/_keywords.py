"""Environment keyword arguments, as Gymnasium names them, as the native side takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeGuard

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


def to_native(env_id: str, keywords: Mapping[str, object]) -> dict[str, float | str]:
    """Flatten keyword arguments to numbers and text.

    A pair such as ``healthy_z_range`` becomes ``_low`` and ``_high``, a longer list of numbers such
    as ``reward_schedule`` becomes ``_0``, ``_1``, ..., a list of texts such as ``desc`` becomes one
    text with ``/`` between them, and so do rows of single letters and digits such as ``maze_map``.
    Names are checked by the environment itself; here only the types
    are.
    """
    native: dict[str, float | str] = {}
    for name, value in keywords.items():
        if isinstance(value, (bool, np.bool_, Real)):
            native[name] = float(value)
        elif isinstance(value, str):
            native[name] = value
        elif _is_list_of(value, Real, 2):
            native[f"{name}_low"], native[f"{name}_high"] = map(float, value)
        elif _is_list_of(value, Real):
            native |= {f"{name}_{k}": float(item) for k, item in enumerate(value)}
        elif _is_list_of(value, str):
            native[name] = "/".join(value)
        elif _is_plan(value):
            rows = ("".join(map(str, row)) for row in value)
            native[name] = "/".join(rows)
        else:
            raise UserError(
                f"{env_id}: {name} is {value!r}; accepted: a number, a boolean, a text, "
                "a pair (low, high), or a list of numbers or texts"
            )
    return native


def _is_list_of(value: object, kind: type, size: int | None = None) -> TypeGuard[Any]:
    return (
        isinstance(value, (Sequence, np.ndarray))
        and (len(value) > 0 if size is None else len(value) == size)
        and all(isinstance(item, kind) for item in value)
    )


def _is_plan(value: object) -> TypeGuard[Any]:
    """Say whether this is a list of rows of single letters and digits."""
    return (
        isinstance(value, (Sequence, np.ndarray))
        and len(value) > 0
        and all(
            isinstance(row, (Sequence, np.ndarray))
            and not isinstance(row, str)
            and all(len(str(cell)) == 1 for cell in row)
            for row in value
        )
    )
