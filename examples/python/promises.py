"""Learn from the same record to ask for a return, and to ask for what one can bring about oneself.

    python examples/python/promises.py runs/promises

One pull of one of two arms: arm 1 pays in nine of ten pulls, arm 0 in one of ten, and the record is
of somebody who mostly pulled arm 0. A policy that is asked for a return of 1 takes what luck paid
for its own doing: half of the pulls that paid 1 were of either arm. Dichotomy of Control asks for a
latent instead that knows nothing of luck.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium
import numpy as np
import palaestra
from palaestra import data

OPTIONS = {"p": 0.1}


def record(path: Path, pulls: int) -> None:
    """Write pulls of arm 1 with probability 0.1."""
    env = gymnasium.make("palaestra/BernoulliBandit-v0", **OPTIONS)
    random = np.random.default_rng(1)
    episodes = []
    for seed in range(pulls):
        first, _ = env.reset(seed=seed)
        arm = int(random.random() < 0.1)
        after, reward, terminated, truncated, _ = env.step(arm)
        episodes.append(
            {
                "observations": np.array([first, after]),
                "actions": np.array([arm]),
                "rewards": np.array([reward]),
                "terminations": np.array([terminated]),
                "truncations": np.array([truncated]),
            }
        )
    data.write_minari(
        path,
        episodes,
        observation_space=env.observation_space,
        action_space=env.action_space,
        metadata={
            "palaestra": {"env": "BernoulliBandit-v0", "env_options": "p=0.1"},
        },
    )


def main(out: str) -> dict[str, palaestra.Evaluation]:
    """Return what each agent promises and earns in a thousand pulls."""
    folder = Path(out)
    record(folder / "pulls-v0", pulls=1000)
    evaluations = {}
    for agent, settings in {
        "return_bc": {"hidden": [32]},
        "doc": {"hidden": [64, 64], "window": 1, "bank_candidates": 100},
    }.items():
        run = palaestra.train(
            data=folder / "pulls-v0",  # names the environment
            agent=agent,
            steps=2_000,
            out=folder / agent,
            threads=1,
            **settings,
        )
        # as the policy draws its arms: its likeliest one alone is another policy
        result = run.load().evaluate(1000, mode="sample")
        evaluations[agent] = result
        print(
            f"{agent}: promised {result.promised.mean():.2f}, earned {result.return_mean:.2f}"
        )
    return evaluations


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/promises")
