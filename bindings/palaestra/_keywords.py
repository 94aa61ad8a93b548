"""Environment keyword arguments, as Gymnasium names them, as the native side takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeGuard

import numpy as np

from palaestra._palaestra import UserError


class RenderModeError(UserError, TypeError):
    """An environment was asked for pictures that it does not draw.

    Also a TypeError, as from a constructor without that argument: Stable-Baselines3 asks every
    environment for ``rgb_array`` first, and goes on without on a TypeError.
    """


def check_render_mode(env_id: str, render_mode: str | None, fps: int) -> dict[str, Any]:
    """Return Gymnasium's metadata, or raise for pictures that there are none of.

    Parameters
    ----------
    env_id
        For the message.
    render_mode
        What was asked for.
    fps
        Pictures per second that show the environment at its speed; 0 where it draws none.
    """
    modes = ["rgb_array"] if fps > 0 else []
    if render_mode is not None and render_mode not in modes:
        reason = "" if modes else ", as this environment draws no pictures"
        accepted = ", ".join(["None", *map(repr, modes)])
        raise RenderModeError(
            f"{env_id}: render_mode is {render_mode!r}; accepted: {accepted}{reason}"
        )
    return {"render_modes": modes, "render_fps": fps} if modes else {"render_modes": []}


def to_native(env_id: str, keywords: Mapping[str, object]) -> dict[str, float | str]:
    """Flatten keyword arguments to numbers and text.

    A pair such as ``healthy_z_range`` becomes ``_low`` and ``_high``, a longer list of numbers such
    as ``reward_schedule`` becomes ``_0``, ``_1``, ..., a list of texts such as ``desc`` becomes one
    text with ``/`` between them. Names are checked by the environment itself; here only the types
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
