"""Train Stable-Baselines3's SAC with its defaults and write its evaluations as JSON lines.

The learning curves of `palaestra train --agent sac` are compared with these. One thread a process:

    .venv-peers/bin/python benchmarks/peers/sb3_sac_learning.py --env HalfCheetah-v5 \
        --steps 100000 --seed 0 --out sb3-halfcheetah-0.jsonl
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import gymnasium
import stable_baselines3
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy


class Evaluate(BaseCallback):
    """Append the returns of deterministic episodes, on another environment, every `every` steps."""

    def __init__(
        self, env_id: str, every: int, episodes: int, out: Path, seed: int
    ) -> None:
        super().__init__()
        self.env = gymnasium.make(env_id)
        self.env.reset(seed=seed + 1_000_000)
        self.every, self.episodes, self.out = every, episodes, out

    def _on_step(self) -> bool:
        if self.num_timesteps % self.every == 0:
            returns, _ = evaluate_policy(
                self.model,
                self.env,
                self.episodes,
                return_episode_rewards=True,
                warn=False,
            )
            row = {
                "step": self.num_timesteps,
                "returns": returns,
                "cpu_s": time.process_time(),
            }
            with self.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="HalfCheetah-v5")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--every", type=int, default=10_000)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.write_text("")
    model = SAC(
        "MlpPolicy", gymnasium.make(arguments.env), seed=arguments.seed, device="cpu"
    )
    model.learn(
        arguments.steps,
        callback=Evaluate(
            arguments.env,
            arguments.every,
            arguments.episodes,
            arguments.out,
            arguments.seed,
        ),
    )
    print(
        json.dumps(
            {
                "env": arguments.env,
                "seed": arguments.seed,
                "cpu_s": time.process_time(),
                "stable_baselines3": stable_baselines3.__version__,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
