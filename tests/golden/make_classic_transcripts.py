"""Write transcripts of Gymnasium's classic environments: states, actions, rewards, ends.

    .venv/bin/python tests/golden/make_classic_transcripts.py

Each line of tests/golden/classic/<id>.csv is one step: state before, action, state after, reward,
terminated, with numbers as C hexadecimal floats so that no bit is lost. Episodes of up to 200 steps
follow one another; a step that starts an episode is one whose state before is not the last state
after.
"""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np

STEPS = 400
IDS = [
    "Acrobot-v1",
    "CartPole-v1",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
]


def state_of(env: gymnasium.Env) -> list[float]:
    return [float(x) for x in np.asarray(env.unwrapped.state, dtype=np.float64)]


def action_of(
    env: gymnasium.Env, step: int, rng: np.random.Generator
) -> np.ndarray | int:
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        # long pushes in one direction reach walls and velocity limits that random actions do not
        return (
            int(step // 25 % env.action_space.n)
            if step % 3
            else int(rng.integers(env.action_space.n))
        )
    scale = 1.5 * env.action_space.high[0]  # beyond the bound: the original cuts
    return rng.uniform(-scale, scale, env.action_space.shape).astype(np.float32)


def main() -> None:
    folder = Path(__file__).parent / "classic"
    for env_id in IDS:
        env = gymnasium.make(env_id, disable_env_checker=True).unwrapped
        rng = np.random.default_rng(1)
        env.reset(seed=1)
        lines, length = [], 0
        for step in range(STEPS):
            if length == 200:
                env.reset()
                length = 0
            before = state_of(env)
            action = action_of(env, step, rng)
            _, reward, terminated, _, _ = env.step(action)
            after = state_of(env)
            values = [*before, float(np.ravel(action)[0]), *after, float(reward)]
            lines.append(",".join([v.hex() for v in values] + [str(int(terminated))]))
            length += 1
            if terminated:
                env.reset()
                length = 0
        (folder / f"{env_id}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
