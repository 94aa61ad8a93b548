"""Settings of a run or an agent, as Python values, for the native side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real

import numpy as np

from palaestra._keywords import to_native
from palaestra._palaestra import UserError

Value = bool | int | float | str | list[int] | list[float]


def to_values(settings: Mapping[str, object]) -> list[tuple[str, Value]]:
    """Flatten settings to dotted keys; a mapping is a table (``sac={"tau": 0.01}``).

    Raises
    ------
    UserError
        For a value of a type that no setting has. Names are checked by the native side.
    """
    values: list[tuple[str, Value]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            values += [
                (f"{key}.{inner}", item) for inner, item in to_values(dict(value))
            ]
        else:
            values.append((key, _to_value(key, value)))
    return values


def _to_value(key: str, value: object) -> Value:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return value
    if isinstance(value, (Sequence, np.ndarray)):
        items = list(value)
        if all(isinstance(item, Integral) for item in items):
            return [int(item) for item in items]
        if all(isinstance(item, Real) for item in items):
            return [float(item) for item in items]
    raise UserError(
        f"setting {key} is {value!r}; accepted: a boolean, a number, a text, a list of numbers"
    )


def options_text(env_id: str, options: Mapping[str, object] | str | None) -> str:
    """Write the keyword options of an environment as the settings spell them."""
    if options is None or isinstance(options, str):
        return options or ""
    if not isinstance(options, Mapping):
        raise UserError(f"env_options is {options!r}; accepted: a dict")
    numbers = to_native(env_id, options)
    return ",".join(f"{name}={value!r}" for name, value in numbers.items())
