"""Learn to reach goals from failures: SAC with goals in hindsight (arXiv 1707.01495).

    python examples/python/hindsight.py [PointReach-v0]

A step that missed its goal is one that reached what it led to. The rewards of such goals are
computed natively, a minibatch at a time.
"""

from __future__ import annotations

import sys

import numpy as np
import palaestra

PARTS = ("observation", "achieved_goal", "desired_goal")


def main(env_id: str = "Reach3D-v0", num_envs: int = 8, steps: int = 500) -> float:
    """Train for ``steps`` steps of every environment; return the share of goals reached."""
    envs = palaestra.make_vec(env_id, num_envs, autoreset_mode="SameStep")
    agent = palaestra.make_agent(
        "sac", env_id, hidden=[64, 64], actor_learning_rate=1e-3,
        critic_learning_rate=1e-3,
    )  # fmt: skip
    buffer = palaestra.ReplayBuffer(
        envs.single_observation_space, envs.single_action_space, 100_000, lanes=num_envs
    )
    sampler = palaestra.HindsightSampler(buffer, envs.compute_reward)
    observation, _ = envs.reset(seed=0)
    for step in range(steps):
        last = {part: view.copy() for part, view in observation.items()}
        action = agent.act(last, "sample")
        observation, reward, terminated, truncated, info = envs.step(action)
        buffer.add(
            last, action, reward, observation, terminated, truncated,
            final_observation=info["final_obs"],
        )  # fmt: skip
        for _ in range(num_envs if step >= 50 else 0):
            batch = sampler.sample(256, relabel=0.8, discount=0.95)
            minibatch = batch.minibatch
            rows = minibatch.observation, batch.achieved_goal, batch.goal
            after = minibatch.next_observation, batch.next_achieved_goal, batch.goal
            agent.update(
                minibatch._asdict()
                | {
                    "observation": np.concatenate(rows, 1),
                    "next_observation": np.concatenate(after, 1),
                }
            )
    success = agent.evaluate(100, env=env_id).success
    assert success is not None
    print(f"{env_id}: {success.mean():.0%} of 100 goals reached")
    return float(success.mean())


if __name__ == "__main__":
    main(*sys.argv[1:])
