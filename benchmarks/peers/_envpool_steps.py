"""What the scripts that measure EnvPool on MuJoCo share: a warm batch, and rows about it."""

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


def burst_of(env_id: str, options: dict[str, Any]) -> Burst:
    """Make the batch, warm it up, and return what steps it."""
    pool = envpool.make(
        env_id, env_type="gymnasium", num_envs=ROWS, num_threads=1, **options
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


def main(description: str | None, tasks: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Measure and print: name of the row to EnvPool's id and options."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--burst", type=float, default=0.05, help="seconds per burst")
    settings = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, (env_id, options) in tasks.items():
        times = seconds_per_call(
            {"envpool": burst_of(env_id, options)}, settings.rounds, settings.burst
        )
        rows.append(
            {
                "name": name,
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
