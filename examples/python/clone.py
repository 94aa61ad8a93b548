"""Train a teacher, record what it does, and let another agent learn it from the record alone.

    python examples/python/clone.py runs/clone

The same from the shell, with ``palaestra`` for the command of this package:

    palaestra train --env Pendulum-v1 --steps 6000 --set hidden=64,64 --out runs/clone/teacher
    palaestra data collect --env Pendulum-v1 --policy runs/clone/teacher --noise 0.1 \
        --episodes 20 --out runs/clone/swing-v0
    palaestra train --data runs/clone/swing-v0 --agent bc --steps 3000 --out runs/clone/pupil
    palaestra eval runs/clone/pupil
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import palaestra
from palaestra.command import executable


def main(out: str, steps: int = 6_000) -> tuple[float, float]:
    """Return what teacher and pupil earn in twenty episodes."""
    folder = Path(out)
    teacher = palaestra.train(
        "Pendulum-v1",
        "sac",
        steps,
        out=folder / "teacher",
        hidden=[64, 64],
        actor_learning_rate=1e-3,
        critic_learning_rate=1e-3,
        threads=1,
    )
    # a little noise, so that the pupil sees how mistakes are made good again
    subprocess.run(
        [
            *(executable(), "data", "collect", "--env", "Pendulum-v1", "--quiet"),
            *("--policy", teacher.run, "--noise", "0.1", "--episodes", "20"),
            *("--out", folder / "swing-v0"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    pupil = palaestra.train(
        data=folder / "swing-v0",  # names the environment
        agent="bc",
        steps=3_000,
        out=folder / "pupil",
        hidden=[64, 64],
        normalize_observations=True,
        threads=1,
    )
    earned = [run.load().evaluate(20).return_mean for run in (teacher, pupil)]
    print(f"teacher {earned[0]:.1f}, pupil {earned[1]:.1f}")
    return earned[0], earned[1]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/clone")
