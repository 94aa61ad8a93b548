"""Write transcripts of Gymnasium's MuJoCo environments as safetensors, bit for bit.

    .venv/bin/python tests/golden/make_mujoco_transcripts.py [ID ...]

One file per environment with several parts. A part is a set of options and a number of steps, in
episodes that end at termination or after a fixed length. `walk` parts run on from a reset; in
`place` parts every episode is a single step from a state put there by `set_state` after a reset,
far from where episodes start. Recorded per episode: the state (qpos, qvel) it started from and its
length; per step: action, observation, reward, terminated and, in the shorter parts, the infos.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Array = npt.NDArray[Any]

COMMON: dict[str, dict[str, Any]] = {
    "weights": {"forward_reward_weight": 0.7, "ctrl_cost_weight": 0.05},
    "with_x": {"exclude_current_positions_from_observation": False},
    "frames": {"frame_skip": 2},
}
FRAMES = {"frames": COMMON["frames"]}
HEALTH: dict[str, dict[str, Any]] = {
    "fallen": {"terminate_when_unhealthy": False},
    "reward": {"healthy_reward": 0.5},
}
PARTS = ("cinert", "cvel", "qfrc_actuator", "cfrc_ext")


def only(*included: str) -> dict[str, Any]:
    """Leave out all parts of a humanoid's observation but these: steps of a tenth the size."""
    return {f"include_{name}_in_observation": name in included for name in PARTS}


@dataclass
class Plan:
    """What to record of one environment; the sizes keep every file small."""

    options: dict[str, dict[str, Any]]  # by part
    walk: int = 1000  # steps of the part without options ...
    episode: int = 100  # ... and of its longest episode
    short: int = 40  # steps and longest episode of the parts with options
    places: int = 20
    place: dict[str, Any] = field(default_factory=dict)  # options of the part `place`


PLANS: dict[str, Plan] = {
    "Ant-v5": Plan(
        {
            name: {"include_cfrc_ext_in_observation": name == "contact", **options}
            for name, options in {
                **COMMON,
                **HEALTH,
                "contact": {
                    "contact_cost_weight": 0.01,
                    "contact_force_range": (-0.1, 0.3),
                },
                "height": {"healthy_z_range": (0.5, 0.7)},
                "ankle": {"main_body": 4},
            }.items()
        },
        walk=12,
        episode=8,
        short=9,
        places=4,
    ),
    "HalfCheetah-v5": Plan(COMMON),
    "Hopper-v5": Plan(
        {
            **COMMON,
            **HEALTH,
            "height": {"healthy_z_range": (1.1, 1.27)},
            "angle": {"healthy_angle_range": (-0.05, 0.02)},
            "state": {"healthy_state_range": (-3.0, 3.0)},
        }
    ),
    "Humanoid-v5": Plan(
        {
            **{
                name: {**only(), **options}
                for name, options in {
                    **COMMON,
                    **HEALTH,
                    "contact": {
                        "contact_cost_weight": 1e-3,
                        "contact_cost_range": (0.5, 3.0),
                    },
                    "height": {"healthy_z_range": (1.38, 1.402)},
                }.items()
            },
            **{name: only(name) for name in PARTS},
        },
        walk=3,
        episode=2,
        short=3,
        places=4,
        place=only("cfrc_ext"),
    ),
    "HumanoidStandup-v5": Plan(
        {
            **{
                name: {**only(), **options}
                for name, options in {
                    "with_x": COMMON["with_x"],
                    **FRAMES,
                    "weights": {"uph_cost_weight": 3.0, "ctrl_cost_weight": 0.05},
                    "impact": {
                        "impact_cost_weight": 1e-3,
                        "impact_cost_range": (0.5, 3.0),
                    },
                }.items()
            },
            **{name: only(name) for name in PARTS},
        },
        walk=3,
        episode=2,
        short=3,
        places=4,
        place=only("cfrc_ext"),
    ),
    "InvertedDoublePendulum-v5": Plan(
        {**FRAMES, "reward": {"healthy_reward": 3.0}}, walk=200, episode=40
    ),
    "InvertedPendulum-v5": Plan(FRAMES, walk=300, episode=60),
    "Pusher-v5": Plan(
        {
            **FRAMES,
            "weights": {"reward_near_weight": 0.7, "reward_dist_weight": 1.3},
            "control": {"reward_control_weight": 0.3},
        },
        walk=80,
        episode=40,
        short=20,
    ),
    "Reacher-v5": Plan(
        {
            **FRAMES,
            "weights": {"reward_dist_weight": 1.3, "reward_control_weight": 0.7},
        },
        walk=150,
        episode=50,
    ),
    "Swimmer-v5": Plan(COMMON, walk=200, episode=100),
    "Walker2d-v5": Plan(
        {
            **COMMON,
            **HEALTH,
            "height": {"healthy_z_range": (1.2, 1.26)},
            "angle": {"healthy_angle_range": (-0.1, 0.05)},
        },
        walk=80,
        episode=40,
        short=16,
    ),
}


def random_action(env: Any, random: np.random.Generator) -> Array:
    """Draw an action, one in ten outside of the bounds."""
    scale = 1.5 if random.random() < 0.1 else 1.0
    space = env.action_space
    return (scale * random.uniform(space.low, space.high)).astype(np.float32)


def physics(env: Any) -> Array:
    """Positions, then velocities."""
    return np.concatenate([env.data.qpos, env.data.qvel])


def record(
    env_id: str, options: dict[str, Any], steps: int, longest: int, *, infos: bool
) -> dict[str, Array]:
    """Run one part."""
    places = longest == 1
    env: Any = gymnasium.make(env_id, **options).unwrapped
    random = np.random.default_rng(steps)
    rows: dict[str, list[Any]] = {
        name: []
        for name in ("start", "length", "action", "observation", "reward", "terminated")
    }
    rows["info"] = []
    while len(rows["reward"]) < steps:
        env.reset(seed=len(rows["start"]))
        if places:
            env.set_state(
                env.init_qpos + random.normal(0, 0.4, env.model.nq),
                random.normal(0, 3.0, env.model.nv),
            )
        rows["start"].append(physics(env))
        length, terminated = 0, False
        while not terminated and length < longest:
            action = random_action(env, random)
            observation, reward, terminated, _, info = env.step(action)
            rows["action"].append(action)
            rows["observation"].append(observation)
            rows["reward"].append(np.float64(reward))
            rows["terminated"].append(np.uint8(terminated))
            values = [np.ravel(v) for v in info.values()]
            rows["info"].append(np.concatenate(values, dtype=np.float64))
            length += 1
        rows["length"].append(np.int64(length))
    if not infos:
        del rows["info"]
    return {name: np.stack(values) for name, values in rows.items()}


def native(options: dict[str, Any]) -> str:
    """Spell options as the native side takes them: numbers, pairs as `_low` and `_high`."""
    words = []
    for name, value in options.items():
        pair = isinstance(value, tuple)
        names = (f"{name}_low", f"{name}_high") if pair else (name,)
        numbers = value if pair else (value,)
        words += [f"{n}={float(v)!r}" for n, v in zip(names, numbers, strict=True)]
    return " ".join(words)


def main(chosen: list[str]) -> None:
    """Write one file per environment beside this script, of all or of those chosen."""
    folder = Path(__file__).resolve().parent / "mujoco"
    folder.mkdir(exist_ok=True)
    for env_id in chosen or PLANS:
        plan = PLANS[env_id]
        parts = {
            "walk": record(env_id, {}, plan.walk, plan.episode, infos=False),
            "place": record(env_id, plan.place, plan.places, 1, infos=True),
        }
        options = {"walk": {}, "place": plan.place}
        for name, variant in plan.options.items():
            parts[name] = record(env_id, variant, plan.short, plan.short, infos=True)
            options[name] = variant
        tensors = {
            f"{part}.{name}": array
            for part, columns in parts.items()
            for name, array in columns.items()
        }
        texts = {f"{part}.options": native(o) for part, o in options.items()}
        texts["parts"] = " ".join(parts)
        texts["origin"] = f"gymnasium {gymnasium.__version__}"
        texts["engine"] = mujoco.mj_versionString()
        file = folder / f"{env_id}.safetensors"
        save_file(tensors, file, texts)
        file.chmod(0o644)


if __name__ == "__main__":
    # MuJoCo's Python package leaves a log file in the working folder
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        main(sys.argv[1:])
