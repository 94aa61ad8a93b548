"""Pictures of the classic tasks against Gymnasium's own, pixel by pixel."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from oracles import CLASSIC_IDS

Frame = npt.NDArray[np.uint8]


def pair(env_id: str) -> tuple[gymnasium.Env[Any, Any], gymnasium.Env[Any, Any]]:
    """Ours and the original, both drawing."""
    mine = gymnasium.make(f"palaestra/{env_id}", render_mode="rgb_array")
    return mine, gymnasium.make(env_id, render_mode="rgb_array")


def both(env_id: str, seed: int, steps: int) -> tuple[Frame, Frame]:
    """Draw one state that both are in, reached by random actions of ours."""
    mine, theirs = pair(env_id)
    mine.reset(seed=seed)
    theirs.reset(seed=seed)
    theirs.unwrapped.state = np.array(mine.unwrapped.state)
    mine.action_space.seed(seed)
    for _ in range(steps):
        action = mine.action_space.sample()
        done = mine.step(action)[2]
        theirs.step(action)
        if done:
            break
    return mine.render(), theirs.render()


def agreement(a: Frame, b: Frame, color: Frame) -> float:
    """Of the pixels that are of one colour in `a`, the share that is (within 64) in `b`."""
    exact = (a == color).all(axis=2)
    near = np.abs(b.astype(int) - color).max(axis=2) <= 64
    return float(near[exact].mean())


def compare(mine: Frame, theirs: Frame) -> None:
    """Nearly the same pixels, and every colour in its place."""
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype == np.uint8
    difference = np.abs(mine.astype(int) - theirs.astype(int))
    assert difference.mean() < 0.3
    assert (difference.max(axis=2) > 128).mean() < 2e-4
    colors, counts = np.unique(theirs.reshape(-1, 3), axis=0, return_counts=True)
    assert (counts >= 100).sum() >= 2
    for color, count in zip(colors, counts, strict=True):
        if count >= 100:
            assert agreement(theirs, mine, color) > 0.97, color
            assert agreement(mine, theirs, color) > 0.97, color


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
@pytest.mark.parametrize(("seed", "steps"), [(0, 0), (1, 9), (2, 40)])
def test_pictures_are_those_of_the_original(env_id: str, seed: int, steps: int) -> None:
    """Same size, geometry and colours; pygame's edges are half a pixel here and there."""
    compare(*both(env_id, seed, steps))


@pytest.mark.parametrize("torque", [2.0, -1.3])
def test_the_arrow_of_the_pendulum_shows_the_torque(torque: float) -> None:
    """Its size and direction: the original blends a drawing in, ours has the same outline."""
    mine, theirs = pair("Pendulum-v1")
    for env in (mine, theirs):
        env.reset(seed=0)
        env.unwrapped.state = np.array([0.5, 0.0])
        env.step(np.array([torque], np.float32))
    frames = [env.render() for env in (mine, theirs)]
    dark = [(f.max(axis=2) < 100).astype(float) for f in frames]
    assert dark[1].sum() > 400
    shared = np.minimum(*dark).sum() / np.maximum(*dark).sum()
    mirrored = np.minimum(dark[0][:, ::-1], dark[1]).sum() / dark[1].sum()
    assert shared > 0.6
    assert mirrored < 0.5
    assert np.abs(frames[0].astype(int) - frames[1].astype(int)).mean() < 1
