"""The table of environments, and its entry into Gymnasium's."""

from __future__ import annotations

import gymnasium

from palaestra import _palaestra
from palaestra._ids import gymnasium_id, native_id
from palaestra._keywords import to_native

_CLASSES = {"classic": "ClassicEnv", "goal": "GoalEnv", "mujoco": "MujocoEnv"}


def env_ids() -> list[str]:
    """Return the ids of all environments, sorted, without the ``palaestra/`` prefix."""
    return list(_palaestra.env_ids())


def spec(env_id: str, **keywords: object) -> _palaestra.EnvSpec:
    """Everything there is to know about an environment without running it.

    Raises
    ------
    UserError
        For an unknown id (the nearest one is suggested) or an unknown keyword.
    """
    env_id = native_id(env_id)
    return _palaestra.env_spec(env_id, to_native(env_id, keywords))


def register() -> None:
    """Register every environment with Gymnasium; a second call changes nothing."""
    for env_id in env_ids():
        their_id = gymnasium_id(env_id)
        if their_id in gymnasium.registry:
            continue
        native = spec(env_id)
        original = gymnasium.registry.get(env_id)
        gymnasium.register(
            id=their_id,
            entry_point=f"palaestra.single:{_CLASSES.get(native.family, 'PalaestraEnv')}",
            vector_entry_point="palaestra.gymnasium_vector:GymnasiumVectorEnv",
            reward_threshold=original.reward_threshold if original else None,
            nondeterministic=False,
            max_episode_steps=native.time_limit or None,
            kwargs={"env_id": env_id},
        )
