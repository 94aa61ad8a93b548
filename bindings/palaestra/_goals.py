"""Goal tasks: observations in three parts, and rewards of any goals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments, _palaestra
from palaestra._palaestra import UserError
from palaestra._spaces import to_gymnasium

PARTS = ("observation", "achieved_goal", "desired_goal")


def observation_space(spec: _palaestra.EnvSpec) -> spaces.Space[Any]:
    """Return the observation space: of a goal task a ``Dict`` of the parts of its row."""
    whole = to_gymnasium(spec.observation)
    if spec.goal_widths is None:
        return whole
    assert isinstance(whole, spaces.Box)
    ends = np.cumsum(spec.goal_widths)
    return spaces.Dict(
        {
            name: spaces.Box(
                whole.low[end - width : end],
                whole.high[end - width : end],
                dtype=whole.dtype.type,
            )
            for name, width, end in zip(PARTS, spec.goal_widths, ends, strict=True)
        }
    )


def copy_of(observation: Any) -> Any:
    """Copy an array, or a dict of arrays."""
    if isinstance(observation, dict):
        return {name: part.copy() for name, part in observation.items()}
    return observation.copy()


def row_of(observation: Any, row: int) -> Any:
    """Copy one row of an array, or of a dict of arrays."""
    if isinstance(observation, dict):
        return {name: part[row].copy() for name, part in observation.items()}
    return observation[row].copy()


def flat(observation: Any) -> Any:
    """Join the parts of a goal observation to the row that native agents read."""
    if isinstance(observation, dict):
        if observation.keys() != set(PARTS):
            raise UserError(
                f"a dict observation has the keys {sorted(observation)}; accepted: {sorted(PARTS)}"
            )
        return np.concatenate([np.asarray(observation[name]) for name in PARTS], -1)
    return observation


def compute_reward(
    native: _palaestra.VectorEnv, achieved: npt.ArrayLike, desired: npt.ArrayLike
) -> Any:
    """Rewards of goals [..., width]: float64[...], or one number for one pair of goals."""
    a, d = _pairs(native, achieved, desired)
    rewards = native._compute_reward(a.reshape(-1, a.shape[-1]), d)
    return rewards.reshape(a.shape[:-1])[()]


def compute_terminated(
    native: _palaestra.VectorEnv, achieved: npt.ArrayLike, desired: npt.ArrayLike
) -> Any:
    """Say whether steps that end so terminate: bool[...], or one of Python's for one pair."""
    a, d = _pairs(native, achieved, desired)
    ends = native._compute_terminated(a.reshape(-1, a.shape[-1]), d).astype(np.bool_)
    return ends.reshape(a.shape[:-1]) if a.ndim > 1 else bool(ends[0])


def _pairs(
    native: _palaestra.VectorEnv, achieved: npt.ArrayLike, desired: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    spec = native.native_spec
    if spec.goal_widths is None:
        raise UserError(
            f"{spec.id} is no goal task: it has no achieved and desired goals"
        )
    a = _arguments.array_of_numbers(spec.id, "achieved_goal", achieved)
    d = _arguments.array_of_numbers(spec.id, "desired_goal", desired)
    width = spec.goal_widths[1]
    if a.shape != d.shape or a.shape[-1:] != (width,):
        raise UserError(
            f"{spec.id}: achieved_goal has shape {list(a.shape)}, desired_goal {list(d.shape)}; "
            f"expected the same shape, [..., {width}]"
        )
    return a, d
