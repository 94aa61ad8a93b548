"""Returns and reached goals that are kept up to date beside a replay buffer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import palaestra
import pytest
from gymnasium.spaces import Box, Dict
from palaestra import HindsightSampler, ReachedRows, ReplayBuffer, ReturnColumn
from replay_support import ACTION, BOX, rows

EXTRA = {"extra": {"return_to_go": ("float32", ())}}
UNKNOWN = -99.0


def add(buffer: ReplayBuffer, begin: int, end: int) -> None:
    """Add known rows whose returns are not known yet."""
    unknown = np.full(end - begin, UNKNOWN, np.float32)
    buffer.extend(**rows(begin, end), return_to_go=unknown)


def expected_returns(t: np.ndarray, closed: int, after_cut: float) -> np.ndarray:
    """Returns of row t with discount 0.5, where episodes of ten rows before `closed` have ended."""
    result = np.full(len(t), UNKNOWN)
    for i, row in enumerate(t):
        end = row // 10 * 10 + 9
        if end < closed:
            k = np.arange(row, end + 1)
            result[i] = (k * 0.5 ** (k - row)).sum()
            if end % 20 == 19:  # cut off, and not at an end of the task
                result[i] += after_cut * 0.5 ** (end + 1 - row)
    return result


@pytest.mark.parametrize("after_cut", [0.0, 8.0])
def test_returns_come_when_episodes_close(after_cut: float) -> None:
    """Row by row through a ring; rows of the running episode keep what they were added with."""
    buffer = ReplayBuffer(BOX, ACTION, capacity=60, **EXTRA)
    returns = ReturnColumn(buffer, discount=0.5, truncated=after_cut)
    written = 0
    for end in range(7, 204, 7):
        add(buffer, end - 7, end)
        written += returns.follow()
        t = buffer.ids()
        np.testing.assert_allclose(
            buffer.read("return_to_go", t),
            expected_returns(t, end // 10 * 10, after_cut),
            rtol=1e-6,
        )
    assert written == 200
    assert returns.follow() == 0


def test_returns_of_episodes_that_were_cut_off_may_be_unknown() -> None:
    """``truncated=None``: rows of such episodes keep what they were added with."""
    buffer = ReplayBuffer(BOX, ACTION, capacity=100, **EXTRA)
    add(buffer, 0, 40)
    returns = ReturnColumn(buffer, discount=0.5, truncated=None)
    assert returns.follow() == 20
    t = buffer.ids()
    known = t % 20 < 10
    values = buffer.read("return_to_go", t)
    np.testing.assert_allclose(values[known], expected_returns(t[known], 40, 0.0))
    assert (values[~known] == UNKNOWN).all()


def test_returns_begin_anew_with_a_loaded_buffer(tmp_path: Path) -> None:
    """Whatever was followed before."""
    buffer = ReplayBuffer(BOX, ACTION, capacity=100, **EXTRA)
    add(buffer, 0, 30)
    buffer.save(tmp_path / "rows.safetensors")
    returns = ReturnColumn(buffer, discount=0.5)
    add(buffer, 30, 70)
    assert returns.follow() == 70
    buffer.load(tmp_path / "rows.safetensors")
    assert (buffer.read("return_to_go", buffer.ids()) == UNKNOWN).all()
    assert returns.follow() == 30
    t = buffer.ids()
    np.testing.assert_allclose(
        buffer.read("return_to_go", t), expected_returns(t, 30, 0.0), rtol=1e-6
    )


def walks(begin: int, end: int, buffer: ReplayBuffer | None = None) -> ReplayBuffer:
    """Rows at 0 to 9 again and again that want to be at 4; one lane, room for 60."""
    one = Box(-np.inf, np.inf, (1,), np.float64)
    if buffer is None:
        spaces = {"observation": one, "achieved_goal": one, "desired_goal": one}
        buffer = ReplayBuffer(Dict(spaces), ACTION, capacity=60)
    t = np.arange(begin, end, dtype=float)[:, None]
    at, wanted = t % 10, np.full_like(t, 4.0)
    buffer.extend(
        {"observation": t, "achieved_goal": at, "desired_goal": wanted},
        np.zeros((end - begin, 2)),
        np.full(end - begin, -1.0),
        {"observation": t + 1, "achieved_goal": at + 1, "desired_goal": wanted},
        np.zeros(end - begin, bool),
        at[:, 0] == 9,
    )
    return buffer


def near(achieved: np.ndarray, goal: np.ndarray) -> Any:
    """Where a goal is reached."""
    return np.abs(achieved - goal)[:, 0] < 0.5


def test_rows_that_reached_their_goal_are_known_at_every_step_of_a_ring() -> None:
    """Those that lead to 4: every tenth, of those that are stored."""
    buffer = walks(0, 7)
    reached = ReachedRows(buffer, near)
    assert len(reached) == 0
    for end in range(14, 300, 7):
        walks(end - 7, end, buffer)
        count = reached.follow()
        t = buffer.ids()
        assert count == len(reached) > 0
        np.testing.assert_array_equal(reached.ids(), t[t % 10 == 3])


def test_arrivals_are_steps_into_goals() -> None:
    """Into what was achieved later, or into the own goal."""
    buffer = walks(0, 60)
    reached = ReachedRows(buffer, near)
    sampler = HindsightSampler(buffer, lambda a, g, _: near(a, g).astype(float))
    batch = sampler.sample_arrivals(reached, 4_000, relabel=0.7)
    new = batch.relabelled
    assert 0.65 < new.mean() < 0.75
    np.testing.assert_array_equal(batch.goal, batch.next_achieved_goal)
    assert (batch.minibatch.reward[new] == 1).all()
    np.testing.assert_array_equal(batch.goal_row[new], batch.minibatch.index[new])
    assert set(batch.minibatch.index[~new]) == set(reached.ids())
    assert np.isnan(batch.minibatch.probability).all()
    # rows behind the last follow() are known all the same, evicted ones are not drawn
    walks(60, 100, buffer)
    later = sampler.sample_arrivals(
        reached, 500, relabel=0.0, future=0.5, geometric=0.5, goal_discount=0.9
    )
    assert set(later.minibatch.index) == {43, 53, 63, 73, 83, 93}


def test_a_function_that_fails_is_asked_again() -> None:
    """Its exceptions pass; nothing is counted twice; the buffer is closed meanwhile."""
    buffer = walks(0, 50)
    calls: list[int] = []

    def moody(achieved: np.ndarray, goal: np.ndarray) -> Any:
        calls.append(len(achieved))
        if len(calls) == 1:
            raise ZeroDivisionError
        return near(achieved, goal)

    reached = ReachedRows(buffer, moody)
    with pytest.raises(ZeroDivisionError):
        reached.follow()
    assert reached.follow() == 5
    assert reached.follow() == 5
    assert calls == [50, 50]
    for result, text in [
        (lambda a, g: near(a, g)[1:], r"shape \[49\], expected \[50\]"),
        (lambda a, g: object(), r"expected \[50\]"),
        (lambda a, g: walks(50, 51, buffer), "another thread"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            ReachedRows(buffer, result).follow()


def test_reached_rows_begin_anew_with_a_loaded_buffer(tmp_path: Path) -> None:
    """Whatever was followed before."""
    buffer = walks(0, 20)
    buffer.save(tmp_path / "rows.safetensors")
    reached = ReachedRows(buffer, near)
    walks(20, 60, buffer)
    assert reached.follow() == 6
    buffer.load(tmp_path / "rows.safetensors")
    assert reached.follow() == 2
    np.testing.assert_array_equal(reached.ids(), [3, 13])


def test_bad_arguments_are_named() -> None:
    """The argument, its value, what is accepted."""
    plain, goals = ReplayBuffer(BOX, ACTION, **EXTRA), walks(0, 20)
    none = ReachedRows(goals, lambda achieved, goal: np.zeros(len(goal), bool))
    sampler = HindsightSampler(goals, lambda a, g, _: near(a, g).astype(float))
    calls = [
        (lambda: ReturnColumn(plain, "returns"), "returns"),
        (lambda: ReturnColumn(plain, "reward"), "not the reward"),
        (lambda: ReturnColumn(plain, "action"), "2 x float32"),
        (lambda: ReturnColumn(plain, discount=1.5), "1.5"),
        (lambda: ReturnColumn(plain, discount="a"), "discount is 'a'; accepted: a nu"),
        (lambda: ReturnColumn(plain, 5), "column is 5; accepted: a text"),
        (lambda: ReachedRows(plain, near), "achieved_goal"),
        (lambda: ReachedRows(goals, near, achieved="action"), "no state"),
        (lambda: ReachedRows(goals, near, desired="action"), "1 numbers.*2"),
        (lambda: sampler.sample_arrivals(none, 8), "no stored state"),
        (lambda: sampler.sample_arrivals(ReachedRows(walks(0, 9), near)), "another"),
        (lambda: sampler.sample_arrivals(none, 8, futur=1.0), "futur"),
    ]
    for call, text in calls:
        with pytest.raises(palaestra.UserError, match=text):
            call()
