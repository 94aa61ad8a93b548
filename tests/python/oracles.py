"""The original environments beside ours: how to make them, and how to put both into one state."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import palaestra

CLASSIC_IDS = [i for i in palaestra.env_ids() if palaestra.spec(i).family == "classic"]
MUJOCO_IDS = [i for i in palaestra.env_ids() if palaestra.spec(i).family == "mujoco"]
DM_CONTROL_IDS = [
    i for i in palaestra.env_ids() if palaestra.spec(i).family == "dm_control"
]
#: tasks that are tables of probabilities
TABULAR_IDS = [
    i
    for i in palaestra.env_ids()
    if palaestra.spec(i).family == "stochastic" and i != "DoubleIntegrator-v0"
]
GOAL_IDS = [i for i in palaestra.env_ids() if palaestra.spec(i).family == "goal"]
#: tasks with an original in Gymnasium to compare with and no two starts alike
IDS = sorted(CLASSIC_IDS + MUJOCO_IDS)

Env = gymnasium.Env[Any, Any]
Array = npt.NDArray[np.float64]


@contextlib.contextmanager
def scratch_folder() -> Iterator[None]:
    """Work in a throw-away folder: MuJoCo's Python package leaves a log file where it is used."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield


def original(env_id: str, **keywords: Any) -> Env:
    """Gymnasium's environment, without the checker that Gymnasium wraps around it."""
    with scratch_folder():
        return gymnasium.make(env_id, disable_env_checker=True, **keywords)


def ours(env_id: str, **keywords: Any) -> Env:
    """Make the same environment of this package."""
    return gymnasium.make(f"palaestra/{env_id}", disable_env_checker=True, **keywords)


def physics(env: Env) -> Array:
    """Physical state of either environment: ``state``, or positions and velocities."""
    core: Any = env.unwrapped
    if hasattr(core, "state_vector"):
        return np.array(core.state_vector(), dtype=np.float64)
    return np.array(core.state, dtype=np.float64)


def set_physics(env: Env, values: Array) -> None:
    """Put either environment into a physical state."""
    core: Any = env.unwrapped
    if hasattr(core, "set_state"):
        size = core.model.nq if hasattr(core, "model") else core.qpos.size
        core.set_state(values[:size], values[size:])
    else:
        core.state = np.array(values)


def random_action(env: Env, random: np.random.Generator) -> Any:
    """Draw an action that also tries the edges: now and then one outside the bounds."""
    space = env.action_space
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(random.integers(space.n))
    assert isinstance(space, gymnasium.spaces.Box)
    scale = 1.5 if random.random() < 0.1 else 1.0
    return (scale * random.uniform(space.low, space.high)).astype(np.float32)


def info_equal(a: dict[str, Any], b: dict[str, Any], tolerance: float) -> bool:
    """Say whether two info dictionaries have the same keys and, within bounds, the same numbers."""
    return a.keys() == b.keys() and all(
        np.allclose(a[key], b[key], rtol=0, atol=tolerance) for key in a
    )
