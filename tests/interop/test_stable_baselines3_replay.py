"""The native replay buffer in the place of Stable-Baselines3's own."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
import torch
from gymnasium import spaces
from palaestra.stable_baselines3 import ReplayBuffer, make_vec_env, td_error
from stable_baselines3 import A2C, DDPG, DQN, SAC, TD3
from stable_baselines3.common import buffers
from stable_baselines3.common.env_util import make_vec_env as sb3_make_vec_env
from stable_baselines3.common.envs import IdentityEnvBox
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

BOX = spaces.Box(-10, 10, (3,), np.float32)
ACTION = spaces.Box(-1, 1, (2,), np.float32)
GOAL = spaces.Dict(
    {
        "observation": spaces.Box(-10, 10, (3,), np.float64),
        "achieved_goal": spaces.Box(-10, 10, (2,), np.float64),
        "phase": spaces.Discrete(5),
    }
)
Call = dict[str, Any]


def calls(
    observation: spaces.Space[Any], action: spaces.Space[Any], n_envs: int, steps: int
) -> Iterator[Call]:
    """What a collector hands to ``add``: episodes of random length, half of them cut by a limit."""
    random = np.random.default_rng(0)
    observation.seed(0)
    action.seed(0)

    def stack(space: spaces.Space[Any]) -> Any:
        if isinstance(space, spaces.Dict):
            return {key: stack(part) for key, part in space.items()}
        return np.stack([space.sample() for _ in range(n_envs)])

    def choose(mask: Any, yes: Any, no: Any) -> Any:
        if isinstance(no, dict):
            return {key: choose(mask, yes[key], no[key]) for key in no}
        return np.where(mask.reshape(-1, *[1] * (no.ndim - 1)), yes, no).astype(
            no.dtype
        )

    now = stack(observation)
    for _ in range(steps):
        after = stack(observation)
        done = random.random(n_envs) < 0.15
        late = done & (random.random(n_envs) < 0.5)
        yield {
            "obs": now,
            "next_obs": after,
            "action": stack(action),
            "reward": random.normal(size=n_envs).astype(np.float32),
            "done": done,
            "infos": [{"TimeLimit.truncated": bool(value)} for value in late],
        }
        now = choose(done, stack(observation), after)


def both(
    original: type[buffers.ReplayBuffer],
    observation: spaces.Space[Any],
    action: spaces.Space[Any] = ACTION,
    *,
    n_envs: int,
    steps: int,
    **options: Any,
) -> tuple[ReplayBuffer, buffers.ReplayBuffer]:
    """Fill one of ours and one of theirs with the same calls."""
    arguments = (120, observation, action, "cpu", n_envs)
    mine, theirs = ReplayBuffer(*arguments, **options), original(*arguments, **options)
    for call in calls(observation, action, n_envs, steps):
        mine.add(**call)
        theirs.add(**copy.deepcopy(call))  # reshapes what it is given
        assert (mine.pos, mine.full, mine.size()) == (
            theirs.pos,
            theirs.full,
            theirs.size(),
        )
    return mine, theirs


def compare(left: Any, right: Any, name: str, rtol: float) -> None:
    """Types, shapes and numbers of tensors, or dicts of them."""
    if isinstance(right, dict):
        assert left.keys() == right.keys()
        for key in right:
            compare(left[key], right[key], f"{name}.{key}", rtol)
    elif right is None:
        assert left is None
    else:
        assert (left.dtype, left.shape) == (right.dtype, right.shape), name
        torch.testing.assert_close(left, right, rtol=rtol, atol=rtol, msg=name)


def same_samples(
    mine: ReplayBuffer,
    theirs: buffers.ReplayBuffer,
    env: VecNormalize | None = None,
    rtol: float = 0,
) -> None:
    """Every position, each of a random environment: the same one for both."""
    positions = np.tile(np.arange(theirs.size()), 3)
    samples = []
    for buffer in (mine, theirs):
        np.random.seed(7)  # noqa: NPY002
        samples.append(buffer._get_samples(positions, env))
    assert type(samples[0]) is type(samples[1])
    for name, left, right in zip(samples[1]._fields, *samples, strict=True):
        compare(left, right, name, rtol)
    assert samples[1].dones.max() == 1
    assert samples[1].dones.min() == 0


@pytest.mark.parametrize("n_envs", [1, 3])
@pytest.mark.parametrize("steps", [30, 500])
@pytest.mark.parametrize("handle_timeout_termination", [True, False])
def test_tensors_equal_its_own(
    n_envs: int, steps: int, handle_timeout_termination: bool
) -> None:
    """Before and after the ring is full, with time limits told apart or not."""
    mine, theirs = both(
        buffers.ReplayBuffer,
        BOX,
        n_envs=n_envs,
        steps=steps,
        handle_timeout_termination=handle_timeout_termination,
    )
    same_samples(mine, theirs)
    for name in ("observations", "actions", "rewards"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), name)
    ended = theirs.dones.astype(bool)
    np.testing.assert_array_equal(mine.dones, theirs.dones)
    np.testing.assert_array_equal(mine.timeouts, theirs.timeouts)
    np.testing.assert_array_equal(
        mine.next_observations[ended], theirs.next_observations[ended]
    )


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        (spaces.Box(0, 255, (4, 4, 3), np.uint8), spaces.Discrete(6)),
        (spaces.Box(-1, 1, (2,), np.float64), spaces.Box(-1, 1, (2,), np.float64)),
        (spaces.Box(-1, 1, (2, 2), np.float16), spaces.MultiDiscrete([3, 4])),
        (spaces.Discrete(9), spaces.Discrete(3)),
        (spaces.MultiBinary(6), spaces.MultiBinary(3)),
        (spaces.MultiDiscrete([4, 5]), spaces.Box(-1, 1, (2, 3), np.float32)),
        (GOAL, ACTION),
    ],
)
def test_every_space_equals_its_own(
    observation: spaces.Space[Any], action: spaces.Space[Any]
) -> None:
    """Types that are stored as others come back as they were."""
    original = (
        buffers.DictReplayBuffer
        if isinstance(observation, spaces.Dict)
        else buffers.ReplayBuffer
    )
    same_samples(*both(original, observation, action, n_envs=2, steps=100))


@pytest.mark.parametrize("n_envs", [1, 3])
@pytest.mark.parametrize("steps", [35, 500])
def test_n_step_returns_equal_its_own(n_envs: int, steps: int) -> None:
    """Sums in another order, so to the last bits; ends, truncations, the head of the ring."""
    mine, theirs = both(
        buffers.NStepReplayBuffer,
        BOX,
        n_envs=n_envs,
        steps=steps,
        n_steps=4,
        gamma=0.9,
    )
    same_samples(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_normalisation_equals_its_own(n_steps: int) -> None:
    """Observations and rewards go through ``VecNormalize``, each reward before the sum."""
    original = buffers.NStepReplayBuffer if n_steps > 1 else buffers.ReplayBuffer
    options = {"n_steps": n_steps, "gamma": 0.8} if n_steps > 1 else {}
    env = VecNormalize(
        DummyVecEnv([lambda: gymnasium.make("palaestra/Pendulum-v1")]), clip_reward=0.7
    )
    env.reset()
    for _ in range(20):
        env.step(np.ones((1, 1)))
    mine, theirs = both(original, BOX, n_envs=2, steps=200, **options)
    same_samples(mine, theirs, env, rtol=1e-6)


def test_sampled_tensors_are_drawn_evenly_and_stay() -> None:
    """Another call does not touch them; every row comes, and its numbers belong together."""
    mine, theirs = both(buffers.ReplayBuffer, BOX, n_envs=3, steps=100)
    first = mine.sample(256)
    kept = [tensor.clone() for tensor in first[:5]]
    seen = set()
    rows = theirs.observations.reshape(-1, 3)
    for _ in range(20):
        samples = mine.sample(256)
        for observation, reward in zip(
            samples.observations, samples.rewards, strict=True
        ):
            (row,) = np.flatnonzero((rows == observation.numpy()).all(axis=1))
            assert theirs.rewards.reshape(-1)[row] == reward
            seen.add(int(row))
    assert len(seen) == 120
    for tensor, before in zip(first[:5], kept, strict=True):
        assert torch.equal(tensor, before)


def test_a_lane_that_starts_anew_is_cut() -> None:
    """Without a ``done``: n-step returns stop, and the last transition still counts on."""
    buffer = ReplayBuffer(50, BOX, ACTION, "cpu", n_steps=3, gamma=0.5)

    def add(begin: int) -> None:
        for t in range(begin, begin + 5):
            buffer.add(
                np.full((1, 3), t, np.float32),
                np.full((1, 3), t + 1, np.float32),
                np.zeros((1, 2)),
                np.ones(1),
                np.zeros(1, bool),
                [{}],
            )

    add(0)
    add(100)
    samples = buffer._get_samples(np.arange(10))
    assert samples.rewards[:, 0].tolist() == [1.75, 1.75, 1.75, 1.5, 1] * 2
    assert samples.next_observations[:5, 0].tolist() == [3, 4, 5, 5, 5]
    assert samples.dones.sum() == 0
    assert buffer.dones[:, 0].tolist() == [0] * 4 + [1] + [0] * 45
    buffer.extend(
        *(
            np.stack([call[name] for call in calls(BOX, ACTION, 1, 7)])
            for name in ("obs", "next_obs", "action", "reward", "done")
        ),
        [[{}]] * 7,
    )
    assert buffer.pos == buffer.size() == 17
    buffer.reset()
    assert buffer.pos == len(buffer.rows) == 0
    with pytest.raises(palaestra.UserError, match="empty"):
        buffer.sample(3)


def test_files_hold_everything(tmp_path: Path) -> None:
    """``save_replay_buffer`` and ``load_replay_buffer``; the loaded one draws the same rows."""
    model = SAC(
        "MlpPolicy",
        "palaestra/Pendulum-v1",
        replay_buffer_class=ReplayBuffer,
        replay_buffer_kwargs={"priorities": True},
        policy_kwargs={"net_arch": [8]},
        buffer_size=150,
        learning_starts=20,
        device="cpu",
        seed=1,
    )
    assert isinstance(model.replay_buffer, ReplayBuffer)
    model.replay_buffer.priority = td_error(model)
    model.learn(250)
    model.save_replay_buffer(tmp_path / "rows")
    buffer = model.replay_buffer
    assert buffer.priority is not None
    buffer.priority = None
    expected = buffer.sample(64)
    model.load_replay_buffer(tmp_path / "rows")
    loaded = model.replay_buffer
    assert loaded is not buffer
    assert (loaded.pos, loaded.full, len(loaded.rows)) == (100, True, 150)
    assert loaded.priority is None
    for left, right in zip(loaded.sample(64)[:5], expected[:5], strict=True):
        assert torch.equal(left, right)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn(30, reset_num_timesteps=False)
    assert loaded.pos == 130


def test_it_learns_the_identity() -> None:
    """Stable-Baselines3's own check of SAC: the action is to repeat the observation."""
    env = DummyVecEnv([lambda: IdentityEnvBox(eps=0.5)])
    model = SAC(
        "MlpPolicy",
        env,
        replay_buffer_class=ReplayBuffer,
        policy_kwargs={"net_arch": [64, 64]},
        learning_starts=100,
        device="cpu",
        seed=0,
    )
    before, _ = evaluate_policy(model, env, 20, warn=False)
    model.learn(1_000)
    after, _ = evaluate_policy(model, env, 20, warn=False)
    assert before < 80
    assert after > 90


@pytest.mark.parametrize("kind", [SAC, TD3, DDPG, DQN])
@pytest.mark.parametrize("n_envs", [1, 4])
def test_algorithms_train_on_it(kind: Any, n_envs: int) -> None:
    """n-step returns, priorities from the errors of the critics, several environments."""
    env = make_vec_env("CartPole-v1" if kind is DQN else "Pendulum-v1", n_envs)
    model = kind(
        "MlpPolicy",
        env,
        replay_buffer_class=ReplayBuffer,
        replay_buffer_kwargs={"n_steps": 3, "gamma": 0.99, "priorities": True},
        policy_kwargs={"net_arch": [16]},
        learning_starts=100,
        optimize_memory_usage=True,
        device="cpu",
        seed=0,
    )
    model.replay_buffer.priority = td_error(model)
    model.learn(400)
    rows = model.replay_buffer.rows
    assert len(rows) == 400
    weights = rows.weights(rows.ids())
    assert len(np.unique(weights)) > 50
    with pytest.warns(UserWarning, match="last trajectory"):
        model.learn(48)
    assert len(rows) == 448


def test_priorities_are_the_errors_of_the_samples_before() -> None:
    """By hand for DQN: |q - (r + gamma max q')|."""
    model = DQN(
        "MlpPolicy",
        make_vec_env("CartPole-v1", 1),
        replay_buffer_class=ReplayBuffer,
        replay_buffer_kwargs={"priorities": True, "priority_exponent": 1.0},
        learning_starts=300,
        device="cpu",
        seed=0,
    )
    model.learn(200)
    buffer = model.replay_buffer
    buffer.priority = td_error(model)
    samples = buffer.sample(40)
    drawn = buffer.last
    buffer.sample(40)
    with torch.no_grad():
        values = model.q_net(samples.observations)
        best = model.q_net_target(samples.next_observations).max(1).values
    for i, index in enumerate(drawn.index):
        value = float(values[i, int(samples.actions[i])])
        target = float(samples.rewards[i])
        if not samples.dones[i]:
            target += 0.99 * float(best[i])
        assert buffer.rows.weights([index])[0] == pytest.approx(
            abs(value - target), rel=1e-5
        )
    with pytest.raises(palaestra.UserError, match="a A2C; accepted: DQN"):
        td_error(A2C("MlpPolicy", make_vec_env("CartPole-v1", 1), device="cpu"))


def test_goals_train_with_many_inputs() -> None:
    """A Dict of observations and ``MultiInputPolicy``."""

    class Reach(gymnasium.Env):
        observation_space = spaces.Dict({"at": BOX, "goal": BOX})
        action_space = ACTION

        def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
            super().reset(**options)
            self.observation_space.seed(0)
            self.steps = 0
            return self.observation_space.sample(), {}

        def step(self, action: Any) -> Any:
            self.steps += 1
            return self.observation_space.sample(), 0.0, False, self.steps == 9, {}

    model = SAC(
        "MultiInputPolicy",
        sb3_make_vec_env(Reach, 2),
        replay_buffer_class=ReplayBuffer,
        policy_kwargs={"net_arch": [8]},
        learning_starts=20,
        device="cpu",
    )
    model.learn(100)
    assert model.replay_buffer.timeouts.sum() == 2 * (50 // 9)
    assert model.replay_buffer.observations["goal"].shape == (500_000, 2, 3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ReplayBuffer(9, BOX, ACTION, n_steps=0), "n_steps is 0"),
        (lambda: ReplayBuffer(9, BOX, ACTION, selection="all").sample(1), '"all"'),
        (lambda: ReplayBuffer(9, BOX, ACTION, priorities="rank"), '"rank"'),
        (
            lambda: ReplayBuffer(9, BOX, ACTION).update_priorities(np.ones(1)),
            "nothing has been sampled",
        ),
        (
            lambda: ReplayBuffer(9, BOX, ACTION).add(
                *[np.full((1, 3), np.nan, np.float32)] * 2,
                np.zeros((1, 2)),
                np.zeros(1),
                np.zeros(1, bool),
                [{}],
            ),
            "not finite",
        ),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], object], text: str) -> None:
    """As everywhere."""
    with pytest.raises(palaestra.UserError, match=text):
        make()
