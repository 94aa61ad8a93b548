"""Gymnasium's own pictures of MuJoCo states, made in a process of their own.

    python gymnasium_frames.py STATES.npz FRAMES.npz

OpenGL for Python is chosen once per process and by whoever comes first, hence the process. STATES
holds ``<id>`` (positions, then velocities) and ``<id>/camera`` (a name, or nothing) for each
picture; FRAMES holds a picture for each.
"""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np

SIZE = {"width": 240, "height": 200}


def frame(env_id: str, state: Any, camera: str) -> Any:
    """Draw one state."""
    options = {"camera_name": camera} if camera else {}
    env = gymnasium.make(
        env_id, render_mode="rgb_array", disable_env_checker=True, **SIZE, **options
    )
    env.reset(seed=0)
    core: Any = env.unwrapped
    # The free camera looks at the middle of what is there when the first picture is taken. Not at
    # init_qpos: Pusher's reset writes into that.
    core.set_state(core.model.qpos0, np.zeros(core.model.nv))
    core.render()
    core.set_state(state[: core.model.nq], state[core.model.nq :])
    core.mujoco_renderer.viewer.make_context_current()
    picture = core.render()
    env.close()
    return picture


def main() -> None:
    """Read the states, write the pictures."""
    states, frames = np.load(sys.argv[1]), {}
    for key in states.files:
        if not key.endswith("/camera"):
            env_id = key.partition(" ")[0]
            frames[key] = frame(env_id, states[key], str(states[f"{key}/camera"]))
    np.savez(sys.argv[2], **frames)


if __name__ == "__main__":
    main()
