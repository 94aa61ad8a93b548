"""Pictures that an original draws of given states, in a process of its own, beside ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np


def beside_originals(
    script: str, states: dict[str, Any], mine: dict[str, Any], folder: Path
) -> dict[str, tuple[Any, Any]]:
    """Let a script of this folder draw the states; our picture and the original's of each."""
    np.savez(folder / "states.npz", **states)
    subprocess.run(
        [
            *(sys.executable, Path(__file__).parent / script),
            *(folder / "states.npz", folder / "frames.npz"),
        ],
        cwd=folder,
        env={**os.environ, "MUJOCO_GL": "egl"},
        check=True,
        capture_output=True,
    )
    theirs = np.load(folder / "frames.npz")
    return {key: (picture, theirs[key]) for key, picture in mine.items()}


def check_same_pixels(mine: Any, theirs: Any) -> None:
    """A driver may round a little differently from one context to the next."""
    assert theirs.std() > 3  # there is something to see
    difference = np.abs(mine.astype(int) - theirs.astype(int))
    assert difference.mean() < 0.05
    assert (difference > 8).mean() < 0.001
