"""Pictures of MuJoCo tasks against Gymnasium's renderer on the same states."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
import palaestra
import pytest
from gymnasium_frames import SIZE, view_as_text, view_from_text
from oracles import MUJOCO_IDS, ours, physics
from original_frames import beside_originals, check_same_pixels

PLACE = {"distance": 3.0, "azimuth": 40.0, "lookat": [0.5, 0.2, 0.3], "trackbodyid": 1}
FLAGS = {mujoco.mjtVisFlag.mjVIS_JOINT: True, mujoco.mjtVisFlag.mjVIS_TRANSPARENT: True}
#: the default camera of all; every option of the renderer
VIEWS: list[tuple[str, dict[str, Any]]] = [
    *((env_id, {}) for env_id in MUJOCO_IDS),
    ("HalfCheetah-v5", {"width": 100, "height": 90}),
    ("HalfCheetah-v5", {"camera_name": "track"}),
    ("Hopper-v5", {"camera_id": 0}),
    ("Ant-v5", {"max_geom": 6}),
    ("Ant-v5", {"visual_options": FLAGS}),
    ("Pusher-v5", {"default_camera_config": PLACE}),
    ("Pusher-v5", {"default_camera_config": {"elevation": -80.0}, "camera_id": -1}),
    ("Swimmer-v5", {"default_camera_config": {"orthographic": 1, "azimuth": 10.0}}),
]
TEXTS = [view_as_text(env_id, options) for env_id, options in VIEWS]


def moved(env_id: str, options: dict[str, Any]) -> Any:
    """One of ours after some random steps, so that nothing is where it began."""
    env = ours(env_id, render_mode="rgb_array", **(SIZE | options))
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
    for key, (env_id, options) in zip(TEXTS, VIEWS, strict=True):
        env = moved(env_id, options)
        states[key] = physics(env)
        mine[key] = env.render()
        env.close()
    return beside_originals("gymnasium_frames.py", states, mine, folder)


@pytest.mark.parametrize("view", TEXTS)
def test_pictures_are_those_of_the_original(frames: dict[str, Any], view: str) -> None:
    """The same pixels."""
    mine, theirs = frames[view]
    size = SIZE | view_from_text(view)[1]
    assert mine.shape == theirs.shape == (size["height"], size["width"], 3)
    check_same_pixels(mine, theirs)


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
    with pytest.raises(palaestra.UserError, match=r"camera_id is 1; accepted: -1 to 0"):
        palaestra.make_vec("Hopper-v5", 1, camera_id=1)
    with pytest.raises(palaestra.UserError, match=r"both given"):
        palaestra.make_vec("Hopper-v5", 1, camera_id=0, camera_name="track")
    with pytest.raises(palaestra.UserError, match=r"lookat has 1 of its 3 numbers"):
        palaestra.make_vec("Hopper-v5", 1, default_camera_config_lookat_1=2.0)
    with pytest.raises(palaestra.UserError, match=r'option "visual_options_99"'):
        palaestra.make_vec("Hopper-v5", 1, visual_options={99: True})
    with pytest.raises(palaestra.UserError, match=r"by names or integers"):
        palaestra.make_vec("Hopper-v5", 1, visual_options={(1, 2): True})
    with pytest.raises(palaestra.UserError, match=r'"default_camera_config_distanc"'):
        palaestra.make_vec("Hopper-v5", 1, default_camera_config={"distanc": 3.0})


def test_options_change_pictures_and_nothing_else(frames: dict[str, Any]) -> None:
    """Each view that is compared above differs from the one without its options."""
    for key, (env_id, options) in zip(TEXTS, VIEWS, strict=True):
        if options and "width" not in options:
            plain = frames[view_as_text(env_id, {})][0]
            difference = np.abs(frames[key][0].astype(int) - plain.astype(int))
            assert difference.mean() > 0.2, key


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
