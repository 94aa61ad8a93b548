"""Steps per second of Gymnasium's MuJoCo tasks, 64 environments, in EnvPool.

CPU time of the whole process, median of many bursts, one thread, new random actions in every step,
after a warm-up until the robots lie and kick as they do in benchmarks/mujoco.cc. Prints one JSON
document for ``palaestra bench mujoco --peers``. EnvPool carries a MuJoCo of its own. By hand:

    .venv-peers/bin/python benchmarks/peers/mujoco_envpool.py
"""

from __future__ import annotations

from typing import Any

from _envpool_steps import main

# As in benchmarks/mujoco.cc, episodes last until their time limit; but for the two pendulums, which
# fall here and begin again, where those there are balanced.
FALL = {"terminate_when_unhealthy": False}
TASKS: dict[str, dict[str, Any]] = {
    "Ant-v5": FALL,
    "HalfCheetah-v5": {},
    "Hopper-v5": FALL,
    "Humanoid-v5": FALL,
    "HumanoidStandup-v5": {},
    "InvertedDoublePendulum-v5": {},
    "InvertedPendulum-v5": {},
    "Pusher-v5": {},
    "Reacher-v5": {},
    "Swimmer-v5": {},
    "Walker2d-v5": FALL,
}


if __name__ == "__main__":
    main(
        __doc__,
        {
            f"mujoco/{env_id}/step": (env_id, options)
            for env_id, options in TASKS.items()
        },
    )
