"""Steps per second of the Box2D tasks in EnvPool and in Gymnasium itself.

CPU time of the whole process, contenders in turn, median of many bursts, one thread each, new
random actions in every step. Prints one JSON document for ``palaestra bench box2d --peers``: the
peers' figures for the rows of benchmarks/box2d.cc. Gymnasium runs one environment after another.
By hand:

    .venv-peers/bin/python benchmarks/peers/box2d.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
from typing import Any

import envpool
import gymnasium
import numpy as np
from _timing import Burst, seconds_per_call

ROWS, BLOCKS = 16, 200
#: steps of an episode, as in benchmarks/box2d.cc
LIMITS = {
    "LunarLander-v3": 60,
    "LunarLanderContinuous-v3": 60,
    "BipedalWalker-v3": 40,
    "BipedalWalkerHardcore-v3": 40,
    "CarRacing-v3": 1000,
}


def pool_burst(env_id: str) -> Burst:
    """Step EnvPool's batch, which resets what has ended."""
    pool = envpool.make(
        env_id,
        env_type="gymnasium",
        num_envs=ROWS,
        num_threads=1,
        max_episode_steps=LIMITS[env_id],
    )
    pool.reset()
    space = pool.action_space
    random = np.random.default_rng(1)
    if isinstance(space, gymnasium.spaces.Discrete):
        blocks = random.integers(space.n, size=(BLOCKS, ROWS)).astype(np.int32)
    else:
        size = (BLOCKS, ROWS, *space.shape)
        blocks = random.uniform(space.low, space.high, size).astype(np.float32)
    at = 0

    def burst(calls: int) -> None:
        nonlocal at
        for _ in range(calls):
            pool.step(blocks[at % BLOCKS])
            at += 1

    return burst


def single_burst(env_id: str) -> Burst:
    """Step one environment of Gymnasium; a call is one step."""
    env = gymnasium.make(
        env_id, disable_env_checker=True, max_episode_steps=LIMITS[env_id]
    )
    env.reset(seed=1)
    env.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(BLOCKS)]
    at = 0

    def burst(calls: int) -> None:
        nonlocal at
        for _ in range(calls):
            _, _, terminated, truncated, _ = env.step(actions[at % BLOCKS])
            if terminated or truncated:
                env.reset()
            at += 1

    return burst


def rows(rounds: int, target_s: float) -> list[dict[str, Any]]:
    """One row for each task and peer."""
    result = []
    for env_id in LIMITS:
        bursts = {"envpool": pool_burst(env_id), "gymnasium": single_burst(env_id)}
        times = seconds_per_call(bursts, rounds, target_s)
        result += [
            {
                "name": f"box2d/{env_id}/step",
                "unit": "steps/s",
                "threads": 1,
                "n": ROWS,
                "peer": peer,
                "peer_version": importlib.metadata.version(peer),
                "peer_value": (ROWS if peer == "envpool" else 1) / seconds,
            }
            for peer, seconds in times.items()
        ]
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--burst", type=float, default=0.1, help="seconds per burst")
    settings = parser.parse_args()
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    json.dump({"rows": rows(settings.rounds, settings.burst)}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
