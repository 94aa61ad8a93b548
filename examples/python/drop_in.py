"""A Gymnasium loop, with one word changed: the id begins with ``palaestra/``.

    python examples/python/drop_in.py

Everything else is Gymnasium's: spaces, seeding, wrappers, time limits, infos, and the state that
can be set and compared with the original's step by step.
"""

from __future__ import annotations

import gymnasium
import numpy as np
import palaestra  # noqa: F401  (registers the ids)


def main(steps: int = 200) -> float:
    """Play one environment beside the original; return the largest difference in observation."""
    env = gymnasium.make("palaestra/HalfCheetah-v5")
    original = gymnasium.make("HalfCheetah-v5")
    env.reset(seed=0)
    original.reset(seed=0)

    # the two draw different first states: put both into the same one
    qpos, qvel = original.unwrapped.data.qpos, original.unwrapped.data.qvel
    env.unwrapped.set_state(qpos, qvel)

    env.action_space.seed(0)
    difference = 0.0
    for _ in range(steps):
        action = env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        expected, expected_reward, *_ = original.step(action)
        difference = max(difference, float(np.abs(observation - expected).max()))
        difference = max(difference, abs(reward - float(expected_reward)))
        if terminated or truncated:
            break
    print(
        f"x = {info['x_position']:.3f} m; largest difference from the original {difference:.1e}"
    )
    return difference


if __name__ == "__main__":
    main()
