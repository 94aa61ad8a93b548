"""Write transcripts of Gymnasium's MuJoCo environments as safetensors, bit for bit.

    .venv/bin/python tests/golden/make_mujoco_transcripts.py

Per environment, for 10 episodes of 100 steps of random actions: the start (qpos, qvel), the actions,
and after every step the observation, reward, end, qpos and qvel.
"""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
from safetensors.numpy import save_file

EPISODES, STEPS = 10, 100
OPTIONS = {"HalfCheetah-v5": {}, "Hopper-v5": {"terminate_when_unhealthy": False}}


def physics(env: gymnasium.Env) -> np.ndarray:
    return np.concatenate([env.data.qpos, env.data.qvel])


def main() -> None:
    folder = Path(__file__).parent / "mujoco"
    folder.mkdir(exist_ok=True)
    for env_id, options in OPTIONS.items():
        env = gymnasium.make(env_id, **options).unwrapped
        env.action_space.seed(1)
        columns: dict[str, list] = {
            name: []
            for name in (
                "start",
                "action",
                "observation",
                "reward",
                "terminated",
                "end",
            )
        }
        for episode in range(EPISODES):
            env.reset(seed=episode)
            columns["start"].append(physics(env))
            for _ in range(STEPS):
                action = env.action_space.sample()
                observation, reward, terminated, _, _ = env.step(action)
                columns["action"].append(action)
                columns["observation"].append(observation)
                columns["reward"].append(np.float64(reward))
                columns["terminated"].append(np.uint8(terminated))
            columns["end"].append(physics(env))
        save_file(
            {name: np.stack(values) for name, values in columns.items()},
            folder / f"{env_id}.safetensors",
        )


if __name__ == "__main__":
    main()
