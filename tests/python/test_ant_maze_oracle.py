"""The ant's mazes step by step beside Gymnasium-Robotics' own, from the same state and goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium_robotics.envs.maze import maps
from maze_oracle import (
    PARTS,
    TEN_RESETS,
    TOLERANCE,
    assert_same_step,
    meet,
    original,
)
from oracles import GOAL_IDS, ours, scratch_folder

ANT_IDS = [i for i in GOAL_IDS if i.startswith("AntMaze_")]
every_id = pytest.mark.parametrize("env_id", ANT_IDS)


def compare(
    env_id: str, keywords: dict[str, Any], stretches: Sequence[int]
) -> dict[str, int]:
    """Step both from equal states and fail at the first difference; count what was met.

    A stretch is the steps after one reset.
    """
    theirs, mine = original(env_id, **keywords), ours(env_id, **keywords).unwrapped
    met = {"wall": 0, "success": 0, "new goal": 0, "end": 0}
    for seed, steps in enumerate(stretches):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        meet(theirs, theirs.ant_env, mine, observation)
        for step in range(steps):
            if step == steps // 2:  # random torques do not carry far: beside the goal
                position = np.array(mine.qpos)
                position[:2] = observation["desired_goal"] + random.uniform(
                    -0.3, 0.3, 2
                )
                theirs.ant_env.set_state(position, np.array(mine.qvel))
                mine.set_state(position, np.array(mine.qvel))
            if step == steps // 4:  # across a cell, which has a wall at some side
                position = np.array(mine.qpos)
                position[seed % 2] += 1.2 if seed % 4 < 2 else -1.2
                theirs.ant_env.set_state(position, np.array(mine.qvel))
                mine.set_state(position, np.array(mine.qvel))
            action = random.uniform(-1.1, 1.1, 8).astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id} {keywords}, seed {seed}, step {step}"
            assert_same_step(actual, expected, where)
            observation = actual[0]
            geoms = theirs.data.contact.geom[: theirs.data.ncon]
            walls = [
                theirs.model.geom(int(g)).name.startswith("block")
                for g in geoms.ravel()
            ]
            met["wall"] += any(walls)
            met["success"] += bool(expected[4]["success"])
            if not np.array_equal(theirs.goal, observation["desired_goal"]):
                met["new goal"] += 1
                mine.goal = theirs.goal
            if actual[2]:
                met["end"] += 1
                theirs.reset()
                observation, _ = mine.reset()
                meet(theirs, theirs.ant_env, mine, observation)
    return met


@every_id
def test_ten_resets_and_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observation, goals, reward, end and success agree to 1e-10, at walls and away from them.

    Contacts are chaotic: a difference in the last bit is one of metres some hundred steps later.
    So the bound can hold over a thousand steps only because the bits are equal.
    """
    met = compare(env_id, {}, TEN_RESETS)
    assert met["wall"] > 5
    assert met["success"] > 10
    assert met["end"] == met["new goal"] == 0


@pytest.mark.parametrize(
    "keywords",
    [
        {"continuing_task": False},
        {"reset_target": True},
        {"reward_type": "dense", "maze_map": maps.OPEN_DIVERSE_G},
    ],
)
def test_options_mean_what_they_mean_there(keywords: dict[str, Any]) -> None:
    """Every keyword of the originals has their effect; maps of letters, too."""
    met = compare("AntMaze_UMaze-v4", keywords, [60, 60, 60])
    assert (met["end"] > 0) == (not keywords.get("continuing_task", True))
    assert (met["new goal"] > 0) == keywords.get("reset_target", False)


@every_id
def test_rewards_spaces_and_limits_are_those_of_the_original(env_id: str) -> None:
    """``compute_reward`` on 10,000 pairs; bounds, shapes, element types, steps."""
    theirs, mine = original(env_id), ours(env_id)
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    assert gymnasium.spec(f"palaestra/{env_id}").max_episode_steps == (
        gymnasium.spec(env_id).max_episode_steps
    )
    random = np.random.default_rng(0)
    achieved = random.uniform(-8, 8, (10_000, 2))
    desired = achieved + random.normal(0, 0.4, (10_000, 2))
    core: Any = mine.unwrapped
    np.testing.assert_allclose(
        core.compute_reward(achieved, desired, {}),
        theirs.compute_reward(achieved, desired, {}),
        rtol=0,
        atol=1e-15,
    )


def test_first_states_have_the_original_distribution() -> None:
    """Kolmogorov-Smirnov of start and goal, and of their distances; one posture, at rest."""
    from scipy import stats

    theirs, mine = original("AntMaze_Medium-v4"), ours("AntMaze_Medium-v4")
    samples: list[list[Any]] = [[], []]
    for seed in range(400):
        for env, into in ((theirs, samples[0]), (mine, samples[1])):
            observation, _ = env.reset(seed=seed)
            into.append(np.concatenate([observation[part] for part in PARTS]))
    a, b = (np.array(sample) for sample in samples)
    np.testing.assert_array_equal(a[:, :27], b[:, :27])
    for of in (
        lambda x: x[:, 27:],
        lambda x: np.hypot(*(x[:, 27:29] - x[:, 29:]).T)[:, None],
        lambda x: x[:, [27, 29]] % 4.0,
    ):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], column


# ---- OGBench


OGBENCH_IDS = [i for i in GOAL_IDS if i.startswith("antmaze-")]


def ogbench_original(env_id: str, **keywords: Any) -> Any:
    """OGBench's environment without wrappers."""
    import ogbench  # noqa: F401  (registers its ids)

    with scratch_folder():
        return gymnasium.make(
            env_id, disable_env_checker=True, render_mode=None, **keywords
        ).unwrapped


@pytest.mark.parametrize("env_id", OGBENCH_IDS)
def test_ogbench_s_ants_agree(env_id: str) -> None:
    """A thousand steps and nine times a hundred, the second half of each beside the goal."""
    theirs, mine = ogbench_original(env_id), ours(env_id).unwrapped

    def restart(seed: int | None) -> Any:
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        theirs.set_goal(goal_xy=observation["desired_goal"].copy())
        theirs.set_state(np.array(mine.qpos), np.array(mine.qvel))
        np.testing.assert_array_equal(observation["observation"], theirs.get_ob())
        return observation

    ends = 0
    for seed, steps in enumerate(TEN_RESETS):
        random = np.random.default_rng(seed)
        observation = restart(seed)
        for step in range(steps):
            if step == steps // 2:
                place = np.array(mine.qpos)
                place[:2] = observation["desired_goal"] + random.uniform(-0.5, 0.5, 2)
                theirs.set_state(place, np.array(mine.qvel))
                mine.set_state(place, np.array(mine.qvel))
            action = random.uniform(-1.1, 1.1, 8).astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id}, seed {seed}, step {step}"
            observation = actual[0]
            np.testing.assert_allclose(
                observation["observation"],
                expected[0],
                rtol=0,
                atol=TOLERANCE,
                err_msg=where,
            )
            assert actual[1:3] == (expected[1], expected[2]), where
            assert actual[4]["success"] == expected[4]["success"], where
            if actual[2]:
                ends += 1
                observation = restart(None)
    assert ends >= 5


def test_ogbench_s_ants_start_as_theirs_do() -> None:
    """Kolmogorov-Smirnov of every position, velocity and goal of one task."""
    from scipy import stats

    theirs, mine = (
        ogbench_original("antmaze-large-v0"),
        ours("antmaze-large-v0", task_id=3),
    )
    np.random.seed(0)  # noqa: NPY002  (the original draws from it)
    samples: list[list[Any]] = [[], []]
    for seed in range(300):
        theirs.reset(seed=seed, options={"task_id": 3})
        samples[0].append(
            np.concatenate([theirs.data.qpos, theirs.data.qvel, theirs.cur_goal_xy])
        )
        observation, _ = mine.reset(seed=seed)
        samples[1].append(
            np.concatenate([observation["observation"], observation["desired_goal"]])
        )
    a, b = (np.array(sample) for sample in samples)
    for column in range(a.shape[1]):
        p = stats.ks_2samp(a[:, column], b[:, column]).pvalue
        assert p > 1e-3 / a.shape[1], column
