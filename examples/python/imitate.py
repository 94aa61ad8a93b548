"""Let an agent imitate one episode of an expert, without ever seeing a reward.

    python examples/python/imitate.py runs/imitate

The same from the shell, with ``palaestra`` for the command of this package:

    palaestra train --env Pendulum-v1 --steps 6000 --set hidden=64,64 --out runs/imitate/expert
    palaestra data collect --env Pendulum-v1 --policy runs/imitate/expert --episodes 1 \
        --out runs/imitate/swing-v0
    palaestra train --agent dac --data runs/imitate/swing-v0 --steps 8000 \
        --set absorbing=false --set normalize_observations=true --out runs/imitate/pupil
    palaestra eval runs/imitate/pupil
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import palaestra
from palaestra.command import executable


def main(out: str, steps: int = 8_000) -> tuple[float, float]:
    """Return what expert and pupil earn in twenty episodes."""
    folder = Path(out)
    sac = {
        "hidden": [64, 64],
        "actor_learning_rate": 1e-3,
        "critic_learning_rate": 1e-3,
        "temperature_learning_rate": 1e-3,
    }
    expert = palaestra.train(
        "Pendulum-v1", "sac", 6_000, out=folder / "expert", threads=1, **sac
    )
    subprocess.run(
        [
            *(executable(), "data", "collect", "--env", "Pendulum-v1", "--quiet"),
            *("--policy", expert.run, "--episodes", "1"),
            *("--out", folder / "swing-v0"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    pupil = palaestra.train(
        data=folder / "swing-v0",  # names the environment
        agent="dac",
        steps=steps,
        out=folder / "pupil",
        learning_starts=500,
        normalize_observations=True,
        dac={
            "absorbing": False,  # a pendulum's episodes end by time alone
            "sac": sac | {"batch_size": 64},
            "discriminator": {"hidden": [64, 64], "batch_size": 64},
        },
        threads=1,
    )
    earned = [run.load().evaluate(20).return_mean for run in (expert, pupil)]
    print(f"expert {earned[0]:.1f}, pupil {earned[1]:.1f}")
    return earned[0], earned[1]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/imitate")
