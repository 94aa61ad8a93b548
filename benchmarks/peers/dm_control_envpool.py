"""Steps per second of the DeepMind Control suite, 64 environments, in EnvPool.

CPU time of the whole process, median of many bursts, one thread, new random actions in every step,
after a warm-up until the robots lie and kick, as in benchmarks/dm_control.cc. Prints one JSON
document for ``palaestra bench dm_control --peers``. EnvPool carries a MuJoCo of its own. By hand:

    .venv-peers/bin/python benchmarks/peers/dm_control_envpool.py
"""

from __future__ import annotations

from _envpool_steps import main

DOMAINS = {
    "acrobot": ("swingup", "swingup_sparse"),
    "ball_in_cup": ("catch",),
    "cartpole": (
        *("balance", "balance_sparse", "swingup", "swingup_sparse"),
        *("two_poles", "three_poles"),
    ),
    "cheetah": ("run",),
    "finger": ("spin", "turn_easy", "turn_hard"),
    "fish": ("swim", "upright"),
    "hopper": ("hop", "stand"),
    "humanoid": ("run", "run_pure_state", "stand", "walk"),
    "pendulum": ("swingup",),
    "point_mass": ("easy", "hard"),
    "quadruped": ("run", "walk"),
    "reacher": ("easy", "hard"),
    "swimmer": ("swimmer6", "swimmer15"),
    "walker": ("run", "stand", "walk"),
}


def their_id(domain: str, task: str) -> str:
    """`cartpole`, `two_poles`: `CartpoleTwoPoles-v1`."""
    return f"{domain}_{task}".title().replace("_", "") + "-v1"


if __name__ == "__main__":
    main(
        __doc__,
        {
            f"dm_control/{domain}-{task}/step": (their_id(domain, task), {})
            for domain, tasks in DOMAINS.items()
            for task in tasks
        },
    )
