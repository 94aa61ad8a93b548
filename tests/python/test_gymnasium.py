"""Gymnasium's contract for single environments, over every registered id."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium.utils.env_checker import check_env
from oracles import CLASSIC_IDS, IDS, original, ours, physics, random_action

every_id = pytest.mark.parametrize("env_id", IDS)


@every_id
def test_the_checker_of_gymnasium_is_content(env_id: str) -> None:
    """``check_env`` passes; what it still warns about, it says of the original too."""

    def complaints(env: gymnasium.Env[Any, Any]) -> set[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(env.unwrapped, skip_render_check=True)
        return {str(w.message) for w in caught}

    assert complaints(ours(env_id)) <= complaints(original(env_id))


@every_id
def test_spaces_are_those_of_the_original(env_id: str) -> None:
    """Bounds, shapes and element types are equal."""
    theirs, mine = original(env_id), ours(env_id)
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    assert mine.observation_space.dtype == theirs.observation_space.dtype
    assert mine.action_space.dtype == theirs.action_space.dtype


@every_id
def test_registration_carries_the_facts_of_the_original(env_id: str) -> None:
    """Time limit and reward threshold are the original's; both forms are registered."""
    mine, theirs = gymnasium.spec(f"palaestra/{env_id}"), gymnasium.spec(env_id)
    assert mine.max_episode_steps == theirs.max_episode_steps
    assert mine.reward_threshold == theirs.reward_threshold
    assert mine.vector_entry_point is not None
    before = dict(gymnasium.registry)
    palaestra.register()
    assert gymnasium.registry == before


def test_a_fresh_process_needs_no_import_of_its_own() -> None:
    """``module:id`` makes Gymnasium import the package."""
    code = (
        "import gymnasium; env = gymnasium.make('palaestra:palaestra/CartPole-v1'); "
        "env.reset(seed=0); print(env.spec.id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "palaestra/CartPole-v1\n"


@every_id
def test_the_time_limit_is_applied_once(env_id: str) -> None:
    """Truncation comes after exactly the given number of steps, by Gymnasium's own wrapper."""
    env = ours(env_id, max_episode_steps=4)
    space = env.action_space
    still = 0 if isinstance(space, gymnasium.spaces.Discrete) else space.sample() * 0
    for _ in range(3):
        env.reset(seed=1)
        flags = [env.step(still)[3] for _ in range(4)]
        assert flags == [False] * 3 + [True]
    # the environment itself has no limit
    bare = ours("Pendulum-v1").unwrapped
    bare.reset(seed=0)
    assert not any(bare.step(np.zeros(1, np.float32))[3] for _ in range(1_000))


@every_id
def test_a_seed_fixes_the_sequence_of_episodes(env_id: str) -> None:
    """The same seed gives the same episodes; a later reset moves on; other seeds differ."""

    def episodes(env: gymnasium.Env[Any, Any], seed: int) -> list[Any]:
        firsts = [env.reset(seed=seed)[0]]
        env.step(random_action(env, np.random.default_rng(seed)))
        return [*firsts, env.reset()[0], env.reset()[0]]

    env, other = ours(env_id), ours(env_id)
    first, again = episodes(env, 3), episodes(other, 3)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, episodes(env, 3))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])
    assert not np.array_equal(first[0], episodes(env, 4)[0])
    assert env.unwrapped.np_random_seed == 4


@every_id
def test_without_a_seed_environments_differ(env_id: str) -> None:
    """Copies that nobody seeds must not run in step, as in Gymnasium."""
    firsts = [ours(env_id).reset()[0] for _ in range(2)]
    assert not np.array_equal(*firsts)


@every_id
def test_the_state_can_be_read_set_and_replayed(env_id: str) -> None:
    """The same state and actions give the same observations."""
    env = ours(env_id).unwrapped
    env.reset(seed=0)
    start = physics(env)
    core: Any = env
    actions = [random_action(env, np.random.default_rng(1)) for _ in range(5)]

    def run() -> list[Any]:
        if env_id in CLASSIC_IDS:
            core.state = start
        else:
            core.set_state(core.qpos * 0 + start[: core.qpos.size], core.qvel * 0)
        seen = []
        for action in actions:
            observation, _, ended, *_ = env.step(action)
            seen.append(observation)
            if ended:
                break
        return seen

    first = run()
    env.reset(seed=5)
    np.testing.assert_array_equal(first, run())


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
def test_editing_the_state_in_place_is_refused(env_id: str) -> None:
    """``state`` is a copy; an edit that would go nowhere raises instead."""
    env = ours(env_id)
    env.reset(seed=0)
    core: Any = env.unwrapped
    with pytest.raises(ValueError, match="read-only"):
        core.state[0] = 1.0
    with pytest.raises(ValueError, match="numbers"):
        core.state = np.zeros(17)
    with pytest.raises(palaestra.UserError, match="state is 'left'; accepted: numbers"):
        core.state = "left"


def test_bad_seeds_are_named() -> None:
    """Not integers, below 0; those of NumPy are as good as Python's."""
    env = ours("CartPole-v1")
    for seed in (1.5, -1, "a", True, np.array([1, 2])):
        with pytest.raises(palaestra.UserError, match=r"seed is .*an integer, 0 or"):
            env.reset(seed=seed)
    first, _ = env.reset(seed=7)
    np.testing.assert_array_equal(env.reset(seed=np.int32(7))[0], first)  # type: ignore[arg-type]
    env.reset(seed=2**70)


@every_id
def test_bad_actions_are_refused_and_change_nothing(env_id: str) -> None:
    """Not-a-number, wrong shapes and wrong kinds raise UserError; the state stays."""
    env = ours(env_id).unwrapped
    env.reset(seed=0)
    before = physics(env)
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        bad: list[Any] = [-1, int(env.action_space.n), 0.5, np.zeros(2, int), "left"]
        bad.append(2**70)
    else:
        shape = env.action_space.shape or ()
        nan = np.full(shape, np.nan, np.float32)
        bad = [nan, nan * 0 + np.inf, np.zeros((*shape, 2), np.float32), 0.0, "left"]
    for action in bad:
        with pytest.raises(palaestra.UserError, match=env_id):
            env.step(action)
        np.testing.assert_array_equal(physics(env), before)


def test_stepping_a_finished_episode_is_an_error() -> None:
    """The message says what to do."""
    env = ours("CartPole-v1")
    env.reset(seed=0)
    while not env.step(0)[2]:
        pass
    with pytest.raises(palaestra.UserError, match="reset"):
        env.step(0)
    env.reset()
    env.step(0)


def test_unknown_names_are_errors_with_a_suggestion() -> None:
    """Environment, keyword, option, render mode."""
    with pytest.raises(palaestra.UserError, match=r"did you mean \"CartPole-v1\""):
        palaestra.spec("CartPol-v1")
    with pytest.raises(palaestra.UserError, match="sutton"):
        palaestra.spec("CartPole-v1", suton_barto_reward=True)
    with pytest.raises(palaestra.UserError, match='is "yes"; accepted: 0'):
        palaestra.spec("CartPole-v1", sutton_barto_reward="yes")
    with pytest.raises(palaestra.UserError, match="accepted: a number"):
        palaestra.spec("CartPole-v1", sutton_barto_reward=None)
    env = ours("CartPole-v1")
    with pytest.raises(palaestra.UserError, match="accepted: low, high"):
        env.reset(options={"lo": 0})
    with pytest.raises(palaestra.UserError, match="above high"):
        env.reset(options={"low": 1})
    for make in (gymnasium.make, gymnasium.make_vec):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Gymnasium's own, on its way to our error
            with pytest.raises(palaestra.UserError, match="'rgb_array'") as caught:
                make("palaestra/CartPole-v1", render_mode="depth_array")
        assert isinstance(caught.value, TypeError)  # Stable-Baselines3 goes on without
    assert issubclass(palaestra.UserError, ValueError)


def test_a_closed_environment_says_so() -> None:
    """Closing twice is fine; using it afterwards is not."""
    env = ours("Pendulum-v1")
    env.reset(seed=0)
    env.close()
    env.close()
    with pytest.raises(palaestra.UserError, match="close"):
        env.unwrapped.step(np.zeros(1, np.float32))


def test_random_play_through_the_wrappers() -> None:
    """A drop-in loop with Gymnasium's own wrappers."""
    env = gymnasium.wrappers.RecordEpisodeStatistics(
        gymnasium.make("palaestra/CartPole-v1")
    )
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    returns = []
    for _ in range(500):
        observation, _, terminated, truncated, info = env.step(
            env.action_space.sample()
        )
        assert env.observation_space.contains(observation)
        if terminated or truncated:
            returns.append(info["episode"]["r"])
            observation, _ = env.reset()
    assert len(returns) > 10
    assert 8 <= min(returns) <= max(returns) <= 200
