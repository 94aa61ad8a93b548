"""The statistics behind the learning tables, on samples whose answers are known."""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from compare_learning import add, compare, improvement, returns_at, summary, table


def test_a_summary_is_what_the_books_say() -> None:
    s = summary(np.array([1.0, 2.0, 3.0, 4.0, 100.0, 5.0, 6.0, 7.0]))
    assert s.median == 4.5
    assert s.interquartile_mean == 4.5  # of 3, 4, 5, 6
    assert s.mean == 16.0
    three = summary(np.array([4784.0, 4212.0, 4102.0]))
    assert three.mean == 4366
    # t(0.975, 2) = 4.3027; standard deviation 366.1
    assert three.half_width == pytest.approx(909.6, abs=0.5)


def test_the_permutation_test_counts_every_split() -> None:
    ours, theirs = np.array([1.0, 4.0, 2.0, 8.0]), np.array([9.0, 5.0, 11.0])
    everything = np.concatenate([ours, theirs])
    observed = abs(ours.mean() - theirs.mean())
    splits = list(combinations(range(7), 4))
    extreme = sum(
        abs(everything[list(split)].mean() - np.delete(everything, list(split)).mean())
        >= observed - 1e-12
        for split in splits
    )
    c = compare(ours, theirs)
    assert c.permutation == pytest.approx(extreme / len(splits), abs=0.03)
    assert c.improvement == 1 / 12  # 8 beats 5, nothing else does
    assert c.improvement_low <= c.improvement <= c.improvement_high
    assert c.difference_low < ours.mean() - theirs.mean() < c.difference_high


def test_samples_far_apart_differ_and_equal_ones_do_not() -> None:
    low, high = np.arange(8.0), np.arange(8.0) + 100
    apart = compare(low, high)
    assert max(apart.permutation, apart.mann_whitney, apart.welch) < 1e-3
    assert apart.improvement == 0
    same = compare(low, low)
    assert min(same.permutation, same.mann_whitney, same.welch) > 0.9
    assert improvement(low, low) == 0.5


def test_a_seed_is_replaced_and_one_that_did_not_get_there_is_left_out() -> None:
    record: list[dict] = []
    for seed, value in ((1, 10.0), (0, 20.0), (1, 30.0)):
        add(record, "palaestra", seed, {100: value, 50: 0.0})
    add(record, "palaestra", 2, {50: 1.0})
    add(record, "Stable-Baselines3", 0, {100: 25.04})
    add(record, "Stable-Baselines3", 1, {100: 26.0})
    record = json.loads(json.dumps(record))
    assert returns_at(record, "palaestra", 100)[0] == [0, 1]
    assert list(returns_at(record, "palaestra", 100)[1]) == [20.0, 30.0]
    text = table(record, 100)
    assert "| palaestra, 2 seeds | 0: 20, 1: 30 | 25 | 25 | 25 ± 64 |" in text
    assert "| Stable-Baselines3, 2 seeds | 0: 25, 1: 26 |" in text
