"""The Fetch tasks step by step beside Gymnasium-Robotics' own, from the same state and goal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium
import gymnasium_robotics
import numpy as np
import palaestra
import pytest
from fetch_original import mended_joint_types
from maze_oracle import TEN_RESETS
from oracles import GOAL_IDS, ours, scratch_folder

gymnasium.register_envs(gymnasium_robotics)
FETCH_IDS = [i for i in GOAL_IDS if i.startswith("Fetch")]
TOLERANCE = 1e-10
PARTS = ("observation", "achieved_goal", "desired_goal")
every_id = pytest.mark.parametrize("env_id", FETCH_IDS)


@pytest.fixture(autouse=True, scope="module")
def joint_types() -> Iterator[None]:
    """See `mended_joint_types`."""
    with mended_joint_types():
        yield


def original(env_id: str, **keywords: Any) -> Any:
    """Gymnasium-Robotics' environment without wrappers."""
    with scratch_folder():
        return gymnasium.make(env_id, disable_env_checker=True, **keywords).unwrapped


def meet(theirs: Any, mine: Any, observation: Any) -> None:
    """Put the original, freshly reset, into the state and before the goal of ours."""
    theirs.goal = observation["desired_goal"].copy()
    theirs.data.qpos[:] = mine.qpos
    theirs.data.qvel[:] = mine.qvel
    theirs._mujoco.mj_forward(theirs.model, theirs.data)


def compare(env_id: str, stretches: Sequence[int]) -> dict[str, int]:
    """Step both from equal states and fail at the first difference; count what was met.

    A stretch is the steps after one reset.
    """
    theirs, mine = original(env_id), ours(env_id).unwrapped
    met = {"success": 0, "object moved": 0}
    for seed, steps in enumerate(stretches):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        meet(theirs, mine, observation)
        shown = theirs._get_obs()
        for part in PARTS:
            np.testing.assert_allclose(
                observation[part], shown[part], rtol=0, atol=TOLERANCE
            )
        first = observation["achieved_goal"].copy()
        for step in range(steps):
            # at the object or the goal, and down to the table
            seen = observation["observation"]
            reach = "Reach" in env_id
            aim = observation["desired_goal"] if reach else seen[3:6]
            way = (aim - seen[:3]) / 0.05
            action = np.append(way, random.uniform(-1, 1)) + random.normal(0, 0.5, 4)
            action = action.astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id}, seed {seed}, step {step}"
            for part in PARTS:
                np.testing.assert_allclose(
                    actual[0][part],
                    expected[0][part],
                    rtol=0,
                    atol=TOLERANCE,
                    err_msg=where,
                )
            assert abs(actual[1] - expected[1]) <= TOLERANCE, where
            assert actual[2:4] == (False, False) == expected[2:4], where
            assert actual[4] == expected[4], where
            observation = actual[0]
            met["success"] += int(expected[4]["is_success"])
        met["object moved"] += np.abs(observation["achieved_goal"] - first).max() > 0.01
    return met


@every_id
def test_ten_resets_and_a_thousand_steps_agree(env_id: str) -> None:
    """Observation, goals, reward, success agree to 1e-10: most steps push, or press on the table.

    Contacts are chaotic: a difference in the last bit grows to one of centimetres. So the bound can
    hold over a thousand steps only because the bits are equal.
    """
    met = compare(env_id, TEN_RESETS)
    assert met["object moved"] > 5
    assert "Reach" not in env_id or met["success"] > 100


@every_id
def test_the_set_up_ends_where_the_original_s_does(env_id: str) -> None:
    """Positions and velocities that every episode begins with, to the last digit."""
    theirs, mine = original(env_id), ours(env_id).unwrapped
    theirs.reset(seed=0)
    mine.reset(seed=0)
    robot = 15
    np.testing.assert_array_equal(mine.qpos[:robot], theirs.data.qpos[:robot])
    np.testing.assert_array_equal(mine.qvel, theirs.data.qvel)
    np.testing.assert_array_equal(mine.qpos[robot + 2 :], theirs.data.qpos[robot + 2 :])


@every_id
def test_rewards_of_random_goals_are_the_original_s(env_id: str) -> None:
    """``compute_reward`` on 10,000 pairs."""
    theirs, mine = original(env_id), ours(env_id).unwrapped
    random = np.random.default_rng(0)
    achieved = random.uniform(-1, 1, (10_000, 3))
    desired = achieved + random.normal(0, 0.03, (10_000, 3))
    expected = theirs.compute_reward(achieved, desired, {})
    actual = mine.compute_reward(achieved, desired, {})
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-15)
    if "Dense" not in env_id:
        assert 0.1 < -actual.mean() < 0.9
    assert not mine.compute_terminated(achieved, desired, {}).any()


@every_id
def test_spaces_and_limits_are_those_of_the_original(env_id: str) -> None:
    """Bounds, shapes, element types, steps."""
    theirs, mine = original(env_id), ours(env_id)
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    assert gymnasium.spec(f"palaestra/{env_id}").max_episode_steps == (
        gymnasium.spec(env_id).max_episode_steps
    )


@pytest.mark.parametrize("env_id", [i for i in FETCH_IDS if "Dense" not in i])
def test_first_states_have_the_original_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov of object and goal, number by number, and of their pairs."""
    from scipy import stats

    theirs, mine = original(env_id), ours(env_id)
    samples: list[list[Any]] = [[], []]
    for seed in range(300):
        for env, into in ((theirs, samples[0]), (mine, samples[1])):
            observation, _ = env.reset(seed=seed)
            parts = observation["achieved_goal"], observation["desired_goal"]
            into.append(np.concatenate(parts))
    a, b = (np.array(sample) for sample in samples)
    for of in (
        lambda x: x.round(12),
        lambda x: np.hypot(*(x[:, :2] - x[:, :2].mean(0)).T)[:, None].round(12),
        lambda x: np.linalg.norm(x[:, :3] - x[:, 3:], axis=1)[:, None],
    ):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], column


def test_wrong_options_are_refused() -> None:
    """By name and value."""
    with pytest.raises(palaestra.UserError, match='reward_type is "none"; accepted'):
        palaestra.make_vec("FetchPush-v4", 1, reward_type="none")
    dense = ours("FetchPush-v4", reward_type="dense").unwrapped
    assert dense.compute_reward(np.zeros(3), np.ones(3), {}) == -np.sqrt(3.0)
