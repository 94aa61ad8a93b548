"""Pictures of MuJoCo tasks against Gymnasium's renderer on the same states."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium_frames import SIZE
from oracles import MUJOCO_IDS, ours, physics

#: the default camera of all, and a camera of the model where the default stands still
VIEWS = [(env_id, "") for env_id in MUJOCO_IDS] + [("HalfCheetah-v5", "track")]


def moved(env_id: str, camera: str) -> Any:
    """One of ours after some random steps, so that nothing is where it began."""
    options = {"camera_name": camera} if camera else {}
    env = ours(env_id, render_mode="rgb_array", **SIZE, **options)
    env.reset(seed=5)
    env.action_space.seed(5)
    for _ in range(12):
        if env.step(env.action_space.sample())[2]:
            break
    return env


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Our picture and Gymnasium's of every view."""
    folder = tmp_path_factory.mktemp("frames")
    states: dict[str, Any] = {}
    mine = {}
    for env_id, camera in VIEWS:
        env = moved(env_id, camera)
        key = f"{env_id} {camera}"
        states[key], states[f"{key}/camera"] = physics(env), camera
        mine[key] = env.render()
        env.close()
    np.savez(folder / "states.npz", **states)
    script = Path(__file__).parent / "gymnasium_frames.py"
    environment = {**os.environ, "MUJOCO_GL": "egl"}
    subprocess.run(
        [sys.executable, script, folder / "states.npz", folder / "frames.npz"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    theirs = np.load(folder / "frames.npz")
    return {key: (picture, theirs[key]) for key, picture in mine.items()}


@pytest.mark.parametrize(("env_id", "camera"), VIEWS)
def test_pictures_are_those_of_the_original(
    frames: dict[str, Any], env_id: str, camera: str
) -> None:
    """The same pixels. A driver may round a little differently from one context to the next."""
    mine, theirs = frames[f"{env_id} {camera}"]
    assert mine.shape == theirs.shape == (SIZE["height"], SIZE["width"], 3)
    assert theirs.std() > 3  # there is something to see
    difference = np.abs(mine.astype(int) - theirs.astype(int))
    assert difference.mean() < 0.05
    assert (difference > 8).mean() < 0.001


def test_rows_have_pictures_of_their_own() -> None:
    """Each row is drawn from its state, whatever was drawn before, and drawing changes nothing."""
    envs = palaestra.make_vec("Reacher-v5", 3, seed=1, width=64, height=48)
    envs.reset()
    first = envs.render()
    assert [frame.shape for frame in first] == [(48, 64, 3)] * 3
    assert (first[0] != first[1]).any()
    again = envs.render([2, 0])
    np.testing.assert_array_equal(again[0], first[2])
    np.testing.assert_array_equal(again[1], first[0])

    undrawn = palaestra.make_vec("Reacher-v5", 3, seed=1)
    undrawn.reset()
    actions = np.full((3, 2), 0.3, np.float32)
    for _ in range(5):
        drawn = envs.step(actions)[0]
        envs.render()
        np.testing.assert_array_equal(drawn, undrawn.step(actions)[0])


def test_bad_views_are_refused() -> None:
    """Sizes out of range, unknown cameras."""
    with pytest.raises(palaestra.UserError, match=r"width is 0; accepted: 1"):
        palaestra.make_vec("Hopper-v5", 1, width=0)
    with pytest.raises(palaestra.UserError, match=r'did you mean "track"'):
        palaestra.make_vec("Hopper-v5", 1, camera_name="trak")
    with pytest.raises(palaestra.UserError, match="this model has no camera"):
        palaestra.make_vec("Reacher-v5", 1, camera_name="track")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MUJOCO_GL": "glfw"}, 'MUJOCO_GL is "glfw"; accepted here: egl, osmesa'),
        ({"MUJOCO_GL": "egl", "MUJOCO_EGL_DEVICE_ID": "99"}, "MUJOCO_EGL_DEVICE_ID"),
        # what a machine without graphics libraries says: the loader finds others of their names
        ({"LD_LIBRARY_PATH": "."}, "apt install libegl1 libgl1-mesa-dri"),
    ],
)
def test_without_opengl_the_message_says_what_to_do(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    """A picture is refused; everything else works."""
    code = (
        "import palaestra\n"
        "envs = palaestra.make_vec('Reacher-v5', 1)\n"
        "envs.reset()\n"
        "envs.step([[0, 0]])\n"
        "try:\n"
        "    envs.render()\n"
        "except palaestra.UserError as error:\n"
        "    print(error)\n"
    )
    if "LD_LIBRARY_PATH" in variables:
        variables = {"LD_LIBRARY_PATH": str(tmp_path)}
        for name in ("libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"):
            (tmp_path / name).write_bytes(b"no library")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MUJOCO_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert message in done.stdout


def test_a_closed_batch_lets_its_context_go() -> None:
    """Many batches one after another, and an environment drawn from a second thread."""
    for _ in range(5):
        env = gymnasium.make("palaestra/InvertedPendulum-v5", render_mode="rgb_array")
        env.reset(seed=0)
        first = env.render()
        env.close()
    env = gymnasium.make("palaestra/InvertedPendulum-v5", render_mode="rgb_array")
    env.reset(seed=0)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        frames = [pool.submit(env.render).result() for _ in range(3)]
    for frame in frames:
        np.testing.assert_array_equal(frame, first)
