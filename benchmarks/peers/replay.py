"""Draws from and additions to replay buffers of one million rows (17 observations, 6 actions).

CPU time of the whole process, contenders interleaved, median of many bursts, one thread each.
Prints one JSON document for ``palaestra bench --peers``: figures of cpprb, Stable-Baselines3 and
TorchRL for the rows of benchmarks/replay.cc, rows of our own buffer through Python, and of our
buffer in the place of Stable-Baselines3's. By hand:

    PYTHONPATH=build/release/python .venv-peers/bin/python benchmarks/peers/replay.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import _replay_contenders as contenders
from _replay_contenders import Call, Key, Part

PEERS: dict[str, Callable[[list[Part]], dict[Key, Call]]] = {
    "cpprb": contenders.cpprb_calls,
    "stable_baselines3": contenders.sb3_calls,
    "torchrl": contenders.torchrl_calls,
}
ADAPTER = "through_stable_baselines3"
OURS = {"python": contenders.ours, ADAPTER: contenders.adapter_calls}


def microseconds(
    calls: dict[tuple[str, Key], Call], rounds: int, target_s: float
) -> dict[tuple[str, Key], float]:
    """Median CPU time of each call, all taking turns."""
    times: dict[tuple[str, Key], list[float]] = {key: [] for key in calls}
    for turn in range(-2, rounds):
        for key, call in calls.items():
            start, count = time.process_time(), 0
            while count < 20 or time.process_time() - start < target_s:
                for _ in range(20):
                    call()
                count += 20
            if turn >= 0:
                times[key].append((time.process_time() - start) / count * 1e6)
    return {key: statistics.median(values) for key, values in times.items()}


def rows_of(cost: dict[tuple[str, Key], float]) -> list[dict[str, Any]]:
    """Each figure of a peer beside the C++ row of its name and beside ours through Python."""
    rows: list[dict[str, Any]] = []
    for (package, (name, n)), value in cost.items():
        if package not in PEERS:
            continue
        common = {
            "unit": "us",
            "higher_is_better": False,
            "threads": 1,
            "n": n,
            "peer": package,
            "peer_version": importlib.metadata.version(package),
            "peer_value": value,
        }
        rows.append({"name": f"replay/{name}", **common})
        for door in OURS:
            mine = cost.get((door, (name, n)))
            if mine is None or (door == ADAPTER and package != "stable_baselines3"):
                continue
            beside = {"value": mine, "ratio": value / mine}
            rows.append({"name": f"{door}/replay/{name}", **beside, **common})
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--burst", type=float, default=0.02, help="seconds")
    settings = parser.parse_args()
    os.environ.setdefault("RL_LOGGING_LEVEL", "ERROR")  # TorchRL logs what it allocates
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        pass
    parts = contenders.chunks()
    calls: dict[tuple[str, Key], Call] = {}
    for package, make in {**OURS, **PEERS}.items():
        try:
            found = make(parts)
        except ImportError:
            continue
        calls |= {(package, key): call for key, call in found.items()}
    parts.clear()
    cost = microseconds(calls, settings.rounds, settings.burst)
    json.dump({"rows": rows_of(cost)}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
