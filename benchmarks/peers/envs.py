"""Steps per second of the classic tasks in EnvPool and in Gymnasium's NumPy CartPole.

CPU time of the whole process, contenders in turn, median of many bursts, one thread each. Prints
one JSON document for ``palaestra bench envs --peers``: the peers' figures for the rows of
benchmarks/envs.cc. Their steps go through Python, as their users' do; python_step.py compares our
Python side with them. By hand:

    .venv-peers/bin/python benchmarks/peers/envs.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from typing import Any

import envpool
import gymnasium
import numpy as np
from _timing import Burst, seconds_per_call, stepper

IDS = (
    *("CartPole-v1", "Pendulum-v1", "MountainCar-v0", "MountainCarContinuous-v0"),
    "Acrobot-v1",
)


def contenders(env_id: str, n: int) -> dict[str, Burst]:
    """The same task from every package, ready to step under one batch of random actions."""
    random = np.random.default_rng(0)
    pool = envpool.make(env_id, env_type="gymnasium", num_envs=n, num_threads=1)
    pool.reset()
    space = pool.action_space
    if isinstance(space, gymnasium.spaces.Discrete):
        actions = random.integers(space.n, size=n).astype(np.int32)
    else:
        size = (n, *space.shape)
        actions = random.uniform(space.low, space.high, size).astype(np.float32)
    found = {"envpool": stepper(pool.step, actions)}
    if env_id == "CartPole-v1":
        vector = gymnasium.make_vec(env_id, n, vectorization_mode="vector_entry_point")
        vector.reset(seed=0)
        found["gymnasium"] = stepper(vector.step, actions.astype(np.int64))
    return found


def rows(rounds: int, target_s: float) -> list[dict[str, Any]]:
    """One row for each task, size and peer."""
    result = []
    for env_id in IDS:
        for n in (16, 1024):
            times = seconds_per_call(contenders(env_id, n), rounds, target_s)
            result += [
                {
                    "name": f"envs/{env_id}/step",
                    "unit": "steps/s",
                    "threads": 1,
                    "n": n,
                    "peer": peer,
                    "peer_version": importlib.metadata.version(peer),
                    "peer_value": n / seconds,
                }
                for peer, seconds in times.items()
            ]
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--burst", type=float, default=0.03, help="seconds per burst")
    settings = parser.parse_args()
    json.dump({"rows": rows(settings.rounds, settings.burst)}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
