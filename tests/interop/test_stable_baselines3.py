"""Stable-Baselines3 trains on these environments unchanged, and evaluates our agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from palaestra._ids import gymnasium_id
from palaestra.stable_baselines3 import make_vec_env
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.env_util import make_vec_env as sb3_make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize


def small() -> dict[str, Any]:
    """Settings of a model that trains in no time."""
    return {"policy_kwargs": {"net_arch": [16, 16]}, "device": "cpu", "seed": 0}


@pytest.mark.parametrize("env_id", palaestra.env_ids())
def test_its_environment_checker_is_content(env_id: str) -> None:
    """Every registered id."""
    check_env(gymnasium.make(gymnasium_id(env_id)).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "HalfCheetah-v5"])
def test_sac_trains_500_steps(env_id: str) -> None:
    """The single environment, through its own wrappers."""
    model = SAC("MlpPolicy", f"palaestra/{env_id}", learning_starts=100, **small())
    model.learn(500)
    assert model.num_timesteps == 500
    assert model.replay_buffer is not None
    assert model.replay_buffer.pos == 500


def test_ppo_trains_500_steps() -> None:
    """Several single environments through its own ``make_vec_env``."""
    envs = sb3_make_vec_env("palaestra/CartPole-v1", 4, seed=0)
    model = PPO("MlpPolicy", envs, n_steps=128, batch_size=64, **small())
    model.learn(512)
    assert model.num_timesteps == 512
    assert len(model.ep_info_buffer or []) > 5


def test_ppo_learns_on_the_native_batch() -> None:
    """The adapter: many rows, one call a step; the pole stands longer than at first."""
    envs = make_vec_env("CartPole-v1", 32, threads=1)
    model = PPO(
        "MlpPolicy", envs, n_steps=64, batch_size=512, learning_rate=3e-3, **small()
    )

    def mean_length() -> float:
        assert model.ep_info_buffer is not None
        return float(np.mean([episode["l"] for episode in model.ep_info_buffer]))

    model.learn(32 * 64)
    before = mean_length()
    model.learn(32 * 64 * 8, reset_num_timesteps=False)
    assert before < 40
    assert mean_length() > 2 * before


def test_the_adapter_tells_what_its_own_vector_environment_tells() -> None:
    """The same actions: equal observations, rewards, dones, and infos at the ends of episodes."""
    mine = make_vec_env("Pendulum-v1", 3, max_episode_steps=20)
    theirs = sb3_make_vec_env(
        "palaestra/Pendulum-v1", 3, env_kwargs={"max_episode_steps": 20}
    )
    mine.seed(5)
    theirs.seed(5)
    np.testing.assert_array_equal(mine.reset(), theirs.reset())
    random = np.random.default_rng(0)
    ends = 0
    for _ in range(50):
        actions = random.uniform(-2, 2, (3, 1))
        a, b = mine.step(actions), theirs.step(actions)
        for left, right in zip(a[:3], b[:3], strict=True):
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        for left, right in zip(a[3], b[3], strict=True):
            assert left["TimeLimit.truncated"] == right["TimeLimit.truncated"]
            if "terminal_observation" in right:
                ends += 1
                np.testing.assert_array_equal(
                    left["terminal_observation"], right["terminal_observation"]
                )
                assert left["episode"]["l"] == right["episode"]["l"] == 20
                assert left["episode"]["r"] == pytest.approx(
                    right["episode"]["r"], abs=1e-5
                )
    assert ends == 6
    assert VecNormalize(mine).reset().shape == (3, 3)
    mine.close()


def test_set_options_reaches_the_next_reset_and_no_other() -> None:
    """As with its own vector environment: one dict for all rows, or one for each."""
    mine = make_vec_env("PointMaze_UMaze-v3", 4)
    theirs = sb3_make_vec_env("palaestra/PointMaze_UMaze-v3", 4)
    for options in (
        {"goal_cell": np.array([1, 3]), "reset_cell": np.array([3, 3])},
        [{"goal_cell": (1, 3)}, {}, {"reset_cell": (3, 1)}, {"goal_cell": (1, 3)}],
        None,
    ):
        for envs in (mine, theirs):
            envs.seed(7)
            envs.set_options(options)
        a, b = mine.reset(), theirs.reset()
        for part in b:
            np.testing.assert_array_equal(a[part], b[part])
    mine.set_options({"goal_cell": (1, 3)})
    goals = mine.reset()["desired_goal"]
    assert (np.abs(goals - [1, 1]) <= 0.25).all()
    later = np.concatenate([mine.reset()["desired_goal"] for _ in range(20)])
    assert (np.abs(later - [1, 1]) > 0.25).any()
    mine.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([{"goal_cell": (1, 3)}, {"goal_cell": (0, 0)}, {}], "a wall"),
        ([{}, {}], "2 dicts for 3 rows"),
        ({"reset_mask": [True, False, True]}, "reset_mask is not accepted"),
    ],
)
def test_options_that_cannot_be_leave_all_rows_alone(
    options: Any, message: str
) -> None:
    """Also those of rows whose own options are accepted; the next ones are taken."""
    envs = make_vec_env("PointMaze_UMaze-v3", 3)
    envs.seed(1)
    envs.reset()
    before = envs.native.get_state()
    envs.set_options(options)
    with pytest.raises(palaestra.UserError, match=message):
        envs.reset()
    np.testing.assert_array_equal(envs.native.get_state(), before)
    envs.set_options({"goal_cell": (1, 3)})
    assert (np.abs(envs.reset()["desired_goal"] - [1, 1]) <= 0.25).all()
    envs.close()


def test_evaluate_policy_takes_our_agent(tmp_path: Path) -> None:
    """A natively trained agent stands in for a model."""
    agent = palaestra.train(
        "Pendulum-v1", steps=300, hidden=[16], out=tmp_path / "run", threads=1
    ).load()
    envs = make_vec_env("Pendulum-v1", 4)
    returns, lengths = evaluate_policy(agent, envs, 4, return_episode_rewards=True)
    assert lengths == [200] * 4
    assert all(-2_000 < value < 0 for value in returns)
