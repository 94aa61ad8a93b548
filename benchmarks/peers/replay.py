"""Draws from replay buffers of one million rows (17 observations, 6 actions) beside the peers.

CPU time of the whole process, contenders interleaved, median of many bursts, one thread each.
Prints one JSON document for ``palaestra bench --peers``: figures of cpprb and of
Stable-Baselines3's buffer for the rows of benchmarks/replay.cc, and rows of our own buffer through
Python. By hand:

    PYTHONPATH=build/release/python .venv-peers/bin/python benchmarks/peers/replay.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import palaestra
from gymnasium.spaces import Box

ROWS, OBSERVATION, ACTION, CAPACITY = 256, 17, 6, 1_000_000
SPACES = (
    Box(-np.inf, np.inf, (OBSERVATION,), np.float32),
    Box(-1, 1, (ACTION,), np.float32),
)
UNIFORM = "uniform/sample_256_of_1M"
PRIORITISED = "prioritised/sample_and_update_256_of_1M"
Call = Callable[[], object]
random = np.random.default_rng(0)


def chunks(size: int = 50_000) -> list[dict[str, np.ndarray]]:
    """Make a million transitions of one lane in pieces; episodes of 1,000 steps."""
    parts = []
    for begin in range(0, CAPACITY, size):
        observation = random.random((size + 1, OBSERVATION), np.float32)
        done = (np.arange(begin, begin + size) % 1_000) == 999
        parts.append(
            {
                "observation": observation[:-1],
                "action": random.random((size, ACTION), np.float32),
                "reward": random.random(size, np.float32),
                "next_observation": observation[1:],
                "truncated": done | (np.arange(size) == size - 1),
            }
        )
    return parts


def ours(parts: list[dict[str, np.ndarray]]) -> dict[str, Call]:
    """Fill our buffers."""
    calls: dict[str, Call] = {}
    for name in (UNIFORM, PRIORITISED):
        buffer = palaestra.ReplayBuffer(
            *SPACES, CAPACITY, priorities=name == PRIORITISED
        )
        for part in parts:
            buffer.extend(terminated=np.zeros(len(part["reward"]), bool), **part)
        calls[name] = sampler(buffer) if name == UNIFORM else updater(buffer)
    return calls


def sampler(buffer: palaestra.ReplayBuffer) -> Call:
    """Uniform minibatches."""
    return lambda: buffer.sample(ROWS)


def updater(buffer: palaestra.ReplayBuffer) -> Call:
    """Prioritised minibatches, and new priorities for their rows."""
    priorities = random.random((64, ROWS), np.float32) + 1e-3
    turn = iter(range(1 << 62))

    def call() -> None:
        batch = buffer.sample(ROWS)
        buffer.update_priorities(batch.index, priorities[next(turn) % 64])

    return call


def cpprb_calls(parts: list[dict[str, np.ndarray]]) -> dict[str, Call]:
    """Fill cpprb's buffers."""
    import cpprb

    fields = {
        "observation": {"shape": OBSERVATION},
        "action": {"shape": ACTION},
        "reward": {},
        "next_observation": {"shape": OBSERVATION},
        "done": {},
    }
    uniform = cpprb.ReplayBuffer(CAPACITY, fields)
    ranked = cpprb.PrioritizedReplayBuffer(CAPACITY, fields, alpha=0.6)
    for part in parts:
        columns = {key: part[key] for key in fields if key != "done"}
        for buffer in (uniform, ranked):
            buffer.add(done=np.zeros(len(part["reward"])), **columns)
    priorities = random.random((64, ROWS)) + 1e-3
    turn = iter(range(1 << 62))

    def update() -> None:
        batch = ranked.sample(ROWS, beta=0.4)
        ranked.update_priorities(batch["indexes"], priorities[next(turn) % 64])

    return {UNIFORM: lambda: uniform.sample(ROWS), PRIORITISED: update}


def sb3_calls(parts: list[dict[str, np.ndarray]]) -> dict[str, Call]:
    """Fill Stable-Baselines3's buffer."""
    from stable_baselines3.common.buffers import ReplayBuffer

    buffer = ReplayBuffer(CAPACITY, *SPACES, device="cpu")
    observation = np.concatenate([part["observation"] for part in parts])
    buffer.observations[:, 0] = observation
    buffer.next_observations[:, 0] = np.concatenate(
        [part["next_observation"] for part in parts]
    )
    buffer.actions[:, 0] = np.concatenate([part["action"] for part in parts])
    buffer.full = True
    return {UNIFORM: lambda: buffer.sample(ROWS)}


def microseconds(calls: dict[str, Call], rounds: int, count: int) -> dict[str, float]:
    """Median CPU time of each call, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-2, rounds):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(count):
                call()
            if turn >= 0:
                times[name].append((time.process_time() - start) / count * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=200, help="per burst")
    settings = parser.parse_args()
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        pass
    parts = chunks()
    makers = {"": ours, "cpprb": cpprb_calls, "stable_baselines3": sb3_calls}
    calls: dict[str, Call] = {}
    for package, make in makers.items():
        try:
            found = make(parts)
        except ImportError:
            continue
        calls |= {f"{package}/{name}": call for name, call in found.items()}
    parts.clear()
    cost = microseconds(calls, settings.rounds, settings.calls)
    common = {"unit": "us", "higher_is_better": False, "threads": 1, "n": ROWS}
    rows: list[dict[str, Any]] = []
    for key, value in cost.items():
        package, _, name = key.partition("/")
        if not package:
            continue
        peer = {
            "peer": package,
            "peer_version": importlib.metadata.version(package),
            "peer_value": value,
        }
        rows.append({"name": f"replay/{name}", **common, **peer})
        through_python = {
            "name": f"python/replay/{name}",
            "value": cost[f"/{name}"],
            "ratio": value / cost[f"/{name}"],
        }
        rows.append({**through_python, **common, **peer})
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
