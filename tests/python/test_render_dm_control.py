"""Pictures of the DeepMind Control suite against dm_control's own of the same states."""

from __future__ import annotations

from typing import Any

import numpy as np
import palaestra
import pytest
from original_frames import beside_originals
from PIL import Image, ImageFilter

#: one task of each kind of camera whose episodes do not differ in the model
IDS = [
    "dm_control/acrobot-swingup",
    "dm_control/ball_in_cup-catch",
    "dm_control/cartpole-balance",
    "dm_control/cheetah-run",
    "dm_control/humanoid-stand",
    "dm_control/walker-walk",
]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Our picture and the original's of every task, after some steps."""
    folder = tmp_path_factory.mktemp("frames")
    states, mine = {}, {}
    for env_id in IDS:
        env = palaestra.make_vec(env_id, 1, seed=3)
        action = np.full(env.action_space.shape, 0.4, np.float32)
        for _ in range(10):
            env.step(action)
        states[env_id] = env.get_physics(0)
        mine[env_id] = env.render()[0]
    return beside_originals("dm_control_frames.py", states, mine, folder)


@pytest.mark.parametrize("env_id", IDS)
def test_pictures_are_those_of_the_original(
    frames: dict[str, Any], env_id: str
) -> None:
    """Equal pixels where no sky is seen (humanoid); else stars differ, ours being coarser.

    A median of 5 x 5 pixels takes most of them away.
    """
    mine, theirs = frames[env_id]
    assert mine.shape == theirs.shape == (240, 320, 3)
    smooth = [
        np.array(Image.fromarray(f).filter(ImageFilter.MedianFilter(5)))
        for f in (mine, theirs)
    ]
    difference = np.abs(smooth[0].astype(int) - smooth[1]).max(axis=2)
    assert theirs.std() > 3
    assert difference.mean() < 3.5
    assert (difference > 24).mean() < 0.03
    if env_id == "dm_control/humanoid-stand":
        np.testing.assert_array_equal(mine, theirs)


def test_options_and_episodes_of_their_own() -> None:
    """Another camera and size; a target that differs between episodes is where it is."""
    env = palaestra.make_vec("dm_control/cheetah-run", 1, camera_name="back", width=64)
    assert env.render()[0].shape == (240, 64, 3)
    with pytest.raises(palaestra.UserError, match=r'did you mean "back"'):
        palaestra.make_vec("dm_control/cheetah-run", 1, camera_name="bak")
    env = palaestra.make_vec("dm_control/reacher-easy", 2, seed=1)
    first, second = env.render()
    assert (first != second).any()
    np.testing.assert_array_equal(env.render([0])[0], first)
    assert palaestra.spec("dm_control/walker-run").render_fps == 40
    assert palaestra.spec("dm_control/walker-run", action_repeat=2).render_fps == 20
