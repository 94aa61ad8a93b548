"""How a caller wants an episode to begin: ``reset(options={...})``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from palaestra._keywords import to_native
from palaestra._palaestra import UserError

Draw = Callable[[np.random.Generator, Mapping[str, float]], npt.NDArray[np.float64]]


def _box(size: int) -> Draw:
    return lambda random, o: random.uniform(o["low"], o["high"], size)


def _car(
    random: np.random.Generator, options: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    return np.array([random.uniform(options["low"], options["high"]), 0.0])


def _acrobot(
    random: np.random.Generator, options: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    # the original rounds its first state to single precision
    drawn = random.uniform(options["low"], options["high"], 4)
    return drawn.astype(np.float32).astype(np.float64)


def _pendulum(
    random: np.random.Generator, options: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    high = np.array([options["x_init"], options["y_init"]])
    return random.uniform(-high, high)


# option names with Gymnasium's defaults, and how a state follows from them
_TABLE: dict[str, tuple[dict[str, float], Draw]] = {
    "CartPole": ({"low": -0.05, "high": 0.05}, _box(4)),
    "MountainCar": ({"low": -0.6, "high": -0.4}, _car),
    "MountainCarContinuous": ({"low": -0.6, "high": -0.4}, _car),
    "Acrobot": ({"low": -0.1, "high": 0.1}, _acrobot),
    "Pendulum": ({"x_init": np.pi, "y_init": 1.0}, _pendulum),
}


class Beginning(NamedTuple):
    """What the options of a reset come to."""

    #: Draws the first state, for tasks that are told its bounds.
    sampler: Callable[[np.random.Generator], npt.NDArray[np.float64]] | None
    #: What the environment itself reads.
    native: dict[str, float | str]


def beginning(env_id: str, options: Mapping[str, Any] | None) -> Beginning:
    """Read the options of a reset; those that are None are as if they had not been given.

    Raises
    ------
    UserError
        For an option that a classic task does not have, bounds that are no numbers or cross, and
        cells that are no pairs of integers. Other names and values the environment checks.
    """
    given = {k: v for k, v in (options or {}).items() if v is not None}
    if env_id.rsplit("-", 1)[0] in _TABLE:
        return Beginning(_sampler(env_id, given), {})
    if "task_info" in given and env_id.startswith(("pointmaze-", "antmaze-")):
        given |= _cells_of(env_id, given.pop("task_info"))
    native: dict[str, object] = {}
    for name, value in given.items():
        if name.endswith("_cell"):
            row, column = _cell(env_id, name, value)
            native |= {f"{name}_row": row, f"{name}_column": column}
        else:
            native[name] = value
    return Beginning(None, to_native(env_id, native))


def _cells_of(env_id: str, task: object) -> dict[str, object]:
    """Read OGBench's ``task_info``, of which its resets look at the cells alone."""
    cells, ignored = {"init_ij", "goal_ij"}, {"task_name", "init_xy", "goal_xy"}
    if not isinstance(task, Mapping) or not cells <= set(task) <= cells | ignored:
        raise UserError(
            f"{env_id}: reset option task_info is {task!r}; accepted: a dict with init_ij and "
            "goal_ij, a row and a column each"
        )
    return {"reset_cell": task["init_ij"], "goal_cell": task["goal_ij"]}


def _cell(env_id: str, name: str, value: object) -> tuple[int, int]:
    cell = np.asarray(value)
    if cell.shape != (2,) or not np.issubdtype(cell.dtype, np.integer):
        raise UserError(
            f"{env_id}: reset option {name} is {value!r}; accepted: a row and a column, integers"
        )
    return int(cell[0]), int(cell[1])


def _sampler(
    env_id: str, options: Mapping[str, Any]
) -> Callable[[np.random.Generator], npt.NDArray[np.float64]] | None:
    """How to draw a first state; None when there is nothing to override."""
    if not options:
        return None
    defaults, draw = _TABLE[env_id.rsplit("-", 1)[0]]
    for name in options:
        if name not in defaults:
            accepted = ", ".join(defaults)
            raise UserError(
                f"{env_id}: reset has no option {name!r}; accepted: {accepted}"
            )
    try:
        bounds = defaults | {name: float(value) for name, value in options.items()}
    except (TypeError, ValueError) as cause:
        raise UserError(
            f"{env_id}: reset options must be numbers, got {dict(options)!r}"
        ) from cause
    if bounds.get("low", 0.0) > bounds.get("high", 0.0):
        raise UserError(
            f"{env_id}: reset option low is {bounds['low']}, above high, {bounds['high']}"
        )
    if min(bounds.get("x_init", 0.0), bounds.get("y_init", 0.0)) < 0:
        raise UserError(
            f"{env_id}: reset options x_init, y_init must be 0 or more, got {bounds}"
        )
    return lambda random: draw(random, bounds)
