"""EnvPool's environments beside ours: the same shapes and, from the same state, the same steps."""

from __future__ import annotations

from collections.abc import Callable

import envpool
import numpy as np
import numpy.typing as npt
import palaestra
import pytest

Array = npt.NDArray[np.float64]
ROWS, STEPS = 16, 150


def pendulum_state(observation: Array) -> Array:
    """Angle and velocity from cosine, sine and velocity."""
    angle = np.arctan2(observation[:, 1], observation[:, 0])
    return np.stack([angle, observation[:, 2]], axis=1)


@pytest.mark.parametrize(
    ("env_id", "state_of", "tolerance"),
    [
        ("CartPole-v1", np.asarray, 2e-6),
        ("MountainCar-v0", np.asarray, 2e-7),
        ("MountainCarContinuous-v0", np.asarray, 2e-7),
        ("Pendulum-v1", pendulum_state, 1e-5),
    ],
)
def test_steps_agree_with_envpool(
    env_id: str, state_of: Callable[[Array], Array], tolerance: float
) -> None:
    """Our rows are put into the states it shows (single precision) before each step."""
    pool = envpool.make(env_id, env_type="gymnasium", num_envs=ROWS, seed=1)
    mine = palaestra.make_vec(env_id, ROWS, autoreset_mode="Disabled")
    theirs, _ = pool.reset()
    observation, _ = mine.reset(seed=0)
    assert theirs.shape == observation.shape
    assert theirs.dtype == observation.dtype
    random = np.random.default_rng(0)
    compared = 0
    ended = np.zeros(ROWS, bool)
    for _ in range(STEPS):
        mine.reset()
        for row, state in enumerate(state_of(theirs.astype(np.float64))):
            mine.set_physics(row, state)
        if env_id in ("CartPole-v1", "MountainCar-v0"):
            actions = random.integers(2, size=ROWS)
        else:
            bound = mine.single_action_space.high[0]
            actions = random.uniform(-bound, bound, (ROWS, 1)).astype(np.float32)
        fresh = ended  # this step of EnvPool only resets those rows
        theirs, reward, terminated, truncated, _ = pool.step(actions)
        ended = terminated | truncated
        going = ~fresh & ~truncated
        if env_id == "Pendulum-v1":
            # at its largest velocity EnvPool moves the angle by the velocity before clipping,
            # Gymnasium (tests/python/test_classic_oracle.py) by the one after
            going &= np.abs(theirs[:, 2]) < 8
        after, my_reward, my_terminated, _, _ = mine.step(actions)
        np.testing.assert_allclose(after[going], theirs[going], atol=tolerance, rtol=0)
        np.testing.assert_allclose(my_reward[going], reward[going], atol=1e-4)
        np.testing.assert_array_equal(my_terminated[going], terminated[going])
        compared += int(going.sum())
    assert compared > 0.8 * ROWS * STEPS
