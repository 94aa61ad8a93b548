"""Arguments that are no numbers, no integers or too large: errors that name them.

The native side takes what converts without loss, and of the rest it lists all its types. Ranges
narrower than a type are its own to check.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from palaestra._palaestra import UserError

_SHORT = (-(2**31), 2**31 - 1, "-2**31 to 2**31 - 1")
_LONG = (-(2**63), 2**63 - 1, "-2**63 to 2**63 - 1")
#: What the native side counts in, where that is not `_LONG`.
_RANGES = {
    "seed": (0, 2**64 - 1, "0 to 2**64 - 1"),
    "threads": _SHORT,
    "compression": _SHORT,
}


def integers(where: str, **values: object) -> None:
    """Refuse what is no integer, of Python's or NumPy's kinds, or more than the native side holds.

    Parameters
    ----------
    where
        Begins the message: the function that was called.
    **values
        Arguments by name.

    Raises
    ------
    UserError
        For the first that is refused.
    """
    for name, value in values.items():
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise _refused(where, name, value, "an integer") from None
        low, high, accepted = _RANGES.get(name, _LONG)
        if not low <= number <= high:
            raise _refused(where, name, value, f"an integer, {accepted}")


def numbers(where: str, **values: object) -> None:
    """Refuse what is no number; see `integers`."""
    for name, value in values.items():
        try:
            if isinstance(value, (str, bytes)):  # which float() would read
                raise TypeError
            float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise _refused(where, name, value, "a number") from None


def texts(where: str, **values: object) -> None:
    """Refuse what is no text; see `integers`."""
    for name, value in values.items():
        if not isinstance(value, str):
            raise _refused(where, name, value, "a text")


def flags(where: str, **values: object) -> None:
    """Refuse what is neither true nor false; see `integers`."""
    for name, value in values.items():
        if not isinstance(value, (bool, np.bool_, int)):
            raise _refused(where, name, value, "True or False")


def array_of_integers(where: str, name: str, values: Any) -> npt.NDArray[np.int64]:
    """Return ids or rows as the native side takes them; floats are not rounded."""
    array = _array(where, name, values, "integers")
    if array.dtype.kind not in "iu" and array.size > 0:
        raise _refused(where, name, values, "integers")
    return np.ascontiguousarray(array, np.int64)


def array_of_numbers(where: str, name: str, values: Any) -> npt.NDArray[Any]:
    """Return numbers as an array of floats of any width; texts are not read."""
    array = _array(where, name, values, "numbers")
    if array.dtype.kind not in "biuf":
        raise _refused(where, name, values, "numbers")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def array_of_bytes(where: str, name: str, values: Any) -> npt.NDArray[np.uint8]:
    """Return saved states as the native side takes them: what is not uint8 was never one."""
    array = _array(where, name, values, "uint8")
    if array.dtype != np.uint8:
        raise _refused(where, name, values, "uint8")
    return array


def _array(where: str, name: str, values: Any, accepted: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError):  # of rows that differ in length
        raise _refused(where, name, values, accepted) from None


def _refused(where: str, name: str, value: object, accepted: str) -> UserError:
    if isinstance(value, np.ndarray) and value.size > 8:
        said = f"an array of {value.dtype}"
    else:
        said = repr(value)
    return UserError(f"{where}: {name} is {said}; accepted: {accepted}")
