"""Timing that the scripts of this folder share: CPU time, contenders in turn, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Burst = Callable[[int], None]


def stepper(step: Callable[[Any], Any], actions: np.ndarray) -> Burst:
    """Wrap a step function in the plain loop that is timed."""

    def burst(calls: int) -> None:
        for _ in range(calls):
            step(actions)

    return burst


def seconds_per_call(
    bursts: dict[str, Burst], rounds: int, target_s: float
) -> dict[str, float]:
    """Median CPU seconds per call; each burst is as long as ``target_s``, all taking turns."""
    calls: dict[str, int] = {}
    for name, burst in bursts.items():  # warm up, and find the length of a burst
        burst(20)
        start = time.process_time()
        burst(50)
        calls[name] = max(
            10, int(50 * target_s / max(time.process_time() - start, 1e-6))
        )
    times: dict[str, list[float]] = {name: [] for name in bursts}
    for _ in range(rounds):
        for name, burst in bursts.items():
            start = time.process_time()
            burst(calls[name])
            times[name].append((time.process_time() - start) / calls[name])
    return {name: statistics.median(values) for name, values in times.items()}
