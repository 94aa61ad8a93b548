"""Steps per second of HalfCheetah-v5 and Hopper-v5, 64 environments, in EnvPool.

CPU time of the whole process, median of many bursts, one thread, new random actions in every step,
after a warm-up until the robots lie and kick as they do in benchmarks/mujoco.cc. Prints one JSON
document for ``palaestra bench mujoco --peers``. EnvPool carries a MuJoCo of its own. By hand:

    .venv-peers/bin/python benchmarks/peers/mujoco_envpool.py
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


def burst_of(env_id: str) -> Burst:
    """Make the batch, warm it up, and return what steps it."""
    # as in benchmarks/mujoco.cc, episodes last until their time limit
    options = {"terminate_when_unhealthy": False} if env_id.startswith("Hop") else {}
    pool = envpool.make(
        env_id, env_type="gymnasium", num_envs=ROWS, num_threads=1, **options
    )
    pool.reset()
    space = pool.action_space
    random = np.random.default_rng(1)
    blocks = [
        random.uniform(space.low, space.high, (ROWS, *space.shape)).astype(np.float32)
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
    for env_id in ("HalfCheetah-v5", "Hopper-v5"):
        times = seconds_per_call(
            {"envpool": burst_of(env_id)}, settings.rounds, settings.burst
        )
        rows.append(
            {
                "name": f"mujoco/{env_id}/step",
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
