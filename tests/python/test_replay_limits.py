"""Epochs, the limit on samples per insert, removal by priority, and diagnostics from Python."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import palaestra
import pytest
from palaestra import ReplayBuffer, effective_sample_size
from replay_support import ACTION, BOX, filled, rows


def test_an_epoch_is_every_row_once(tmp_path: Path) -> None:
    """Across minibatches and ends of epochs; the position in it is saved."""
    buffer = filled(100, seed=2)
    drawn = np.concatenate([buffer.draw(30, "epoch").index for _ in range(10)])
    for epoch in range(3):
        np.testing.assert_array_equal(
            np.sort(drawn[100 * epoch : 100 * (epoch + 1)]), np.arange(100)
        )
    assert not np.array_equal(drawn[:100], drawn[100:200])
    batch = buffer.sample(70, "epoch")
    assert len(set(batch.index)) == 70
    np.testing.assert_array_equal(batch.reward, batch.index)
    assert (batch.probability == 1 / 100).all()
    assert (batch.weight == 1).all()
    buffer.save(tmp_path / "buffer")
    other = filled(100)
    other.load(tmp_path / "buffer")
    rest = other.draw(30, "epoch").index
    np.testing.assert_array_equal(rest, buffer.draw(30, "epoch").index)
    assert not set(rest) & set(batch.index)
    with pytest.raises(palaestra.UserError, match="empty"):
        ReplayBuffer(BOX, ACTION).sample(3, "epoch")


def test_the_limit_keeps_both_sides_together() -> None:
    """Two samples per insert: whoever is ahead by the slack has to wait, and loses nothing."""
    buffer = ReplayBuffer(BOX, ACTION, 1_000)
    assert (buffer.may_sample, buffer.may_insert) == (0, sys.maxsize)
    buffer.set_limit(min_size=10, samples_per_insert=2.0, slack=40)
    buffer.extend(**rows(0, 10))
    allowed = buffer.may_sample
    assert 0 < allowed < 100
    buffer.sample(allowed)
    assert buffer.may_sample == 0
    for call in (
        lambda: buffer.sample(1),
        lambda: buffer.sample(1, stored=True),
    ):
        with pytest.raises(palaestra.UserError, match="only 0 may be drawn"):
            call()
    buffer.draw(10)
    buffer.extend(**rows(10, 15))
    assert buffer.may_sample == 10
    room = buffer.may_insert
    with pytest.raises(palaestra.UserError, match=f"only {room}"):
        buffer.extend(**rows(15, 16 + room))
    assert len(buffer) == 15
    buffer.extend(**rows(15, 15 + room))
    assert buffer.may_insert == 0
    for limit, text in [
        ({"min_size": 0}, "min_size"),
        ({"samples_per_insert": -1.0}, "samples_per_insert"),
        ({"slack": np.inf}, "slack"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            buffer.set_limit(**limit)
    assert buffer.may_insert == 0
    buffer.set_limit()
    assert buffer.may_sample == buffer.may_insert == sys.maxsize


def test_the_lowest_priority_makes_room() -> None:
    """The best rows stay, whenever they came; what needs neighbours is refused."""
    random = np.random.default_rng(0)
    priority = random.permutation(300).astype(np.float32)
    buffer = ReplayBuffer(
        BOX,
        ACTION,
        100,
        priorities=True,
        priority_exponent=1.0,
        removal="lowest_priority",
    )
    buffer.extend(**rows(0, 300), priority=priority)
    ids = buffer.ids()
    kept: list[tuple[float, int]] = []
    for row, value in enumerate(priority):
        if len(kept) == 100:
            kept.remove(min(kept))  # also where the new one is lower
        kept.append((value, row))
    assert set(buffer.read("reward", ids)) == {row for _, row in kept}
    np.testing.assert_array_equal(
        buffer.weights(ids), priority[buffer.read("reward", ids).astype(int)]
    )
    shown = buffer.column("reward")[buffer.slots()]
    np.testing.assert_array_equal(shown, buffer.read("reward", ids))
    batch = buffer.sample(500, stored=True)
    t = batch.reward
    ends = t % 10 == 9
    np.testing.assert_array_equal(
        batch.next_observation[:, 0], t + np.where(ends, 0.5, 1)
    )
    for call in (
        lambda: buffer.sample(4, n_step=2),
        lambda: buffer.gather(ids, n_step=2),
        lambda: buffer.sample(4, "recent"),
        buffer.begin_group,
    ):
        with pytest.raises(palaestra.UserError, match="stand alone"):
            call()
    for options, text in [
        ({"removal": "newest"}, '"newest".*oldest, lowest_priority'),
        ({"removal": "lowest_priority"}, "priorit"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            filled(10, **options)


def test_diagnostics() -> None:
    """What draws are made of, against NumPy."""
    buffer = filled(40, priorities=True, priority_exponent=1.0)
    with buffer.group(1):
        buffer.extend(**rows(40, 100))
    weights = np.arange(100, dtype=np.float32)
    buffer.update_priorities(buffer.ids(), weights)
    index = buffer.sample(1_000, "uniform").index.copy()
    np.testing.assert_array_equal(
        buffer.group_histogram(index), [(index >= 40).sum(), (index < 40).sum()]
    )
    ages = buffer.age_summary(index)
    age = 99 - index
    assert (ages.youngest, ages.oldest) == (age.min(), age.max())
    assert ages.mean == pytest.approx(age.mean())
    assert ages.median == pytest.approx(np.median(age), abs=1)
    assert ages.tenths.sum() == 1_000
    assert ages.tenths.shape == (10,)
    priorities = buffer.priority_summary()
    assert priorities[:4] == (100, 1, 1, 99)
    assert priorities.mean == pytest.approx(49.5)
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert priorities.effective_rows == pytest.approx(effective)
    assert effective_sample_size(weights) == pytest.approx(effective)
    assert effective_sample_size([2.0, 2.0, 0.0]) == 2
    for call, text in [
        (lambda: effective_sample_size([-1.0]), "weight 0 is -1"),
        (lambda: buffer.age_summary([]), "row"),
        (lambda: buffer.age_summary([500]), "500"),
        (lambda: filled(5).priority_summary(), "priorities"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()
