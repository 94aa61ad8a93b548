"""Environment keyword arguments, as Gymnasium names them, as the native side takes them."""

from __future__ import annotations

import operator
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


#: Keywords of Gymnasium's MuJoCo tasks whose default is None.
NONE_IS_USUAL = frozenset(
    ("camera_id", "camera_name", "default_camera_config", "visual_options")
)


def to_native(env_id: str, keywords: Mapping[str, object]) -> dict[str, float | str]:
    """Flatten keyword arguments to numbers and text.

    An entry of a dict such as ``default_camera_config`` or ``visual_options`` becomes an option of
    its own, with ``_`` and its key behind the name. None is refused, but where it is what the
    originals have for "as usual". A pair such as
    ``healthy_z_range`` becomes ``_low`` and ``_high``, a longer list of numbers such as
    ``reward_schedule`` becomes ``_0``, ``_1``, ..., a list of texts such as ``desc`` becomes one
    text with ``/`` between them, and so do rows of single letters and digits such as ``maze_map``.
    Names are checked by the environment itself; here only the types are.
    """
    native: dict[str, float | str] = {}
    for name, value in keywords.items():
        if value is None and name in NONE_IS_USUAL:
            continue
        if isinstance(value, Mapping):
            native |= to_native(env_id, _entries(env_id, name, value))
        elif isinstance(value, (bool, np.bool_, Real)):
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
                "a pair (low, high), a list of numbers or texts, or a dict of such"
            )
    return native


def _entries(env_id: str, name: str, value: Mapping[Any, object]) -> dict[str, object]:
    """Name the entries of a dict; members of an enumeration as keys by their number."""
    try:
        return {
            f"{name}_{key if isinstance(key, str) else operator.index(key)}": entry
            for key, entry in value.items()
        }
    except TypeError:
        raise UserError(
            f"{env_id}: {name} is {dict(value)!r}; accepted: a dict by names or integers"
        ) from None


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
