"""Finite stochastic tasks: Gymnasium's contract, discrete observations, exact values."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from oracles import TABULAR_IDS, ours

every_id = pytest.mark.parametrize("env_id", TABULAR_IDS)


@every_id
def test_the_checker_of_gymnasium_is_content(env_id: str) -> None:
    """``check_env`` passes without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(ours(env_id).unwrapped, skip_render_check=True)


@every_id
def test_observations_are_integers_of_a_discrete_space(env_id: str) -> None:
    """Single environment, batch and Gymnasium's vector form agree on values and types."""
    env, n = ours(env_id), 5
    native = palaestra.make_vec(env_id, n)
    vector = gymnasium.make_vec(f"palaestra/{env_id}", n)
    assert isinstance(env.observation_space, spaces.Discrete)
    assert native.observation_space == vector.observation_space
    assert isinstance(vector.observation_space, spaces.MultiDiscrete)
    singles = [ours(env_id) for _ in range(n)]
    firsts = [single.reset(seed=3 + i) for i, single in enumerate(singles)]
    observation, _ = native.reset(seed=3)
    theirs, infos = vector.reset(seed=3)
    assert observation.dtype == np.int64
    assert [first[1] for first in firsts] == [{"prob": 1.0}] * n
    np.testing.assert_array_equal(observation, [first[0] for first in firsts])
    np.testing.assert_array_equal(theirs, observation)
    np.testing.assert_array_equal(infos["prob"], np.ones(n))
    random = np.random.default_rng(0)
    actions = random.integers(native.single_action_space.n, size=n)
    mine = native.step(actions)
    also = vector.step(actions)
    for i, single in enumerate(singles):
        result = single.step(int(actions[i]))
        assert env.observation_space.contains(result[0])
        assert result[:3] == (mine[0][i], mine[1][i], mine[2][i])
        assert result[:3] == (also[0][i], also[1][i], also[2][i])
        assert result[4]["prob"] == mine[4]["prob"][i] == also[4]["prob"][i]


@every_id
def test_luck_depends_on_seed_and_episode_alone(env_id: str) -> None:
    """The same seed tells the same story; a copy in between too; threads do not matter."""

    def story(env: gymnasium.Env[Any, Any], seed: int | None) -> list[Any]:
        told: list[Any] = []
        for episode in range(30):
            told.append(env.reset(seed=seed if episode == 0 else None)[0])
            over, step = False, 0
            while not over:
                action = (episode + step) % env.action_space.n  # type: ignore[attr-defined]
                *result, info = env.step(action)
                told += [*result, info["prob"]]
                over, step = bool(result[2] or result[3]), step + 1
        return told

    env = ours(env_id)
    first = story(env, 8)
    assert story(ours(env_id), 8) == first != story(env, 9)
    twin = copy.deepcopy(env)
    assert story(env, None) == story(twin, None)

    columns = []
    for threads in (1, 2, 3, 7):
        batch = palaestra.make_vec(env_id, 4_000, seed=2, threads=threads)
        batch.reset()
        random = np.random.default_rng(1)
        for _ in range(20):
            batch.step(random.integers(batch.single_action_space.n, size=4_000))
        columns.append(batch.get_state(None))
    for other in columns[1:]:
        np.testing.assert_array_equal(other, columns[0])


def test_exact_values_by_name() -> None:
    """Closed forms through the package; options, horizons and ids behind the prefix."""
    assert palaestra.optimal_value("palaestra/BernoulliBandit-v0", p=0.3) == 0.7
    assert palaestra.optimal_value("RareJackpot-v0") == 5.0
    assert palaestra.optimal_value("LeakyTwoStep-v0") == 0.5
    assert palaestra.optimal_value("LeakyTwoStep-v0", horizon=1) == 0.0
    assert palaestra.optimal_value("Gambling-v0", horizon=0) == 1.0
    assert palaestra.transition_table("BernoulliBandit-v0", p=0.25) == {
        0: {
            0: [(0.25, 0, 1.0, True), (0.75, 0, 0.0, True)],
            1: [(0.75, 0, 1.0, True), (0.25, 0, 0.0, True)],
        }
    }


def test_what_cannot_be_is_refused() -> None:
    """Options out of range, tasks without a table, actions and states that do not exist."""
    refused = [
        (lambda: ours("BernoulliBandit-v0", p=0.6), "p is 0.6"),
        (lambda: ours("BernoulliBandit-v0", q=0.1), 'no option "q"'),
        (lambda: palaestra.optimal_value("Hopper-v5"), "no table of outcomes"),
        (lambda: palaestra.optimal_value("Gambling-v0", horizon=-1), "horizon is -1"),
        (lambda: palaestra.optimal_value("Gambling-v0", horizon=0.5), "an integer"),
        (lambda: palaestra.transition_table("Gamblin-v0"), "Gambling-v0"),
    ]
    for call, message in refused:
        with pytest.raises(palaestra.UserError, match=message):
            call()
    batch = palaestra.make_vec("Gambling-v0", 2)
    batch.reset()
    for actions in ([0, 3], [-1, 0]):
        with pytest.raises(palaestra.UserError, match="accepted: 0 to 2"):
            batch.step(np.array(actions))
    with pytest.raises(palaestra.UserError, match="0 to 6"):
        batch.set_physics(0, np.array([7.0]))


@pytest.mark.parametrize("env_id", ["DoubleIntegrator-v0", "TakeCover-v0"])
def test_the_checker_is_content_with_luck_in_boxes(env_id: str) -> None:
    """Tasks of ours whose observations are numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # a push of 10 is what it is
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(ours(env_id).unwrapped, skip_render_check=True)


def earns(sigma: float, gains: Any = None) -> float:
    """What a linear policy without noise, or the best one, earns in 50 steps: by matrices."""
    a, b = np.array([[1, 0.1], [0, 1]]), np.array([[0.0], [0.1]])
    cost, shaking = np.zeros((2, 2)), 0.0
    for t in reversed(range(50)):
        deviation = (1 - np.exp(-0.01 * t)) * abs(np.sin(t)) * sigma
        shaking += (b.T @ cost @ b).item() * deviation**2
        if gains is None:
            k = np.linalg.solve(0.01 + b.T @ cost @ b, b.T @ cost @ a)
        else:
            k = np.array([gains])
        closed = a - b @ k
        cost = np.diag([1, 0.1]) + 0.01 * k.T @ k + closed.T @ cost @ closed
    return -float(cost[0, 0]) - shaking


def test_the_double_integrator_plays_as_it_is_valued() -> None:
    """The optimum by matrices; a policy's value beside 2,000 episodes of it."""
    gains = np.array([7.604, 4.978])
    for sigma, best in ((0, -6.546), (1, -6.554), (5, -6.747), (10, -7.352)):
        value = palaestra.optimal_value("DoubleIntegrator-v0", sigma=sigma)
        assert abs(value - best) <= 0.0005001
        assert value == pytest.approx(earns(sigma), rel=1e-12)
        envs = palaestra.make_vec(
            "DoubleIntegrator-v0", 2_000, autoreset_mode="SameStep", sigma=sigma
        )
        observation, info = envs.reset(seed=1)
        for _ in range(50):
            push = -observation @ gains[:, None].astype(np.float32)
            observation, _, _, truncated, info = envs.step(push)
        assert truncated.all()
        returns = info["episode_return"]
        error = returns.std() / len(returns) ** 0.5
        assert abs(returns.mean() - earns(sigma, gains)) < 4 * error + 1e-5
