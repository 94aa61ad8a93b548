"""Made-up episodes, and the files that others would make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from gymnasium import spaces

BOX = spaces.Box(-5, 5, (3,), np.float32)
ACTION = spaces.Box(-1, 1, (2,), np.float32)
GOAL = spaces.Dict(
    {
        "observation": spaces.Box(-np.inf, np.inf, (4,), np.float64),
        "achieved_goal": spaces.Box(-1, 1, (2,), np.float64),
        "desired_goal": spaces.Box(-1, 1, (2,), np.float64),
    }
)


def made_up(
    lengths: tuple[int, ...],
    observation: spaces.Space[Any] = BOX,
    action: spaces.Space[Any] = ACTION,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Episodes of random members of the spaces; every second one is truncated, not terminated."""
    observation.seed(seed)
    action.seed(seed + 1)
    random = np.random.default_rng(seed)
    episodes = []
    for number, length in enumerate(lengths):
        end = np.zeros(length, bool)
        end[-1:] = True
        episodes.append(
            {
                "seed": 100 + number,
                "observations": stacked(observation, length + 1),
                "actions": stacked(action, length),
                "rewards": random.normal(size=length),
                "terminations": end & (number % 2 == 0),
                "truncations": end & (number % 2 == 1),
                "infos": {
                    "x": random.normal(size=length + 1),
                    "deep": {"n": np.arange(length + 1)},
                },
            }
        )
    return episodes


def stacked(space: spaces.Space[Any], count: int) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: stacked(part, count) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(stacked(part, count) for part in space.spaces)
    return np.array([space.sample() for _ in range(count)], space.dtype)


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, types included; for trees of arrays."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def write_d4rl_oracle(
    file: Path,
    episodes: list[dict[str, Any]],
    *,
    timeouts: bool = True,
    next_observations: bool = True,
    **options: Any,
) -> None:
    """What D4RL's own scripts write: flat arrays by h5py."""
    columns = {
        "observations": np.concatenate([e["observations"][:-1] for e in episodes]),
        "actions": np.concatenate([e["actions"] for e in episodes]),
        "rewards": np.concatenate([e["rewards"] for e in episodes]).astype(np.float32),
        "terminals": np.concatenate([e["terminations"] for e in episodes]),
        "infos/x": np.concatenate([e["infos"]["x"][:-1] for e in episodes]),
    }
    if timeouts:
        columns["timeouts"] = np.concatenate([e["truncations"] for e in episodes])
    if next_observations:
        columns["next_observations"] = np.concatenate(
            [e["observations"][1:] for e in episodes]
        )
    with h5py.File(file, "w") as h5:
        for name, values in columns.items():
            h5.create_dataset(name, data=values, **options)
