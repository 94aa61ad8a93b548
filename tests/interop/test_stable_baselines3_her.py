"""Goals in hindsight through Stable-Baselines3: our buffer in the place of its own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
import torch
from palaestra.stable_baselines3 import HerReplayBuffer, ReplayBuffer, make_vec_env
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.her import HerReplayBuffer as OriginalBuffer

BITS = 6


def bits(continuous: bool = False, n_envs: int = 1) -> DummyVecEnv:
    """Its own goal environment: flip bits until they are those asked for."""
    return DummyVecEnv(
        [lambda: BitFlippingEnv(n_bits=BITS, continuous=continuous)] * n_envs
    )


def filled(strategy: str, n_envs: int = 2, steps: int = 60) -> tuple[Any, Any]:
    """Fill one of ours and one of theirs with the same random episodes."""
    env = bits(n_envs=n_envs)
    buffers = [
        kind(
            400,
            env.observation_space,
            env.action_space,
            env,
            "cpu",
            n_envs,
            goal_selection_strategy=strategy,
        )
        for kind in (HerReplayBuffer, OriginalBuffer)
    ]
    env.seed(0)
    now = copy.deepcopy(env.reset())
    random = np.random.default_rng(0)
    for _ in range(steps):
        action = random.integers(BITS, size=n_envs)
        after, reward, done, infos = env.step(action)
        ended = copy.deepcopy(after)
        for lane in np.flatnonzero(done):
            for key, value in infos[lane]["terminal_observation"].items():
                ended[key][lane] = value
        for buffer in buffers:
            call = copy.deepcopy((now, ended, action, reward, done))
            buffer.add(*call, infos)
        now = copy.deepcopy(after)
    return buffers[0], buffers[1]


def key_of(samples: Any) -> list[tuple[Any, ...]]:
    """Each transition as something that can be counted."""
    columns = [
        *(samples.observations[key] for key in sorted(samples.observations)),
        *(samples.next_observations[key] for key in sorted(samples.observations)),
        samples.actions,
        samples.rewards,
        samples.dones,
    ]
    table = torch.cat([column.double().flatten(1) for column in columns], dim=1)
    return [tuple(row) for row in table.tolist()]


@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
def test_it_draws_the_transitions_that_the_original_draws(strategy: str) -> None:
    """The same set, about equally often, where all episodes are over."""
    mine, theirs = filled(strategy)
    theirs.truncate_last_trajectory()
    np.random.seed(0)  # noqa: NPY002
    counts: list[dict[tuple[Any, ...], int]] = [{}, {}]
    for count, buffer in zip(counts, (mine, theirs), strict=True):
        for _ in range(60):
            for key in key_of(buffer.sample(1_000)):
                count[key] = count.get(key, 0) + 1
    both = counts[0].keys() | counts[1].keys()
    rare = [key for key in both if counts[1].get(key, 0) < 20]
    assert all(counts[0].get(key, 0) < 45 for key in rare)
    for key in both - set(rare):
        one, other = counts[0].get(key, 0), counts[1][key]
        assert abs(one - other) < 6 * np.sqrt(one + other), (key, one, other)
    assert len(both) > 120


def test_the_part_with_new_goals_is_exact() -> None:
    """Rewards are those of the goals; four in five are new."""
    mine, _ = filled("final")
    samples = mine.sample(100)
    reached = (
        samples.next_observations["achieved_goal"]
        == samples.observations["desired_goal"]
    ).all(dim=1)
    np.testing.assert_array_equal(
        samples.rewards[:, 0].numpy(), np.where(reached, 0.0, -1.0)
    )
    own = mine.rows.read("observation/desired_goal", mine.last.index)
    same = (own == samples.observations["desired_goal"].numpy()).all(axis=1)
    assert same[80:].all()
    assert not same[:80].all()
    for key in ("observation", "achieved_goal"):
        np.testing.assert_array_equal(
            samples.observations[key].numpy(),
            mine.rows.read(f"observation/{key}", mine.last.index),
        )


@pytest.mark.parametrize("kind", [SAC, DQN])
def test_algorithms_train_on_it(kind: Any, tmp_path: Path) -> None:
    """With files in between, for which it needs its environment again."""
    env = bits(kind is SAC, n_envs=1)
    model = kind(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 3, "priorities": True},
        policy_kwargs={"net_arch": [16]},
        learning_starts=50,
        device="cpu",
        seed=0,
    )
    model.learn(200)
    assert model.replay_buffer.her_ratio == 0.75
    model.save_replay_buffer(tmp_path / "rows")
    model.load_replay_buffer(tmp_path / "rows")
    model.learn(48, reset_num_timesteps=False)
    assert len(model.replay_buffer.rows) == 248


def successes(kind: Any) -> int:
    """Twelve bits, learnt for 3,000 steps; then episodes that end as they should, of 400 steps."""
    env = DummyVecEnv([lambda: BitFlippingEnv(n_bits=12, continuous=False)])
    model = DQN(
        "MultiInputPolicy",
        env,
        replay_buffer_class=kind,
        policy_kwargs={"net_arch": [64]},
        learning_rate=1e-3,
        learning_starts=200,
        train_freq=1,
        exploration_fraction=0.5,
        target_update_interval=200,
        gamma=0.9,
        device="cpu",
        seed=0,
    )
    model.learn(3_000)
    count = 0
    observation = env.reset()
    for _ in range(400):
        action, _ = model.predict(observation, deterministic=True)
        observation, _, done, infos = env.step(action)
        count += int(done[0] and infos[0]["is_success"])
    return count


def test_it_learns_to_flip_bits() -> None:
    """The experiment of the paper: without hindsight there is nothing to learn from."""
    assert successes(HerReplayBuffer) > 30
    assert successes(ReplayBuffer) < 5


def test_bad_arguments_are_named() -> None:
    """What cannot be served."""
    env = bits()
    for options, text in [
        ({"copy_info_dict": True}, "copy_info_dict is True"),
        ({"n_steps": 3}, "n_steps is 3"),
        ({"goal_selection_strategy": "best"}, '"best".*future'),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            HerReplayBuffer(10, env.observation_space, env.action_space, env, **options)


def test_goal_tasks_of_this_package_bring_their_rewards() -> None:
    """SAC with goals in hindsight on Push2D, as one batch and one by one: the same rewards."""
    for env in (
        make_vec_env("Push2D-v0", 4),
        DummyVecEnv([lambda: gymnasium.make("palaestra/Push2D-v0")] * 2),
    ):
        model = SAC(
            "MultiInputPolicy",
            env,
            replay_buffer_class=HerReplayBuffer,
            learning_starts=150,
            batch_size=64,
            policy_kwargs={"net_arch": [16]},
        )
        model.learn(300)
        assert isinstance(model.replay_buffer, HerReplayBuffer)
        batch = model.replay_buffer.sample(200)
        goals = [
            np.asarray(part)
            for part in (
                batch.next_observations["achieved_goal"],
                batch.observations["desired_goal"],
            )
        ]
        distance = np.linalg.norm(goals[0] - goals[1], axis=1)
        sure = np.abs(distance - 0.05) > 1e-6
        expected = np.where(distance > 0.05, -1.0, 0.0)
        assert (batch.rewards.numpy()[sure, 0] == expected[sure]).all()
