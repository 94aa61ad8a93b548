"""Data sets of policies that are known: what offline tests learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from palaestra import data

Policy = Callable[[Any], Any]


def episodes_of(
    env: gymnasium.Env[Any, Any], policy: Policy, count: int
) -> list[dict[str, Any]]:
    """Episodes from the seeds 0, 1, ..."""
    episodes = []
    for seed in range(count):
        observation, _ = env.reset(seed=seed)
        steps: dict[str, list[Any]] = {
            "observations": [observation],
            "actions": [],
            "rewards": [],
            "terminations": [],
            "truncations": [],
        }
        done = False
        while not done:
            action = policy(observation)
            observation, reward, terminated, truncated, _ = env.step(action)
            for name, value in zip(
                steps, (observation, action, reward, terminated, truncated), strict=True
            ):
                steps[name].append(value)
            done = terminated or truncated
        episodes.append({name: np.asarray(values) for name, values in steps.items()})
    return episodes


def write(
    path: Path, env_id: str, policy: Policy, count: int, **options: Any
) -> list[dict[str, Any]]:
    """Write what the policy does in an environment as a Minari set that names it."""
    env = gymnasium.make(f"palaestra/{env_id}", **options)
    episodes = episodes_of(env, policy, count)
    text = ",".join(f"{name}={str(value).lower()}" for name, value in options.items())
    data.write_minari(
        path,
        episodes,
        observation_space=env.observation_space,
        action_space=env.action_space,
        metadata={"palaestra": {"env": env_id, "env_options": text}},
    )
    return episodes


def balance(observation: npt.NDArray[Any]) -> int:
    """Push to where the pole leans and turns: it never falls."""
    return int(observation[2] + 0.3 * observation[3] > 0)


#: Left 0, down 1, right 2, up 3: the way through the 4x4 lake without slipping.
WAY = {0: 1, 4: 1, 8: 2, 9: 1, 13: 2, 14: 2}


def walk(observation: Any) -> int:
    """Go the way."""
    return WAY[int(observation)]
