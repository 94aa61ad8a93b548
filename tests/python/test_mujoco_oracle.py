"""The MuJoCo tasks step by step beside Gymnasium's own, from the same state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles import (
    MUJOCO_IDS,
    info_equal,
    original,
    ours,
    physics,
    random_action,
    set_physics,
)

TOLERANCE = 1e-10


def compare(env_id: str, keywords: dict[str, Any], resets: int, steps: int) -> None:
    """Step both from equal states and fail at the first difference."""
    theirs = original(env_id, **keywords).unwrapped
    mine = ours(env_id, **keywords).unwrapped
    for seed in range(resets):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        set_physics(mine, physics(theirs))
        for step in range(steps):
            action = random_action(theirs, random)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id} {keywords}, seed {seed}, step {step}"
            np.testing.assert_allclose(
                actual[0], expected[0], rtol=0, atol=TOLERANCE, err_msg=where
            )
            assert abs(actual[1] - expected[1]) <= TOLERANCE, where
            assert actual[2:4] == (bool(expected[2]), False), where
            assert info_equal(actual[4], expected[4], TOLERANCE), where
            if actual[2]:
                theirs.reset()
                mine.reset()
                set_physics(mine, physics(theirs))


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_ten_resets_and_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observation, reward, end of episode and infos agree to 1e-10."""
    compare(env_id, {}, resets=10, steps=1_000)


COMMON = [
    {"forward_reward_weight": 0.7, "ctrl_cost_weight": 0.05},
    {"exclude_current_positions_from_observation": False},
    {"frame_skip": 2},
    {"reset_noise_scale": 0.02},
]
OPTIONS = [
    *[("HalfCheetah-v5", keywords) for keywords in COMMON],
    *[("Hopper-v5", keywords) for keywords in COMMON],
    ("Hopper-v5", {"healthy_reward": 0.5}),
    ("Hopper-v5", {"terminate_when_unhealthy": False}),
    ("Hopper-v5", {"healthy_z_range": (1.0, 1.24)}),
    ("Hopper-v5", {"healthy_angle_range": (-0.05, 0.02)}),
    ("Hopper-v5", {"healthy_state_range": (-3.0, 3.0)}),
]


@pytest.mark.parametrize(("env_id", "keywords"), OPTIONS)
def test_keyword_options_mean_what_they_mean_there(
    env_id: str, keywords: dict[str, Any]
) -> None:
    """Every keyword of the originals that is a number, a flag or a range has their effect."""
    compare(env_id, keywords, resets=3, steps=100)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_first_states_have_the_original_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov, coordinate by coordinate; fixed seeds, so it cannot flake."""
    from scipy import stats

    theirs, mine = original(env_id), ours(env_id)
    expected, actual = [], []
    for seed in range(400):
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        expected.append(physics(theirs))
        actual.append(physics(mine))
    for column in range(len(expected[0])):
        a, b = np.array(actual)[:, column], np.array(expected)[:, column]
        assert stats.ks_2samp(a, b).pvalue > 1e-3, f"coordinate {column}"


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_reset_infos_agree(env_id: str) -> None:
    """What is known at reset is reported at reset, and describes the state."""
    theirs, mine = original(env_id), ours(env_id)
    theirs.reset(seed=1)
    _, actual = mine.reset(seed=1)
    set_physics(theirs, physics(mine))
    core: Any = theirs.unwrapped
    assert info_equal(actual, core._get_reset_info(), TOLERANCE)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_wrong_state_shapes_are_refused_and_change_nothing(env_id: str) -> None:
    """``set_state`` names both shapes."""
    env = ours(env_id)
    env.reset(seed=0)
    before = physics(env)
    core: Any = env.unwrapped
    with pytest.raises(ValueError, match=r"qpos has shape \[2\], expected"):
        core.set_state(np.zeros(2), core.qvel)
    with pytest.raises(ValueError, match=r"qvel has shape \[2\], expected"):
        core.set_state(core.qpos, np.zeros(2))
    np.testing.assert_array_equal(physics(env), before)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_nothing_is_printed_or_logged(
    env_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Models with deprecated attributes and diverging states stay silent, and leave no file."""
    monkeypatch.chdir(tmp_path)
    env = ours(env_id)
    env.reset(seed=0)
    core: Any = env.unwrapped
    core.set_state(core.qpos, np.full_like(core.qvel, 1e9))
    action = np.zeros(env.action_space.shape or (), np.float32)
    truncated = False
    for _ in range(20):
        *_, truncated, _ = env.step(action)
        if truncated:
            break
    assert truncated, "a state that diverges ends the episode"
    observation, _ = env.reset()
    assert np.isfinite(observation).all()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
