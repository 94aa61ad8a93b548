"""Pictures of goal tasks on MuJoCo against those of the originals of the same states and goals."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium
import mujoco
import numpy as np
import palaestra
import pytest
from goal_frames import ACTIONS
from gymnasium_frames import view_as_text, view_from_text
from oracles import GOAL_IDS, ours
from original_frames import beside_originals, check_same_pixels

#: all that have an engine
IDS = [i for i in GOAL_IDS if palaestra.spec(i).engine]
PLACE = {
    "distance": 1.5,
    "azimuth": 40.0,
    "elevation": -30.0,
    "lookat": [1.3, 0.7, 0.4],
}
FLAGS = {mujoco.mjtVisFlag.mjVIS_JOINT: True}
SMALL = {"width": 240, "height": 200}
#: one of each
KINDS = [
    "FetchPush-v4",
    "PointMaze_UMaze-v3",
    "AntMaze_UMaze-v4",
    "pointmaze-medium-v0",
    "antmaze-medium-v0",
]
#: the default camera and size of one of each kind; options
VIEWS: list[tuple[str, dict[str, Any]]] = [
    ("FetchPush-v4", {}),
    ("FetchReach-v4", SMALL),
    ("FetchSlide-v4", SMALL),
    ("FetchPickAndPlace-v4", SMALL | {"default_camera_config": PLACE}),
    ("PointMaze_UMaze-v3", {}),
    ("PointMaze_Large-v3", SMALL | {"visual_options": FLAGS}),
    ("AntMaze_Medium-v4", {}),
    ("AntMaze_UMaze-v4", SMALL | {"camera_name": "track"}),
    ("pointmaze-medium-v0", {}),
    ("antmaze-giant-v0", SMALL),
    ("antmaze-medium-v0", SMALL | {"camera_name": "back"}),
]
TEXTS = [view_as_text(env_id, options) for env_id, options in VIEWS]


def bring_into_the_picture(core: Any) -> Any:
    """Put an ant where AntMaze's default camera looks, the middle, and its goal beside it."""
    place = np.array(core.qpos)
    place[:2] = (1.0, 0.5)
    core.set_state(place, np.array(core.qvel))
    core.goal = np.array([-1.0, 0.5])
    return core.goal


def drawn(env_id: str, options: dict[str, Any]) -> tuple[Any, Any]:
    """Return the state for the original, with its goal, and our picture."""
    env = ours(env_id, render_mode="rgb_array", **options)
    core: Any = env.unwrapped
    env.reset(seed=5)
    if "Fetch" not in env_id:
        env.action_space.seed(5)
        for _ in range(12):
            env.step(env.action_space.sample())
        if "AntMaze" in env_id:
            bring_into_the_picture(core)
    state = np.concatenate([core.qpos, core.qvel, core.goal])
    if "Fetch" in env_id:
        for action in ACTIONS:
            env.step(action)
    picture = env.render()
    env.close()
    return state, picture


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Our picture and the original's of every view."""
    folder = tmp_path_factory.mktemp("frames")
    states, mine = {}, {}
    for key, (env_id, options) in zip(TEXTS, VIEWS, strict=True):
        states[key], mine[key] = drawn(env_id, options)
    return beside_originals("goal_frames.py", states, mine, folder)


@pytest.mark.parametrize("view", TEXTS)
def test_pictures_are_those_of_the_original(frames: dict[str, Any], view: str) -> None:
    """The same pixels."""
    mine, theirs = frames[view]
    env_id, options = view_from_text(view)
    side = 200 if "maze-" in env_id else 480
    size = options.get("height", side), options.get("width", side), 3
    assert mine.shape == theirs.shape == size
    check_same_pixels(mine, theirs)


@pytest.mark.parametrize("env_id", KINDS)
def test_the_mark_is_where_the_goal_is(env_id: str) -> None:
    """Another goal changes some of the picture, and back again changes all of it back."""
    options: dict[str, Any] = {"width": 200, "height": 200}
    if "AntMaze" in env_id:  # whose own camera sees but the middle
        options["default_camera_config"] = {"distance": 50.0, "elevation": -80.0}
    env = ours(env_id, render_mode="rgb_array", **options)
    env.reset(seed=1)
    core: Any = env.unwrapped
    goal = np.array(core.goal)
    before = env.render()
    core.goal = goal + 0.3
    moved = env.render()
    changed = (before != moved).any(axis=2).mean()
    assert 1e-4 < changed < 0.2
    core.goal = goal
    np.testing.assert_array_equal(env.render(), before)
    env.close()


@pytest.mark.parametrize("env_id", KINDS)
def test_drawing_changes_nothing(env_id: str) -> None:
    """Two rows, one batch drawn after each step and one never: the same bits."""
    seen = palaestra.make_vec(env_id, 2, seed=1, width=64, height=48)
    unseen = palaestra.make_vec(env_id, 2, seed=1)
    seen.reset()
    unseen.reset()
    actions = np.full((2, *seen.action_space.shape[-1:]), 0.7, np.float32)
    for _ in range(4):
        first, second = seen.render()
        assert first.shape == (48, 64, 3)
        assert (first != second).any()
        for a, b in zip(seen.step(actions)[:2], unseen.step(actions)[:2], strict=True):
            parts = a.keys() if isinstance(a, dict) else [...]
            for part in parts:
                np.testing.assert_array_equal(a[part], b[part])
        np.testing.assert_array_equal(seen.get_physics(1), unseen.get_physics(1))


@pytest.mark.parametrize("env_id", IDS)
def test_pictures_per_second_are_those_of_the_original(env_id: str) -> None:
    """As the metadata of its class say, whatever a step takes; OGBench's are of the agent's."""
    if env_id[0].islower():
        agent = importlib.import_module(
            f"ogbench.locomaze.{env_id.partition('maze')[0]}"
        )
        original = vars(agent)["AntEnv" if env_id.startswith("ant") else "PointEnv"]
    else:
        module, _, name = str(gymnasium.registry[env_id].entry_point).partition(":")
        original = vars(importlib.import_module(module))[name]
    assert palaestra.spec(env_id).render_fps == original.metadata["render_fps"]


def test_bad_views_are_refused() -> None:
    """Sizes out of range, unknown cameras; where they are made, not at the first picture."""
    with pytest.raises(palaestra.UserError, match=r"width is 0; accepted: 1"):
        palaestra.make_vec("FetchPush-v4", 1, width=0)
    with pytest.raises(palaestra.UserError, match=r'did you mean "track"'):
        palaestra.make_vec("AntMaze_UMaze-v4", 1, camera_name="trak")
    with pytest.raises(palaestra.UserError, match="this model has no camera"):
        palaestra.make_vec("PointMaze_UMaze-v3", 1, camera_name="track")
    with pytest.raises(palaestra.UserError, match="this model has no camera"):
        palaestra.make_vec("pointmaze-medium-v0", 1, camera_name="back")
    with pytest.raises(palaestra.UserError, match=r'did you mean "lidar"'):
        palaestra.make_vec("FetchPush-v4", 1, camera_name="lidat")
    with pytest.raises(palaestra.UserError, match=r"camera_id is 1; accepted: -1 to 0"):
        palaestra.make_vec("antmaze-medium-v0", 1, camera_id=1)
