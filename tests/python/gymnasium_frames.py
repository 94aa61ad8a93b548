"""Gymnasium's own pictures of MuJoCo states, made in a process of their own.

    python gymnasium_frames.py STATES.npz FRAMES.npz

OpenGL for Python is chosen once per process and by whoever comes first, hence the process. STATES
holds positions, then velocities, for each picture, under an id and its options (`view_as_text`);
FRAMES holds a picture for each.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gymnasium
import numpy as np

SIZE = {"width": 240, "height": 200}


def view_as_text(env_id: str, options: dict[str, Any]) -> str:
    """Name a picture by its id and options."""
    flags = options.get("visual_options")
    if flags:
        options = options | {"visual_options": {int(k): v for k, v in flags.items()}}
    return f"{env_id} {json.dumps(options)}"


def view_from_text(text: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the options of `view_as_text`, in the types that Gymnasium takes."""
    env_id, _, words = text.partition(" ")
    options = json.loads(words)
    if "visual_options" in options:
        options["visual_options"] = {
            int(k): v for k, v in options["visual_options"].items()
        }
    place = options.get("default_camera_config", {})
    if "lookat" in place:
        place["lookat"] = np.array(place["lookat"])
    return env_id, options


def frame(view: str, state: Any) -> Any:
    """Draw one state."""
    env_id, options = view_from_text(view)
    env = gymnasium.make(
        env_id,
        render_mode="rgb_array",
        disable_env_checker=True,
        **(SIZE | options),
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
        frames[key] = frame(key, states[key])
    np.savez(sys.argv[2], **frames)


if __name__ == "__main__":
    main()
