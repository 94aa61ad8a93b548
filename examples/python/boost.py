"""Learn from one demonstration, without rewards: AILBoost, whose result is an ensemble.

    python examples/python/boost.py runs/boost

The same from the shell, with ``palaestra`` for the command of this package:

    palaestra train --env Pendulum-v1 --steps 6000 --set hidden=64,64 --out runs/boost/expert
    palaestra data collect --env Pendulum-v1 --policy runs/boost/expert --episodes 1 \
        --out runs/boost/demo-v0
    palaestra train --agent ailboost --data runs/boost/demo-v0 --steps 14000 \
        --set sac.hidden=64,64 ... --out runs/boost/pupil
    palaestra eval runs/boost/pupil
    palaestra eval runs/boost/pupil --policy ensemble
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import palaestra
from palaestra.command import executable


def main(out: str, steps: int = 14_000) -> tuple[float, float, float]:
    """Return what expert, last policy and ensemble earn in twenty episodes."""
    folder = Path(out)
    expert = palaestra.train(
        "Pendulum-v1",
        "sac",
        6_000,
        out=folder / "expert",
        hidden=[64, 64],
        actor_learning_rate=1e-3,
        critic_learning_rate=1e-3,
        threads=1,
    )
    subprocess.run(
        [
            *(executable(), "data", "collect", "--env", "Pendulum-v1", "--quiet"),
            *("--policy", expert.run, "--episodes", "1", "--out", folder / "demo-v0"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    step_sizes = {
        f"sac.{what}_learning_rate": 1e-3 for what in ("actor", "critic", "temperature")
    }
    pupil = palaestra.train(
        data=folder / "demo-v0",
        agent="ailboost",
        steps=steps,  # of practice, and of the learners' own rollouts
        out=folder / "pupil",
        threads=1,
        learning_starts=1_000,
        updates_per_step=1,
        evaluate_episodes=5,
        alpha=0.1,
        round_steps=200,
        samples_per_round=200,
        discriminator_steps=20,
        **{"sac.hidden": [64, 64], "sac.batch_size": 64},
        **{"discriminator.batch_size": 64, "discriminator.learning_rate": 1e-3},
        **step_sizes,
    ).load()
    earned = (
        expert.load().evaluate(20).return_mean,
        pupil.evaluate(20).return_mean,
        pupil.evaluate(20, policy="ensemble").return_mean,
    )
    print("expert {:.1f}, last policy {:.1f}, ensemble {:.1f}".format(*earned))
    return earned


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/boost")
