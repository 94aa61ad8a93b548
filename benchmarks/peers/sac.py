"""One SAC update of Stable-Baselines3, and RLtools' whole Pendulum run, beside our own.

CPU time of the whole process on one thread. Prints one JSON document for ``palaestra bench sac
--peers``. RLtools is a header library without a package: set PALAESTRA_RLTOOLS to a checkout of
https://github.com/rl-tools/rl-tools, which is then compiled with OpenBLAS (libopenblas-dev) in its
own benchmark mode, into a temporary folder. By hand:

    .venv-peers/bin/python benchmarks/peers/sac.py
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

OBSERVATION, ACTION, ROWS, ROUNDS, UPDATES = 17, 6, 256, 9, 20


class Noise(gymnasium.Env[np.ndarray, np.ndarray]):
    """Fills a replay buffer with random numbers."""

    observation_space = gymnasium.spaces.Box(-1, 1, (OBSERVATION,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION,), np.float32)

    def reset(self, **_: Any) -> tuple[np.ndarray, dict[str, Any]]:  # type: ignore[override]
        """Draw an observation."""
        return self.observation_space.sample(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Draw the next one."""
        return self.observation_space.sample(), 0.0, False, False, {}


def sb3_update() -> dict[str, Any]:
    """Milliseconds of one gradient step with the default networks, 2 x 256."""
    import torch
    from stable_baselines3 import SAC
    from stable_baselines3.common.logger import configure

    torch.set_num_threads(1)
    filled = 2_000
    model = SAC("MlpPolicy", Noise(), learning_starts=filled, buffer_size=filled)
    model.learn(filled)
    model.set_logger(configure(None, []))
    model.train(UPDATES, ROWS)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        model.train(UPDATES, ROWS)
        times.append((time.process_time() - start) / UPDATES * 1e3)
    return {
        "name": "sac/update",
        "unit": "ms",
        "higher_is_better": False,
        "n": ROWS,
        "peer": "stable_baselines3",
        "peer_version": importlib.metadata.version("stable_baselines3"),
        "peer_value": statistics.median(times),
    }


def cpu_seconds_of_children() -> float:
    """User time of finished child processes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def rltools_pendulum(checkout: Path) -> dict[str, Any]:
    """Compile RLtools' own SAC benchmark on Pendulum, 2 x 64, batch 100, and run it."""
    source = checkout / "src/rl/environments/pendulum/sac/cpu/training.cpp"
    commit = subprocess.run(
        ["git", "-C", checkout, "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    times = []
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "sac_pendulum"
        flags = ["-std=c++17", "-O3", "-march=native", "-ffast-math", "-DBENCHMARK"]
        backend = ["-DRL_TOOLS_BACKEND_ENABLE_OPENBLAS", f"-I{checkout / 'include'}"]
        subprocess.run(
            ["g++", *flags, *backend, source, "-lopenblas", "-o", program], check=True
        )
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        for _ in range(5):
            start = cpu_seconds_of_children()
            subprocess.run(
                [program], cwd=folder, env=environment, capture_output=True, check=True
            )
            times.append(cpu_seconds_of_children() - start)
    return {
        "name": "sac/pendulum",
        "unit": "s",
        "higher_is_better": False,
        "n": 1,
        "peer": "rltools",
        "peer_version": commit,
        "peer_value": statistics.median(times),
    }


def main() -> None:
    """Measure and print."""
    rows = [sb3_update()]
    if checkout := os.environ.get("PALAESTRA_RLTOOLS"):
        rows.append(rltools_pendulum(Path(checkout)))
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
