"""Our frozen lake beside Gymnasium's: tables entry by entry, and what steps do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium.envs.toy_text.frozen_lake import generate_random_map
from oracles import original, ours

WIDE = ["SFFHF", "FHFFG"]
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("FrozenLake-v1", {}),
    ("FrozenLake8x8-v1", {}),
    ("FrozenLake-v1", {"map_name": "8x8"}),
    ("FrozenLake8x8-v1", {"map_name": "4x4"}),
    ("FrozenLake-v1", {"is_slippery": False}),
    ("FrozenLake-v1", {"success_rate": 0.0}),
    ("FrozenLake-v1", {"success_rate": 0.7, "reward_schedule": (10, -5, -0.1)}),
    ("FrozenLake-v1", {"success_rate": 1.0, "desc": WIDE}),
    ("FrozenLake8x8-v1", {"desc": ["SFS", "FHF", "GFG"], "is_slippery": False}),
    ("FrozenLake-v1", {"desc": generate_random_map(12, 0.7, seed=3)}),
]
every_option = pytest.mark.parametrize(("env_id", "options"), OPTIONS)


@every_option
def test_the_table_is_that_of_the_original(
    env_id: str, options: dict[str, Any]
) -> None:
    """Every probability, next state, reward and end, in the original's order, to the last bit."""
    core: Any = original(env_id, **options).unwrapped
    assert palaestra.transition_table(env_id, **options) == core.P
    env = ours(env_id, **options)
    assert env.observation_space == core.observation_space
    assert env.action_space == core.action_space
    start, _ = palaestra._palaestra.tabular_model(
        env_id, palaestra._keywords.to_native(env_id, options)
    )
    np.testing.assert_array_equal(start, core.initial_state_distrib)


@pytest.mark.parametrize("env_id", ["FrozenLake-v1", "FrozenLake8x8-v1"])
def test_registration_carries_the_facts_of_the_original(env_id: str) -> None:
    """Time limit, reward threshold, infos."""
    mine, theirs = gymnasium.spec(f"palaestra/{env_id}"), gymnasium.spec(env_id)
    assert mine.max_episode_steps == theirs.max_episode_steps
    assert mine.reward_threshold == theirs.reward_threshold
    a, b = ours(env_id), original(env_id)
    assert a.reset(seed=0) == b.reset(seed=0)
    assert a.step(1)[4].keys() == b.step(1)[4].keys()


@every_option
def test_steps_of_both_follow_one_law(env_id: str, options: dict[str, Any]) -> None:
    """Random walks of ours against the original's own table, by chi-square over all pairs."""
    core: Any = original(env_id, **options).unwrapped
    n, steps = 400, 120
    env = palaestra.make_vec(
        env_id, n, seed=7, autoreset_mode="SameStep", threads=1, **options
    )
    before = env.reset()[0].copy()
    random = np.random.default_rng(0)
    seen: Counter[tuple[Any, ...]] = Counter()
    visits: Counter[tuple[int, int]] = Counter()
    for _ in range(steps):
        actions = random.integers(4, size=n)
        observation, reward, terminated, truncated, info = env.step(actions)
        ended = terminated | truncated
        after = np.where(ended, info["final_obs"], observation)
        for i in range(n):
            pair = (int(before[i]), int(actions[i]))
            visits[pair] += 1
            seen[(*pair, int(after[i]), float(reward[i]), bool(terminated[i]))] += 1
        before = observation.copy()
    chi_square, degrees = 0.0, 0
    allowed = set()
    for (state, action), count in visits.items():
        law: Counter[tuple[Any, ...]] = Counter()
        for probability, following, reward_of, over in core.P[state][action]:
            if probability > 0:
                law[(state, action, following, reward_of, over)] += probability
        allowed |= law.keys()
        if count * min(law.values()) < 5:
            continue
        degrees += len(law) - 1
        for key, probability in law.items():
            chi_square += (seen[key] - count * probability) ** 2 / (count * probability)
    assert seen.keys() <= allowed
    # mean k, variance 2 k: five standard deviations, and exact where nothing is random
    assert chi_square <= degrees + 5 * np.sqrt(2 * degrees)
    assert (
        degrees > 20
        or not options.get("is_slippery", True)
        or options.get("success_rate") in (0.0, 1.0)
    )


def test_several_starts_are_drawn_evenly() -> None:
    """Three starts in 6,000 rows."""
    env = palaestra.make_vec("FrozenLake-v1", 6_000, desc=["SSS", "FHG"])
    counts = np.bincount(env.reset(seed=1)[0], minlength=6)
    assert counts[3:].sum() == 0
    assert ((counts[:3] - 2_000) ** 2 / 2_000).sum() < 18.4  # 99.99 %, 2 degrees


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"desc": ["SFF", "FG"]}, "row 1 of the map has 2 cells, the first one 3"),
        ({"desc": ["SFX", "FFG"]}, 'row 0 of the map has the letter "X"'),
        ({"desc": ["FFF", "FFG"]}, r"no start \(S\)"),
        ({"desc": ["SFF", "FFF"]}, r"no goal \(G\)"),
        ({"desc": ["SHG", "FHF"]}, "no goal can be reached from cell 0"),
        ({"desc": ["SF/G"]}, "row 1 of the map has 1 cells"),
        ({"desc": []}, "desc"),
        ({"desc": ["", ""]}, "row 0 of the map is empty"),
        ({"desc": ["S" * 300] * 300}, "too large"),
        ({"desc": 3}, "option desc is 3; accepted: text"),
        ({"map_name": "5x5"}, 'map_name is "5x5"; accepted: 4x4, 8x8'),
        ({"map_name": None}, "map_name is None"),
        ({"success_rate": 1.5}, "success_rate is 1.5; accepted: 0.0 to 1.0"),
        ({"success_rate": -0.1}, "success_rate is -0.1"),
        ({"success_rate": float("nan")}, "success_rate is nan"),
        ({"success_rate": "high"}, 'success_rate is "high"; accepted: 0.0 to 1.0'),
        ({"is_slippery": 2}, "is_slippery is 2"),
        ({"reward_schedule": (1, 0)}, "reward_schedule"),
        ({"reward_schedule": (1, 0, 0, 0)}, "reward_schedule_3"),
        ({"reward_schedule": (1, 0, float("inf"))}, "reward_schedule_2 is inf"),
        ({"is_slipery": 1}, 'no option "is_slipery"; did you mean "is_slippery"'),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    """By name and value, by both doors."""
    for make in (ours, lambda i, **k: palaestra.make_vec(i, 2, **k)):
        with pytest.raises(palaestra.UserError, match=message):
            make("FrozenLake-v1", **options)
