"""Pictures through Gymnasium's interfaces, over every environment that draws."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium.utils.env_checker import check_env

DRAWING = [i for i in palaestra.env_ids() if palaestra.spec(i).render_fps > 0]
#: one of each kind of drawing
KINDS = ["CartPole-v1", "FrozenLake-v1", "Gambling-v0", "Reacher-v5"]


def make(env_id: str, **keywords: Any) -> Any:
    """Ours, as users make it."""
    return gymnasium.make(f"palaestra/{env_id}", **keywords)


@pytest.mark.parametrize("env_id", DRAWING)
def test_metadata_are_those_of_the_original(env_id: str) -> None:
    """Modes, and pictures per second where the original has them."""
    spec = palaestra.spec(env_id)
    assert 1 <= spec.render_fps <= 1000
    if spec.origin.startswith("gymnasium ") and env_id in gymnasium.registry:
        env = gymnasium.make(env_id, disable_env_checker=True)
        assert spec.render_fps == env.metadata["render_fps"]
        env.close()


@pytest.mark.parametrize("env_id", KINDS)
def test_the_checker_of_gymnasium_is_content(env_id: str) -> None:
    """With pictures, too; it makes an environment for each mode."""
    env = make(env_id, render_mode="rgb_array")
    assert env.metadata["render_modes"] == ["rgb_array"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*Box observation space.*")
        warnings.filterwarnings("ignore", message=".*Box action space.*")
        warnings.filterwarnings("ignore", message=".*not within the action space.*")
        check_env(env.unwrapped, skip_render_check=False)


@pytest.mark.parametrize("env_id", KINDS)
def test_a_picture_is_of_the_state_alone(env_id: str) -> None:
    """The same state gives the same pixels, in any environment and whatever was drawn before."""
    env = make(env_id, render_mode="rgb_array")
    env.reset(seed=3)
    env.action_space.seed(3)
    first = env.render()
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    assert first.flags.owndata and first.flags.writeable
    for _ in range(1 if env_id == "Gambling-v0" else 6):
        env.step(env.action_space.sample())
    second = env.render()
    other = make(env_id, render_mode="rgb_array")
    other.reset(seed=3)
    np.testing.assert_array_equal(other.render(), first)
    np.testing.assert_array_equal(env.render(), second)
    if env_id != "FrozenLake-v1":  # where a step may lead nowhere
        assert (first != second).any()


@pytest.mark.parametrize("env_id", KINDS)
def test_many_environments_draw_a_picture_each(env_id: str) -> None:
    """As Gymnasium's own vector environments do; row i is the single one seeded with s + i."""
    many = gymnasium.make_vec(f"palaestra/{env_id}", 3, render_mode="rgb_array")
    assert many.render_mode == "rgb_array"
    assert many.metadata["render_fps"] == palaestra.spec(env_id).render_fps
    many.reset(seed=7)
    frames = many.render()
    assert isinstance(frames, tuple) and len(frames) == 3
    for row, frame in enumerate(frames):
        one = make(env_id, render_mode="rgb_array")
        one.reset(seed=7 + row)
        np.testing.assert_array_equal(one.render(), frame)


def test_without_a_mode_there_is_no_picture() -> None:
    """None and a warning, as in Gymnasium."""
    env = make("CartPole-v1")
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.unwrapped.render() is None
    many = gymnasium.make_vec("palaestra/CartPole-v1", 2)
    many.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert many.render() is None


def test_gymnasium_collects_and_records(tmp_path: Any) -> None:
    """Its list mode and a wrapper that needs pictures per second."""
    env = make("CartPole-v1", render_mode="rgb_array_list")
    env.reset(seed=0)
    env.step(0)
    env.step(0)
    assert len(env.render()) == 3
    with pytest.raises(palaestra.UserError, match="outside the batch"):
        palaestra.make_vec("CartPole-v1", 2).render([2])
    batch = palaestra.make_vec("CartPole-v1", 2)
    batch.close()
    with pytest.raises(palaestra.UserError, match="close"):
        batch.render()


def test_the_picture_shows_where_things_are() -> None:
    """A cart to the right is drawn to the right; a fallen one outside draws nothing odd."""
    env = make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    columns = []
    for x in (-1.2, 0.0, 1.2):
        env.unwrapped.state = [x, 0, 0, 0]
        black = (env.render() == 0).all(axis=2)[
            285:299
        ]  # rows of the cart, above the track
        columns.append(np.flatnonzero(black.any(axis=0)).mean())
    np.testing.assert_allclose(np.diff(columns), 150, atol=1.5)  # 1.2 m of 4.8 in 600
    for state in ([1e12, 0, 0, 0], [-1e300, 0, 1e300, 0]):
        env.unwrapped.state = state
        picture = env.render()
        assert (picture[:280] == 255).all()
