"""Originals' own pictures of goal tasks, made in a process of their own (gymnasium_frames.py).

    python goal_frames.py STATES.npz FRAMES.npz

STATES holds positions, velocities and the goal, one behind the other, under an id and its options
(`view_as_text`). FRAMES holds a picture for each: of mazes in that state, of Fetch after `ACTIONS`,
since the body that pulls the arm is seen, too, and only a step puts it in its place.
"""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import gymnasium_robotics
import mujoco
import numpy as np
import ogbench  # noqa: F401  (registers its ids)
from fetch_original import mended_joint_types
from gymnasium_frames import view_from_text

gymnasium.register_envs(gymnasium_robotics)
ACTIONS = np.random.default_rng(2).uniform(-1, 1, (8, 4)).astype(np.float32)


def fetch_frame(core: Any, state: Any) -> Any:
    """From this beginning, after `ACTIONS`."""
    nq = core.model.nq
    core.data.qpos[:], core.data.qvel[:] = state[:nq], state[nq:-3]
    core.goal = state[-3:].copy()
    mujoco.mj_forward(core.model, core.data)
    for action in ACTIONS:
        core.step(action)
    return core.render()


def maze_frame(core: Any, state: Any) -> Any:
    """Of a ball or an ant of Gymnasium-Robotics, of which the maze holds the environment."""
    mover = core.point_env if hasattr(core, "point_env") else core.ant_env
    # the free camera looks at the middle of what is there when the first picture is taken
    mover.set_state(core.model.qpos0, np.zeros(core.model.nv))
    core.render()
    core.goal = state[-2:].copy()
    core.update_target_site_pos()
    mover.set_state(state[: core.model.nq], state[core.model.nq : -2])
    mover.mujoco_renderer.viewer.make_context_current()
    return core.render()


def ogbench_frame(core: Any, state: Any) -> Any:
    """Of OGBench's."""
    core.set_goal(goal_xy=state[-2:].copy())
    core.set_state(state[: core.model.nq], state[core.model.nq : -2])
    return core.render()


def frame(view: str, state: Any) -> Any:
    """Draw one state."""
    env_id, options = view_from_text(view)
    env = gymnasium.make(
        env_id, render_mode="rgb_array", disable_env_checker=True, **options
    )
    env.reset(seed=0)
    draw = maze_frame if "Maze_" in env_id else ogbench_frame
    picture = (fetch_frame if "Fetch" in env_id else draw)(env.unwrapped, state)
    env.close()
    return picture


def main() -> None:
    """Read the states, write the pictures."""
    states = np.load(sys.argv[1])
    with mended_joint_types():
        np.savez(sys.argv[2], **{key: frame(key, states[key]) for key in states.files})


if __name__ == "__main__":
    main()
