"""Steps per second of the DeepMind Control suite, 64 environments, in EnvPool.

CPU time of the whole process, median of many bursts, one thread, new random actions in every step,
after a warm-up until the robots lie and kick, as in benchmarks/dm_control.cc. Prints one JSON
document for ``palaestra bench dm_control --peers``. EnvPool carries a MuJoCo of its own. By hand:

    .venv-peers/bin/python benchmarks/peers/dm_control_envpool.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from typing import Any

import envpool
import numpy as np
from _timing import Burst, seconds_per_call

ROWS, WARM_STEPS, BLOCKS = 64, 200, 50
DOMAINS = {
    "acrobot": ("swingup", "swingup_sparse"),
    "ball_in_cup": ("catch",),
    "cartpole": (
        *("balance", "balance_sparse", "swingup", "swingup_sparse"),
        *("two_poles", "three_poles"),
    ),
    "cheetah": ("run",),
    "finger": ("spin", "turn_easy", "turn_hard"),
    "fish": ("swim", "upright"),
    "hopper": ("hop", "stand"),
    "humanoid": ("run", "run_pure_state", "stand", "walk"),
    "pendulum": ("swingup",),
    "point_mass": ("easy", "hard"),
    "quadruped": ("run", "walk"),
    "reacher": ("easy", "hard"),
    "swimmer": ("swimmer6", "swimmer15"),
    "walker": ("run", "stand", "walk"),
}


def burst_of(domain: str, task: str) -> Burst:
    """Make the batch, warm it up, and return what steps it."""
    name = f"{domain}_{task}".title().replace("_", "")
    pool = envpool.make(
        f"{name}-v1", env_type="gymnasium", num_envs=ROWS, num_threads=1
    )
    pool.reset()
    space = pool.action_space
    random = np.random.default_rng(1)
    blocks = [
        random.uniform(space.low, space.high, (ROWS, *space.shape)).astype(space.dtype)
        for _ in range(BLOCKS)
    ]
    at = 0

    def burst(calls: int) -> None:
        nonlocal at
        for _ in range(calls):
            pool.step(blocks[at % BLOCKS])
            at += 1

    burst(WARM_STEPS)
    return burst


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--burst", type=float, default=0.05, help="seconds per burst")
    settings = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for domain, tasks in DOMAINS.items():
        for task in tasks:
            times = seconds_per_call(
                {"envpool": burst_of(domain, task)}, settings.rounds, settings.burst
            )
            rows.append(
                {
                    "name": f"dm_control/{domain}-{task}/step",
                    "unit": "steps/s",
                    "threads": 1,
                    "n": ROWS,
                    "peer": "envpool",
                    "peer_version": importlib.metadata.version("envpool"),
                    "peer_value": ROWS / times["envpool"],
                }
            )
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
