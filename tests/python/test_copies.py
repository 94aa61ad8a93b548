"""Copies of environments: pickle, deepcopy, other processes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from oracles import IDS, info_equal, ours, random_action

every_id = pytest.mark.parametrize("env_id", IDS)
every_way = pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]
)
Copy = Callable[[Any], Any]


@every_id
@every_way
def test_a_copied_environment_has_the_same_future(env_id: str, copied: Copy) -> None:
    """In the middle of an episode and over the next resets; the original is left alone."""
    env = ours(env_id)
    env.reset(seed=3)
    random = np.random.default_rng(0)
    for _ in range(5):
        if env.step(random_action(env, random))[2]:
            env.reset()
    other = copied(env)
    assert other.spec == env.spec
    assert other.observation_space == env.observation_space
    for _ in range(2):
        for _ in range(4):
            action = random_action(env, random)
            mine, theirs = env.step(action), other.step(action)
            np.testing.assert_array_equal(mine[0], theirs[0])
            assert mine[1:4] == theirs[1:4]
            assert info_equal(mine[4], theirs[4], 0.0)
            if mine[2]:
                break
        np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


@every_id
@every_way
def test_a_copied_batch_has_the_same_future(env_id: str, copied: Copy) -> None:
    """The native door and Gymnasium's, through automatic resets."""
    native = palaestra.make_vec(
        env_id, 4, seed=1, max_episode_steps=6, autoreset_mode="SameStep", threads=1
    )
    vector = gymnasium.make_vec(f"palaestra/{env_id}", 4, max_episode_steps=6)
    for env in (native, vector):
        env.reset(seed=5)
        env.action_space.seed(0)
        for _ in range(4):
            env.step(env.action_space.sample())
        other = copied(env)
        for _ in range(12):
            actions = env.action_space.sample()
            for a, b in zip(
                env.step(actions)[:4], other.step(actions)[:4], strict=True
            ):
                np.testing.assert_array_equal(a, b)


@every_way
def test_a_copy_of_a_closed_environment_is_closed(copied: Copy) -> None:
    """Nothing comes back to life."""
    native, env = palaestra.make_vec("CartPole-v1", 3), ours("CartPole-v1").unwrapped
    native.close()
    env.close()
    assert copied(native).closed
    with pytest.raises(palaestra.UserError, match="close"):
        copied(env).step(0)


def test_worker_processes_step_environments() -> None:
    """Gymnasium's own vector environments over single ones, in this process and in others."""
    shape = (3, 17)
    for mode, keywords in [
        ("sync", {}),
        ("async", {"vector_kwargs": {"context": "spawn"}}),
    ]:
        envs = gymnasium.make_vec(
            "palaestra:palaestra/HalfCheetah-v5", 3, vectorization_mode=mode, **keywords
        )
        first, _ = envs.reset(seed=7)
        assert first.shape == shape
        assert envs.step(np.zeros((3, 6), np.float32))[0].shape == shape
        envs.close()
        np.testing.assert_array_equal(
            first, palaestra.make_vec("HalfCheetah-v5", 3).reset(seed=7)[0]
        )


def test_states_travel_between_the_vector_forms() -> None:
    """``get_state`` of Gymnasium's form fits the native one and back."""
    vector = gymnasium.make_vec("palaestra/HalfCheetah-v5", 3).unwrapped
    native = palaestra.make_vec("HalfCheetah-v5", 2)
    native.reset(seed=4)
    vector.reset(seed=1)
    vector.set_state([2], native.get_state([1]))
    actions = np.full((3, 6), 0.5, np.float32)
    expected = native.step(actions[:2])[0][1]
    np.testing.assert_array_equal(vector.step(actions)[0][2], expected)
    assert vector.get_state().shape == (3, native.state_bytes)
