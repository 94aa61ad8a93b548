"""The contract of goal tasks through all layers: dicts, rewards of any goals, data sets, agents."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from command_line import palaestra as command
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from oracles import GOAL_IDS, ours

every_id = pytest.mark.parametrize("env_id", GOAL_IDS)
PARTS = ("observation", "achieved_goal", "desired_goal")


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Say whether two dict observations hold the same numbers."""
    return a.keys() == b.keys() and all((a[key] == b[key]).all() for key in a)


def random_actions(env: palaestra.VectorEnv, seed: int, steps: int) -> Any:
    """Draw actions for all rows: float32[steps, n, d]."""
    shape = (steps, *(env.action_space.shape or ()))
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@every_id
def test_the_checker_of_gymnasium_is_content(env_id: str) -> None:
    """``check_env`` passes, as for the originals, whose only complaint is about goals' bounds."""
    check_env(ours(env_id).unwrapped, skip_render_check=True)


@every_id
def test_the_spaces_are_those_of_goal_environments(env_id: str) -> None:
    """A Dict of three boxes; achieved and desired goals have the same shape."""
    env = ours(env_id)
    space = env.observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    assert set(space) == set(PARTS)
    assert space["achieved_goal"].shape == space["desired_goal"].shape
    native = palaestra.spec(env_id)
    assert native.goal
    assert native.goal_widths == tuple(space[part].shape[0] for part in PARTS)
    assert sum(native.goal_widths) == native.observation.shape[0]
    assert "is_success" in native.info
    observation, info = env.reset(seed=1)
    assert observation in space
    assert info["is_success"] in (0, 1)


def test_other_tasks_have_no_goals() -> None:
    """Their widths are None, and goals are refused by name."""
    spec = palaestra.spec("Pendulum-v1")
    assert not spec.goal
    assert spec.goal_widths is None
    env = palaestra.make_vec("Pendulum-v1", 2)
    with pytest.raises(palaestra.UserError, match="Pendulum-v1 is no goal task"):
        env.compute_reward(np.zeros(2), np.zeros(2))
    with pytest.raises(palaestra.UserError, match="Pendulum-v1 is no goal task"):
        env.set_goal(0, np.zeros(2))


@every_id
def test_observations_are_strided_views_of_one_row(env_id: str) -> None:
    """The parts lie in one block of memory, side by side, and are always the same arrays."""
    env = palaestra.make_vec(env_id, 5, threads=1)
    observation, _ = env.reset(seed=0)
    first = observation["observation"]
    address = first.__array_interface__["data"][0]
    widths = palaestra.spec(env_id).goal_widths
    assert widths is not None
    for part, offset in zip(PARTS, np.cumsum([0, *widths]), strict=False):
        view = observation[part]
        assert not view.flags.owndata
        assert view.__array_interface__["data"][0] == address + 8 * offset
        assert view.strides == (8 * sum(widths), 8)
    before = {part: view.copy() for part, view in observation.items()}
    stepped = env.step(random_actions(env, 0, 1)[0])[0]
    assert stepped is observation
    assert not same(before, observation)
    copies = palaestra.make_vec(env_id, 5, copy=True).reset(seed=0)[0]
    assert same(before, copies)


@every_id
def test_a_step_earns_what_its_goals_are_worth(env_id: str) -> None:
    """``compute_reward`` of what a step shows is its reward, for one row and for all."""
    env = ours(env_id)
    core: Any = env.unwrapped
    observation, _ = env.reset(seed=2)
    random = np.random.default_rng(2)
    for _ in range(60):
        action = random.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        observation, reward, terminated, _, info = env.step(action)
        goals = observation["achieved_goal"], observation["desired_goal"], info
        assert reward == core.compute_reward(*goals)
        assert terminated == core.compute_terminated(*goals)
        assert core.compute_truncated(*goals) is False
    pairs = random.normal(size=(2, 3, 4, core.goal.size))
    rewards = core.compute_reward(*pairs, {})
    assert rewards.shape == (3, 4)
    assert rewards.dtype == np.float64
    assert core.compute_terminated(*pairs, {}).dtype == np.bool_
    assert core.compute_truncated(*pairs, {}).shape == (3, 4)
    for i in range(3):
        for j in range(4):
            one = core.compute_reward(pairs[0, i, j], pairs[1, i, j], {})
            assert np.isscalar(one)
            assert one == rewards[i, j]


@every_id
def test_goals_of_another_shape_are_refused(env_id: str) -> None:
    """By both shapes; one goal against many is ambiguous and refused, too."""
    core: Any = ours(env_id).unwrapped
    width = core.goal.size
    with pytest.raises(palaestra.UserError, match=rf"shape \[{width + 1}\]"):
        core.compute_reward(np.zeros(width + 1), np.zeros(width + 1), {})
    with pytest.raises(palaestra.UserError, match="the same shape"):
        core.compute_reward(np.zeros((4, width)), np.zeros(width), {})
    with pytest.raises(ValueError, match="read-only"):
        core.goal[0] = 1.0


@every_id
def test_a_goal_can_be_set(env_id: str) -> None:
    """The achieved goal, as the desired one, is a success at once."""
    env = ours(env_id)
    core: Any = env.unwrapped
    observation, _ = env.reset(seed=3)
    core.goal = observation["achieved_goal"]
    assert (core.goal == observation["achieved_goal"]).all()
    still = np.zeros(env.action_space.shape or (), np.float32)
    observation, _, _, _, info = env.step(still)
    assert info["is_success"] == 1
    assert (observation["desired_goal"] == core.goal).all()
    with pytest.raises(palaestra.UserError, match="goal"):
        core.goal = np.full(core.goal.size, np.nan)
    with pytest.raises(palaestra.UserError, match="goal is 'left'; accepted: numbers"):
        core.goal = "left"


@every_id
def test_copies_have_the_same_future(env_id: str) -> None:
    """``deepcopy`` keeps the goal."""
    env = ours(env_id).unwrapped
    env.reset(seed=4)
    action = np.full(env.action_space.shape or (), 0.3, np.float32)
    env.step(action)
    twin = copy.deepcopy(env)
    for _ in range(5):
        assert same(env.step(action)[0], twin.step(action)[0])


@every_id
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_gymnasium_s_vector_form_carries_dicts(
    env_id: str, mode: AutoresetMode
) -> None:
    """Observations are fresh dicts; the ends of episodes are dicts of their own."""
    env = gymnasium.make_vec(
        f"palaestra/{env_id}", 3, max_episode_steps=4, autoreset_mode=mode
    )
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    action = np.full(env.action_space.shape or (), 0.5, np.float32)
    for step in range(1, 5):
        observation, _, terminated, truncated, info = env.step(action)
        assert observation in env.observation_space
        assert observation["observation"].base is None
        assert truncated.all() == (step == 4) or terminated.any()
    if mode is AutoresetMode.SAME_STEP:
        ends = info["final_obs"]
        assert ends[0].keys() == set(PARTS)
        assert ends[0] in env.single_observation_space
        assert not same(ends[0], {part: observation[part][0] for part in PARTS})


@every_id
def test_envs_lists_goals(env_id: str) -> None:
    """``palaestra envs`` says that there are goals, and how wide they are."""
    (row,) = command("envs", env_id, "--no-speed", "--json").json["envs"][:1]
    assert row["goal"] is True
    assert tuple(row["goal_widths"].values()) == palaestra.spec(env_id).goal_widths
    assert "goal yes" in command("envs", env_id, "--no-speed").out
    (row,) = command("envs", "Pendulum-v1", "--no-speed", "--json").json["envs"]
    assert row["goal"] is False
    assert row["goal_widths"] is None


def test_a_data_set_keeps_the_parts(tmp_path: Path) -> None:
    """Minari reads the data set as one of Dict observations and makes the environment again."""
    minari = pytest.importorskip("minari")
    out = tmp_path / "push-v0"
    command(
        "data", "collect", "--env", "Push2D-v0", "--episodes", "3", "--out", str(out)
    )
    data_set = minari.MinariDataset(out / "data")
    assert data_set.observation_space == ours("Push2D-v0").observation_space
    env = data_set.recover_environment()
    episodes = list(data_set.iterate_episodes())
    assert len(episodes) == 3
    for episode in episodes:
        assert set(episode.observations) == set(PARTS)
        assert episode.observations["observation"].shape == (51, 10)
        (facts,) = data_set.storage.get_episode_metadata([episode.id])
        observation, _ = env.reset(seed=int(facts["seed"]))
        for t, action in enumerate(episode.actions):
            for part in PARTS:
                assert (episode.observations[part][t] == observation[part]).all()
            observation, reward, *_, info = env.step(action)
            assert reward == episode.rewards[t]
            assert info["is_success"] == episode.infos["is_success"][t + 1]
    own = palaestra.data.open_data_set(out)
    assert {f"observation/{part}" for part in PARTS} <= {c.name for c in own.columns}
    refused = command(
        "data",
        "collect",
        "--env",
        "Push2D-v0",
        "--episodes",
        "3",
        "--out",
        str(tmp_path / "push.hdf5"),
    )
    assert refused.code == 2
    assert "D4RL" in refused.err
