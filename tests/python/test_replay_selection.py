"""Selections, groups, pinned rows and tails of the replay buffer from Python."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import palaestra
import pytest
from palaestra import ReplayBuffer
from replay_support import ACTION, BOX, filled, rows
from scipy import stats


def counts(buffer: ReplayBuffer, total: int, **request: Any) -> np.ndarray:
    """How often each row number of the first lane is drawn."""
    drawn = np.zeros(total)
    for _ in range(10):
        draw = buffer.draw(5_000, **request)
        np.add.at(drawn, draw.index, 1)
        mass = np.bincount(draw.index, draw.probability, total) / np.maximum(
            np.bincount(draw.index, minlength=total), 1
        )
        seen = mass > 0
        if seen.all():
            assert mass.sum() == pytest.approx(1)
    return drawn


def likely(drawn: np.ndarray, weights: np.ndarray) -> bool:
    """Chi-square over the rows of positive weight; the others must not have been drawn."""
    possible = weights > 0
    expected = drawn.sum() * weights[possible] / weights.sum()
    return (
        drawn[~possible].sum() == 0
        and stats.chisquare(drawn[possible], expected).pvalue > 1e-3
    )


def test_every_selection_draws_what_it_says() -> None:
    """Chi-square over the rows."""
    buffer = ReplayBuffer(BOX, ACTION, priorities=True, priority_exponent=1.0, seed=3)
    weights = 1.0 + np.arange(200) % 7
    for group, (begin, end) in enumerate([(0, 30), (30, 120), (120, 200)]):
        with buffer.group(tag=group):
            buffer.extend(**rows(begin, end), priority=weights[begin:end])
    t = np.arange(200)
    assert likely(counts(buffer, 200, selection="uniform"), np.ones(200))
    assert likely(counts(buffer, 200, selection="priority"), weights)
    assert likely(counts(buffer, 200, selection="priority", stratified=True), weights)
    assert likely(counts(buffer, 200, selection="recent", recent=40), t >= 160)
    assert likely(counts(buffer, 200, selection="episode"), np.ones(200))
    size = np.array([30, 90, 80])[np.digitize(t, [30, 120])]
    assert likely(counts(buffer, 200, selection="group"), 1 / size)
    mass = np.array([weights[a:b].sum() for a, b in [(0, 30), (30, 120), (120, 200)]])[
        np.digitize(t, [30, 120])
    ]
    assert likely(counts(buffer, 200, selection="group_priority"), weights / mass)
    buffer.set_group_weights([1, 0, 3])
    given = np.array([0.25, 0, 0.75])[np.digitize(t, [30, 120])]
    assert likely(counts(buffer, 200, selection="group"), given / size)
    buffer.set_group_weights("geometric", discount=0.5)
    given = np.array([0.25, 0.25, 0.5])[np.digitize(t, [30, 120])]
    assert likely(counts(buffer, 200, selection="group"), given / size)
    assert [g.probability for g in buffer.groups] == pytest.approx([0.25, 0.25, 0.5])

    ranked = filled(200, priorities="ranked", priority_exponent=1.0)
    assert ranked.priorities == "ranked"
    ranked.update_priorities(ranked.ids(), 1.0 + (7 * t) % 200)
    assert likely(counts(ranked, 200), 1 / (200 - (7 * t) % 200))


def test_episodes_are_drawn_within_groups() -> None:
    """Episodes of ten rows; one that goes on behind a group counts there with what it has."""
    buffer = ReplayBuffer(BOX, ACTION, 500, seed=5)
    weights = np.zeros(200)
    for begin, end in [(0, 25), (25, 88), (88, 200)]:
        with buffer.group():
            buffer.extend(**rows(begin, end))
        episode = np.arange(begin, end) // 10
        lengths = np.bincount(episode)
        weights[begin:end] = 1 / ((lengths > 0).sum() * lengths[episode])
    assert likely(counts(buffer, 200, selection="group_episode"), weights)


def test_the_default_selection_follows_the_priorities() -> None:
    """By priority where there are any, else uniform."""
    plain = filled(50)
    assert plain.priorities is None
    assert (plain.sample(100).probability == 1 / 50).all()
    ranked = filled(50, priorities=True, priority_exponent=1.0)
    assert ranked.priorities == "proportional"
    ranked.update_priorities(ranked.ids(), [0.0] * 49 + [2.0])
    np.testing.assert_array_equal(ranked.weights([48, 49]), [0, 2])
    assert (ranked.sample(100).index == 49).all()
    assert len(set(ranked.sample(1_000, "uniform").index)) == 50


def test_groups_are_told_apart() -> None:
    """Tags, sizes, members, eviction, dropping; the context manager closes what it opened."""
    buffer = filled(20, capacity=100)
    with buffer.group(7) as first:
        assert buffer.group_open
        buffer.extend(**rows(20, 60))
    assert not buffer.group_open
    second = buffer.begin_group(8)
    buffer.extend(**rows(60, 100))
    buffer.end_group()
    assert [(g.id, g.tag, g.rows) for g in buffer.groups] == [
        (first, 7, 40),
        (second, 8, 40),
    ]
    np.testing.assert_array_equal(
        buffer.group_of(buffer.ids()), [-1] * 20 + [first] * 40 + [second] * 40
    )
    buffer.extend(**rows(100, 130))
    assert [g.rows for g in buffer.groups] == [30, 40]
    buffer.drop_group(first)
    assert [g.id for g in buffer.groups] == [second]
    assert len(buffer) == 100
    with pytest.raises(RuntimeError, match="mine"), buffer.group() as third:
        buffer.extend(**rows(130, 140))
        raise RuntimeError("mine")
    assert [g.id for g in buffer.groups] == [second, third]


def test_pinned_rows_stay() -> None:
    """Demonstrations are drawn beside the ring's rows, and nothing evicts them."""
    buffer = ReplayBuffer(BOX, ACTION, 50, pinned=30)
    assert buffer.capacity == 80
    buffer.pin(**rows(1_000, 1_020))
    buffer.extend(**rows(0, 300))
    rewards = set(buffer.read("reward", buffer.ids()))
    assert rewards == set(range(250, 300)) | set(range(1_000, 1_020))
    assert set(buffer.sample(2_000).reward) == rewards
    assert set(buffer.sample(1_000, "recent", recent=50).reward) == set(range(250, 300))
    with pytest.raises(palaestra.UserError, match="11 rows, room for 10"):
        buffer.pin(**rows(1_020, 1_031))
    assert len(buffer) == 70
    with pytest.raises(palaestra.UserError, match="no room for pinned"):
        filled().pin(**rows(0, 2))


def test_a_tail_is_forgotten() -> None:
    """What was there before is there again; the context manager rolls back even when it raises."""
    buffer = ReplayBuffer(BOX, ACTION, 60, tail=20)
    buffer.extend(**rows(0, 60))
    before = buffer.ids()
    with buffer.ephemeral():
        assert buffer.marked
        buffer.extend(**rows(60, 90))
        assert len(buffer) == 80
        assert set(buffer.sample(500, "recent").reward) == set(range(70, 90))
    assert not buffer.marked
    np.testing.assert_array_equal(buffer.ids(), before)
    with pytest.raises(ZeroDivisionError), buffer.ephemeral():
        buffer.extend(**rows(60, 65))
        _ = 1 / 0
    np.testing.assert_array_equal(buffer.ids(), before)
    buffer.mark()
    buffer.roll_back()
    for call, text in [
        (buffer.roll_back, "no mark is set"),
        (filled().mark, "no room for a tail"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()


def test_columns_are_overwritten_in_place() -> None:
    """Rewards after the fact; states are refused, and nothing is written with a bad row."""
    buffer = filled(50)
    buffer.write("reward", [3, 5], [30.0, 50.0])
    np.testing.assert_array_equal(buffer.read("reward", [3, 4, 5]), [30, 4, 50])
    for column, index, values, text in [
        ("observation", [3], np.zeros((1, 3)), "is a state"),
        ("reward", [3], [1.0, 2.0], r"\[2\], expected \[1\]"),
        ("reward", [4, 90], [1.0, 2.0], "90 is not stored"),
        ("reward", [4], [np.inf], "not finite"),
        ("action", [4], np.zeros((1, 2), complex), "complex128"),
        ("gain", [4], [1.0], "gain"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            buffer.write(column, index, values)
    np.testing.assert_array_equal(buffer.read("reward", [3, 4, 5]), [30, 4, 50])


def test_bad_arguments_are_named() -> None:
    """The argument, its value, what is accepted; the draws go on as if nothing had been asked."""
    buffer, same = filled(priorities=True, seed=1), filled(priorities=True, seed=1)
    for call, text in [
        (lambda: buffer.sample(4, "newest"), 'selection is "newest".*recent'),
        (lambda: buffer.draw(4, "newest"), 'draw: selection is "newest".*recent'),
        (lambda: buffer.sample(4, "recent", recent=0), "recent is 0"),
        (lambda: buffer.draw(0), "rows is 0"),
        (lambda: buffer.draw(4, weight_scale="all"), '"all".*buffer, batch, none'),
        (lambda: buffer.sample(4, importance_exponent=-1), "importance_exponent is -1"),
        (lambda: buffer.sample(4, "group"), "no group has been closed"),
        (lambda: buffer.sample(4, "group_episode"), "no group has been closed"),
        (lambda: buffer.gather([0], n_step=0), "n_step is 0"),
        (lambda: buffer.gather([0], discount=2.0), "discount is 2"),
        (lambda: buffer.set_group_weights("old"), '"old".*equal, geometric'),
        (lambda: buffer.set_group_weights("geometric", discount=0), "discount"),
        (lambda: buffer.set_group_weights("equal", eviction="x"), "inherit, renorm"),
        (lambda: buffer.set_group_weights([1.0]), "1"),
        (buffer.end_group, "group"),
        (lambda: buffer.drop_group(5), "5"),
        (lambda: buffer.cut(1), "lane is 1, expected 0 to 0"),
        (lambda: buffer.extend(**rows(0, 2), lane=2), "lane is 2"),
        (lambda: buffer.set_limit(min_size="a"), "min_size is 'a'; accepted"),
        (lambda: buffer.column(3), "name is 3; accepted: a text"),
        (lambda: buffer.weights([10_000]), "10000 is not stored"),
        (lambda: buffer.group_of([10_000]), "10000 is not stored"),
        (lambda: filled().weights([0]), "no priorities"),
        (lambda: filled(priorities="rank"), '"rank".*proportional, ranked'),
        (lambda: filled(priority_exponent=2.0), "exponent is 2"),
        (lambda: filled(capacity=0), "capacity is 0"),
        (lambda: filled(lanes=0), "lanes is 0"),
        (lambda: filled(lanes=4, tail=3), "tail is 3"),
        (lambda: filled(pinned=-1), "pinned is -1"),
        (lambda: filled(file="/no/such/folder/rows"), "/no/such/folder/rows"),
        (lambda: filled(extra={"reward": (np.float32, ())}), "reward.*twice"),
        (lambda: filled(extra={"x": (np.float32, (0,))}), "extent of 0"),
        (lambda: filled(extra={"x": np.float32}), r"extra\['x'\] is .*dtype, shape"),
        (lambda: filled(capacity=1.5), "capacity is 1.5; accepted: an integer"),
        (lambda: filled(lanes="a"), "lanes is 'a'; accepted: an integer"),
        (lambda: filled(seed=-1), r"seed is -1; .* 0 to 2\*\*64 - 1"),
        (lambda: filled(threads=2**31), "threads is 2147483648"),
        (lambda: filled(priorities=5), "priorities is 5; accepted: a text"),
        (lambda: filled(priority_exponent="a"), "exponent is 'a'; accepted: a number"),
        (lambda: buffer.sample(1.5), "rows is 1.5; accepted: an integer"),
        (lambda: buffer.sample(4, 5), "selection is 5; accepted: a text"),
        (lambda: buffer.sample(4, n_step=1.5), "n_step is 1.5; accepted: an integer"),
        (lambda: buffer.sample(4, discount="a"), "discount is 'a'; accepted: a number"),
        (lambda: buffer.sample(4, stored="a"), "stored is 'a'; accepted: True or"),
        (lambda: buffer.draw(4, recent="a"), "draw: recent is 'a'; accepted: an int"),
        (lambda: buffer.gather([0.5]), r"index is \[0.5\]; accepted: integers"),
        (lambda: buffer.read("reward", [0.5]), r"index is \[0.5\]; accepted: integers"),
        (lambda: buffer.write("reward", [0.5], [1.0]), "index is .*accepted: integers"),
        (lambda: buffer.weights([0.5]), "index is .*accepted: integers"),
        (lambda: buffer.group_of([0.5]), "index is .*accepted: integers"),
        (lambda: buffer.slots([0.5]), "index is .*accepted: integers"),
        (lambda: buffer.group_histogram([0.5]), "index is .*accepted: integers"),
        (lambda: buffer.age_summary([0.5]), "index is .*accepted: integers"),
        (lambda: buffer.update_priorities([0.5], [1.0]), "index is .*integers"),
        (lambda: buffer.update_priorities([0], ["a"]), "priorities is .*: numbers"),
        (lambda: buffer.set_group_weights(["a"]), "weights is .*accepted: numbers"),
        (lambda: buffer.begin_group(0.5), "tag is 0.5; accepted: an integer"),
        (lambda: buffer.drop_group(0.5), "id is 0.5; accepted: an integer"),
        (lambda: buffer.cut(0.5), "lane is 0.5; accepted: an integer"),
        (lambda: buffer.extend(**rows(0, 2), lane=0.5), "lane is 0.5; accepted"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()
    assert len(buffer) == 500
    np.testing.assert_array_equal(buffer.sample(50).index, same.sample(50).index)


def test_other_threads_run_during_a_large_append() -> None:
    """The interpreter lock is free, and whoever calls meanwhile is told so."""
    buffer = ReplayBuffer(BOX, ACTION, 1_000_000)
    many = rows(0, 1_000_000)
    calls = {
        "sample": lambda: buffer.sample(8),
        "column": lambda: buffer.column("reward"),
        "ids": buffer.ids,
        "groups": lambda: buffer.groups,
        "cut": lambda: buffer.cut(0),
        "save": lambda: buffer.save("x"),
    }

    def refused(call: Callable[[], object]) -> bool:
        try:
            call()
        except palaestra.UserError as error:
            return "another thread" in str(error)
        return False

    seen: set[str] = set()
    appended = 0
    while len(seen) < len(calls) and appended < 20:
        worker = threading.Thread(target=lambda: buffer.extend(**many))
        worker.start()
        while worker.is_alive():
            if refused(lambda: len(buffer)):  # otherwise a call may keep the worker out
                seen |= {name for name, call in calls.items() if refused(call)}
        worker.join()
        appended += 1
        buffer.cut(0)
    assert seen == set(calls)
    assert buffer.ids()[-1] == appended * 1_000_000 - 1


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands in for it: writing beyond it fails in the same way."""
    program = """
import palaestra
from replay_support import filled
small, large = filled(10), filled(50_000)
small.save("buffer")
before = open("buffer", "rb").read()
try:
    large.save("buffer")
except palaestra.UserError as error:
    assert "buffer" in str(error), error
    print("refused")
assert open("buffer", "rb").read() == before
small.load("buffer")
assert len(large.sample(10).reward) == 10
try:
    filled(50_000, file="rows")
except palaestra.UserError as error:
    assert "rows" in str(error), error
    print("refused")
"""
    folder = str(Path(__file__).parent)
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({folder!r})\n{program}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000,) * 2),
    )
    assert result.stdout.split() == ["refused", "refused"], result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["buffer"]
