"""The three automatic resets, step by step beside Gymnasium's SyncVectorEnv of the original."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from oracles import IDS, original, physics, set_physics

ROWS, STEPS, LIMIT = 5, 400, 23
TOLERANCE = 1e-9
MODES = list(AutoresetMode)


def make_both(env_id: str, mode: AutoresetMode) -> tuple[Any, SyncVectorEnv]:
    """Our vector form, and the original's under Gymnasium's own runner."""
    mine = gymnasium.make_vec(
        f"palaestra/{env_id}",
        ROWS,
        max_episode_steps=LIMIT,
        autoreset_mode=mode,
        threads=1,
    )
    theirs = SyncVectorEnv(
        [lambda: original(env_id, max_episode_steps=LIMIT)] * ROWS, autoreset_mode=mode
    )
    return mine, theirs


def follow(mine: Any, theirs: SyncVectorEnv, rows: Any) -> None:
    """Put the original's rows, which drew their own first states, into ours."""
    for row in np.flatnonzero(rows):
        set_physics(theirs.envs[row], mine.native.get_physics(int(row)))


def compare_infos(
    mine: dict[str, Any], theirs: dict[str, Any], fresh: np.ndarray, tolerance: float
) -> None:
    """Equal keys and masks; equal numbers except in rows whose first state was drawn anew."""
    assert mine.keys() == theirs.keys()
    for key, expected in theirs.items():
        actual = mine[key]
        if key == "final_info":
            compare_infos(actual, expected, np.zeros(ROWS, bool), tolerance)
        elif key == "final_obs":
            assert [a is None for a in actual] == [e is None for e in expected]
            for a, e in zip(actual, expected, strict=True):
                if e is not None:
                    assert a.dtype == e.dtype
                    np.testing.assert_allclose(a, e, rtol=0, atol=max(tolerance, 5e-7))
        elif key.startswith("_"):
            assert actual.dtype == np.bool_
            np.testing.assert_array_equal(actual, expected, err_msg=key)
        else:
            assert (
                actual.dtype == np.float64
            )  # the original's are float32 where NumPy made them so
            np.testing.assert_allclose(
                actual[~fresh], expected[~fresh], rtol=0, atol=tolerance, err_msg=key
            )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("env_id", IDS)
def test_a_long_rollout_agrees_with_gymnasium(env_id: str, mode: AutoresetMode) -> None:
    """Observations, rewards, flags, infos and masks, through hundreds of episode ends."""
    mine, theirs = make_both(env_id, mode)
    assert mine.metadata["autoreset_mode"] is mode
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    everything = np.ones(ROWS, bool)
    _, expected_infos = theirs.reset(seed=0)
    _, infos = mine.reset(seed=0)
    compare_infos(infos, expected_infos, everything, TOLERANCE)
    follow(mine, theirs, everything)

    mine.action_space.seed(0)
    ended, ends = np.zeros(ROWS, bool), 0
    for _ in range(STEPS):
        actions = mine.action_space.sample()
        if mode is AutoresetMode.DISABLED and ended.any():
            _, expected_infos = theirs.reset(options={"reset_mask": ended.copy()})
            _, infos = mine.reset(options={"reset_mask": ended.copy()})
            compare_infos(infos, expected_infos, ended, TOLERANCE)
            follow(mine, theirs, ended)
        fresh = ended if mode is AutoresetMode.NEXT_STEP else np.zeros(ROWS, bool)
        expected, actual = theirs.step(actions), mine.step(actions)
        ended = actual[2] | actual[3]
        ends += int(ended.sum())
        if mode is AutoresetMode.SAME_STEP:
            fresh = ended
        for name, a, e in zip(
            ("observation", "reward", "terminated", "truncated"),
            actual,
            expected,
            strict=False,
        ):
            assert a.dtype == e.dtype, name
            rows = ~fresh if name == "observation" else everything
            np.testing.assert_allclose(
                a[rows],
                e[rows],
                rtol=0,
                atol=5e-7 if a.dtype == np.float32 else TOLERANCE,
            )
        compare_infos(actual[4], expected[4], fresh, TOLERANCE)
        follow(mine, theirs, fresh)
    assert ends >= ROWS * (STEPS // (LIMIT + 1))


@pytest.mark.parametrize("mode", MODES)
def test_arrays_are_copies_by_default(mode: AutoresetMode) -> None:
    """Nothing that was handed out changes later; with ``copy=False`` observations do."""
    env = gymnasium.make_vec("palaestra/Pendulum-v1", 2, autoreset_mode=mode)
    first, _ = env.reset(seed=0)
    kept = first.copy()
    out = env.step(np.ones((2, 1), np.float32))
    saved = [a.copy() for a in out[:4]]
    env.step(-np.ones((2, 1), np.float32))
    np.testing.assert_array_equal(first, kept)
    for a, b in zip(out[:4], saved, strict=True):
        np.testing.assert_array_equal(a, b)
    live = gymnasium.make_vec("palaestra/Pendulum-v1", 2, copy=False)
    view, _ = live.reset(seed=0)
    assert live.step(np.ones((2, 1), np.float32))[0] is view


def test_disabled_mode_refuses_a_finished_row() -> None:
    """The caller resets; forgetting it is an error, and a masked reset mends it."""
    env = palaestra.make_vec("CartPole-v1", 3, autoreset_mode="Disabled", seed=1)
    env.reset()
    push = np.array([0, 1, 0])
    ended = np.zeros(3, bool)
    while not ended.any():
        ended = env.step(push)[2].copy()
    with pytest.raises(palaestra.UserError, match="finished its episode"):
        env.step(push)
    env.reset(options={"reset_mask": ended})
    env.step(push)


def test_reset_must_come_first() -> None:
    """Gymnasium's own exception, for a step and for a partial reset."""
    env = gymnasium.make_vec("palaestra/CartPole-v1", 2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, np.int64))
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.reset(options={"reset_mask": np.array([True, False])})


def test_seeds_are_those_of_single_environments() -> None:
    """Row i of ``reset(seed=s)`` is a single environment's ``reset(seed=s + i)``."""
    env = gymnasium.make_vec("palaestra/Acrobot-v1", 3)
    observation, _ = env.reset(seed=5)
    assert env.np_random_seed == 5
    single = gymnasium.make("palaestra/Acrobot-v1")
    for row in range(3):
        np.testing.assert_array_equal(observation[row], single.reset(seed=5 + row)[0])
    unseeded = [
        gymnasium.make_vec("palaestra/Acrobot-v1", 3).reset()[0] for _ in range(2)
    ]
    assert not np.array_equal(*unseeded)
    assert len(np.unique(unseeded[0], axis=0)) == 3


def test_worker_processes_work() -> None:
    """Gymnasium's AsyncVectorEnv runs our single form in forked processes."""
    env = gymnasium.make_vec("palaestra/Pendulum-v1", 2, vectorization_mode="async")
    try:
        observation, _ = env.reset(seed=1)
        inline = gymnasium.make_vec("palaestra/Pendulum-v1", 2)
        np.testing.assert_array_equal(observation, inline.reset(seed=1)[0])
        action = np.ones((2, 1), np.float32)
        np.testing.assert_array_equal(env.step(action)[0], inline.step(action)[0])
    finally:
        env.close()


def test_gymnasium_wrappers_and_the_sync_runner_work() -> None:
    """Our single form under SyncVectorEnv, our vector form under a vector wrapper."""
    sync = gymnasium.make_vec("palaestra/CartPole-v1", 3, vectorization_mode="sync")
    native = gymnasium.make_vec("palaestra/CartPole-v1", 3)
    wrapped = gymnasium.wrappers.vector.RecordEpisodeStatistics(native)
    first, _ = sync.reset(seed=4)
    second, _ = wrapped.reset(seed=4)
    np.testing.assert_array_equal(first, second)
    native.action_space.seed(0)
    episodes = 0
    for _ in range(300):
        actions = native.action_space.sample()
        a, b = sync.step(actions), wrapped.step(actions)
        for left, right in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(left, right)
        episodes += int(b[4].get("_episode", np.zeros(3, bool)).sum())
    assert episodes > 10
    assert physics(sync.envs[0]).shape == (4,)
