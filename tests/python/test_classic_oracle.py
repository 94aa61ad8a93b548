"""The classic tasks step by step beside Gymnasium's own, from the same state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracles import (
    CLASSIC_IDS,
    Env,
    original,
    ours,
    physics,
    random_action,
    set_physics,
)

TOLERANCE = 1e-9


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
def test_ten_times_a_thousand_steps_agree(env_id: str) -> None:
    """State, observation, reward and end of episode agree to 1e-9, through resets."""
    theirs, mine = original(env_id), ours(env_id)
    for seed in range(10):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        set_physics(mine, physics(theirs))
        for step in range(1_000):
            action = random_action(theirs, random)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"seed {seed}, step {step}"
            np.testing.assert_allclose(
                physics(mine), physics(theirs), rtol=0, atol=TOLERANCE, err_msg=where
            )
            np.testing.assert_allclose(
                actual[0], expected[0], rtol=0, atol=5e-7, err_msg=where
            )
            assert abs(actual[1] - expected[1]) <= TOLERANCE, where
            assert actual[2:] == (bool(expected[2]), expected[3], {}), where
            if actual[2] or actual[3]:
                theirs.reset()
                mine.reset()
                set_physics(mine, physics(theirs))


@pytest.mark.parametrize("equations", ["book", "nips"])
def test_acrobot_has_the_very_bits_of_the_original(equations: str) -> None:
    """The motion is chaotic: a thousand steps without a reset magnify a last bit past any bound."""
    core: Any = original("Acrobot-v1").unwrapped
    core.book_or_nips = equations
    theirs: Env = core
    nips = equations == "nips"
    mine = ours("Acrobot-v1", max_episode_steps=10_000, nips=nips).unwrapped
    for seed in range(10):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        set_physics(mine, physics(theirs))
        for step in range(1_000):
            action = random_action(theirs, random)
            theirs.step(action)
            ended = mine.step(action)[2]
            np.testing.assert_array_equal(
                physics(mine), physics(theirs), err_msg=f"seed {seed}, step {step}"
            )
            if ended:  # the original can be stepped on
                mine.reset()
                set_physics(mine, physics(theirs))


@pytest.mark.parametrize(
    ("env_id", "keywords"),
    [
        ("CartPole-v1", {"sutton_barto_reward": True}),
        ("MountainCar-v0", {"goal_velocity": 0.02}),
        ("MountainCarContinuous-v0", {"goal_velocity": 0.02}),
        ("Pendulum-v1", {"g": 9.81}),
    ],
)
def test_keyword_options_mean_what_they_mean_there(
    env_id: str, keywords: dict[str, float]
) -> None:
    """Every keyword of the originals is accepted and has their effect."""
    theirs = original(env_id, **keywords).unwrapped
    mine = ours(env_id, **keywords).unwrapped
    plain = ours(env_id).unwrapped
    differs = False
    for seed in range(20):
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        plain.reset(seed=seed)
        # near the goal or the fall, where the keywords matter
        state = physics(theirs)
        if env_id.startswith("MountainCar"):
            state = np.array([0.44 + 0.005 * seed, 0.003 * seed])
            set_physics(theirs, state)
        set_physics(mine, state)
        set_physics(plain, state)
        random = np.random.default_rng(seed)
        for _ in range(30):
            action = random_action(theirs, random)
            expected, actual = theirs.step(action), mine.step(action)
            assert abs(actual[1] - expected[1]) <= TOLERANCE
            assert actual[2] == bool(expected[2])
            done = False
            if not differs:
                other = plain.step(action)
                differs = other[1] != actual[1] or other[2] != actual[2]
                done = other[2]
            if actual[2] or done:
                break
    assert differs


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
def test_reset_options_draw_the_original_numbers(env_id: str) -> None:
    """With bounds in ``options`` a seeded reset gives Gymnasium's own first state."""
    options = (
        {"x_init": 0.3, "y_init": 0.2}
        if env_id.startswith("Pendulum")
        else {"low": -0.02, "high": 0.01}
    )
    theirs, mine = original(env_id), ours(env_id)
    for seed in range(5):
        expected, _ = theirs.reset(seed=seed, options=dict(options))
        actual, _ = mine.reset(seed=seed, options=dict(options))
        np.testing.assert_array_equal(physics(mine), physics(theirs))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("env_id", CLASSIC_IDS)
def test_first_states_have_the_original_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov, coordinate by coordinate; fixed seeds, so it cannot flake."""
    from scipy import stats

    theirs, mine = original(env_id), ours(env_id)
    expected, actual = [], []
    for seed in range(600):
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        expected.append(physics(theirs))
        actual.append(physics(mine))
    for column in range(len(expected[0])):
        a, b = np.array(actual)[:, column], np.array(expected)[:, column]
        assert stats.ks_2samp(a, b).pvalue > 1e-3, f"coordinate {column}"
