"""Step a thousand cart-poles at once and count what happens.

    python examples/python/vector_rollout.py

`palaestra.make_vec` hands out live views: `observation` is the same array at every step, with new
contents. Copy what you want to keep.
"""

from __future__ import annotations

import time

import numpy as np
import palaestra


def main(num_envs: int = 1024, steps: int = 1000) -> float:
    """Run a simple feedback law; return the mean length of the finished episodes."""
    envs = palaestra.make_vec(
        "CartPole-v1", num_envs, seed=0, autoreset_mode="SameStep"
    )
    observation, info = envs.reset()
    lengths: list[int] = []
    start = time.perf_counter()
    for _ in range(steps):
        # push towards the side the pole leans and turns to
        lean = observation[:, 2] + 0.3 * observation[:, 3]
        actions = (lean > 0).astype(np.int64)
        observation, _, terminated, truncated, info = envs.step(actions)
        lengths.extend(info["episode_length"][terminated | truncated])
    seconds = time.perf_counter() - start
    mean = float(np.mean(lengths))
    print(f"{len(lengths)} episodes of {mean:.0f} steps on average")
    print(
        f"{num_envs * steps / seconds / 1e6:.1f} million steps a second, policy included"
    )
    return mean


if __name__ == "__main__":
    main()
