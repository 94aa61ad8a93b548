"""A training loop of one's own around the native parts: environments, replay buffer, agent.

    python examples/python/own_loop.py

Everything heavy is C++; the order of things, and whatever is put between them, is Python.
"""

from __future__ import annotations

import palaestra


def main(num_envs: int = 8, steps: int = 800) -> tuple[float, float]:
    """Train SAC for ``steps`` steps of every environment; return mean returns before and after."""
    envs = palaestra.make_vec("Pendulum-v1", num_envs, autoreset_mode="SameStep")
    agent = palaestra.make_agent(
        "sac", "Pendulum-v1", hidden=[64, 64], actor_learning_rate=1e-3,
        critic_learning_rate=1e-3,
    )  # fmt: skip
    buffer = palaestra.ReplayBuffer(
        envs.single_observation_space,
        envs.single_action_space,
        100_000,
        lanes=num_envs,
    )
    before = agent.evaluate(env="Pendulum-v1").return_mean
    observation, _ = envs.reset(seed=0)
    for step in range(steps):
        last = observation.copy()  # `observation` is live: the step overwrites it
        action = agent.act(last, "sample")
        observation, reward, terminated, truncated, info = envs.step(action)
        buffer.add(
            last,
            action,
            reward,
            observation,
            terminated,
            truncated,
            final_observation=info["final_obs"],
        )
        if step >= 50:
            for _ in range(num_envs):
                agent.update(buffer.sample(256))
        if step % 100 == 99:
            print(
                f"step {step + 1}: " + ", ".join(
                    f"{name} {value:.3g}" for name, value in agent.metrics().items()
                )
            )  # fmt: skip
    after = agent.evaluate(env="Pendulum-v1").return_mean
    print(f"mean return {before:.0f} before, {after:.0f} after")
    return before, after


if __name__ == "__main__":
    main()
