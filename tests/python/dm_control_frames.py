"""dm_control's own pictures of states, made in a process of their own (see gymnasium_frames.py).

    python dm_control_frames.py STATES.npz FRAMES.npz

STATES holds (qpos, qvel, act) under each id; FRAMES holds a picture for each, by the first camera.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from dm_control import suite


def frame(env_id: str, state: Any) -> Any:
    """Draw one state."""
    domain, _, task = env_id.removeprefix("dm_control/").partition("-")
    physics = suite.load(domain, task, task_kwargs={"random": 1}).physics
    with physics.reset_context():
        physics.set_state(state)
    return physics.render(height=240, width=320, camera_id=0)


def main() -> None:
    """Read the states, write the pictures."""
    states = np.load(sys.argv[1])
    np.savez(sys.argv[2], **{key: frame(key, states[key]) for key in states.files})


if __name__ == "__main__":
    main()
