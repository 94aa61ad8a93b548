"""Windows, rewritten steps, goals in hindsight, mixtures and returns from Python."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import palaestra
import pytest
from gymnasium.spaces import Box, Dict
from palaestra import (
    HindsightSampler,
    Mixture,
    RelabelSampler,
    ReplayBuffer,
    Source,
    Steps,
    WindowSampler,
)
from replay_support import ACTION, BOX, filled, rows


def goals(count: int = 200) -> ReplayBuffer:
    """Row t is at t and wants to be at 1000; episodes of ten rows, which end half a step ahead."""
    one = Box(-np.inf, np.inf, (1,), np.float64)
    buffer = ReplayBuffer(
        Dict({"observation": one, "achieved_goal": one, "desired_goal": one}), ACTION
    )
    t = np.arange(count, dtype=float)[:, None]
    after = t + np.where(t % 10 == 9, 0.5, 1.0)
    wanted = np.full_like(t, 1000.0)
    buffer.extend(
        {"observation": -t, "achieved_goal": t, "desired_goal": wanted},
        np.zeros((count, 2)),
        np.full(count, -7.0),
        {"observation": -after, "achieved_goal": after, "desired_goal": wanted},
        np.zeros(count, bool),
        t[:, 0] % 10 == 9,
    )
    return buffer


def test_windows_are_pieces_of_episodes() -> None:
    """Around any row: up to the end of its episode, then padding."""
    buffer = filled()
    sampler = WindowSampler(buffer, ["observation", "reward"], after=["observation"])
    batch = sampler.sample(200, 6)
    assert batch.columns["observation"].shape == (200, 7, 3)
    assert batch.columns["observation"].dtype == np.float64
    assert batch.columns["reward"].shape == batch.mask.shape == (200, 6)
    for i, index in enumerate(batch.index):
        count = min(6, 10 - index % 10)
        t = np.arange(index, index + count)
        assert (batch.start[i], batch.first[i], batch.rows[i]) == (index, 0, count)
        np.testing.assert_array_equal(batch.mask[i], np.arange(6) < count)
        np.testing.assert_array_equal(batch.columns["reward"][i, :count], t)
        assert (batch.columns["reward"][i, count:] == 0).all()
        last = t[-1] + (0.5 if t[-1] % 10 == 9 else 1)
        np.testing.assert_array_equal(
            batch.columns["observation"][i, : count + 1, 1], [*t, last]
        )
        np.testing.assert_array_equal(batch.terminated[i, :count], t % 20 == 9)
        np.testing.assert_array_equal(batch.truncated[i, :count], t % 20 == 19)


def test_windows_may_be_whole_end_in_their_row_and_follow_a_selection() -> None:
    """Requests of every kind."""
    buffer = filled(priorities=True, priority_exponent=1.0)
    sampler = WindowSampler(buffer, ["reward"])
    whole = sampler.sample(300, 8, fit="whole")
    assert whole.mask.all()
    assert set(whole.start % 10) == {0, 1, 2}
    ends = sampler.sample(300, 5, before=4, padding="in_front", selection="uniform")
    np.testing.assert_array_equal(ends.columns["reward"][:, -1], ends.index)
    np.testing.assert_array_equal(ends.rows, np.minimum(ends.index % 10 + 1, 5))
    np.testing.assert_array_equal(ends.first, 5 - ends.rows)
    buffer.update_priorities(buffer.ids(), np.where(np.arange(500) == 123, 1.0, 0.0))
    assert (sampler.sample(10, 3).index == 123).all()
    assert (sampler.sample(10, 3, selection="recent", recent=5).index >= 495).all()


def test_windows_are_live_and_outlive_everything() -> None:
    """One memory for each shape."""
    buffer = filled()
    sampler = WindowSampler(buffer, ["reward"])
    first = sampler.sample(20, 4)
    kept = first.index.copy()
    assert sampler.sample(20, 4) is first
    assert not np.array_equal(first.index, kept)
    kept = first.columns["reward"].copy()
    other = sampler.sample(2_000, 20)
    np.testing.assert_array_equal(first.columns["reward"], kept)
    del sampler, buffer
    gc.collect()
    np.testing.assert_array_equal(first.columns["reward"], kept)
    assert other.mask[:, 0].all()


def test_rewards_are_given_anew_before_they_are_summed() -> None:
    """The function sees every single step, and what it returns is folded."""
    seen: list[Steps] = []

    def relabel(steps: Steps) -> Any:
        seen.append(steps)
        return 10 * steps.reward, np.where(steps.index % 10 == 4, 0, steps.discount)

    buffer = filled()
    batch = RelabelSampler(buffer, relabel).sample(100, n_step=3, discount=0.5)
    (steps,) = seen
    assert steps.goal is None
    np.testing.assert_array_equal(steps.reward, steps.index)
    np.testing.assert_array_equal(steps.observation[:, 2], steps.index)
    for i, index in enumerate(batch.index):
        t = np.arange(index, index + min(3, 10 - index % 10))
        if 4 in t % 10:
            t = t[: list(t % 10).index(4) + 1]
        assert batch.steps[i] == len(t)
        expected = sum(10 * row * 0.5**k for k, row in enumerate(t))
        assert batch.reward[i] == pytest.approx(expected)
        ends = t[-1] % 10 == 4 or t[-1] % 20 == 9
        assert batch.discount[i] == (0 if ends else 0.5 ** len(t))
    plain = RelabelSampler(filled(), lambda steps: steps.reward).sample(50, n_step=4)
    for left, right in zip(plain, filled().sample(50, n_step=4), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_function_that_fails_leaves_the_draws_where_they_were() -> None:
    """Its own exceptions pass; bad results are named; the buffer is closed meanwhile."""
    buffer, same = filled(), filled()
    for result, text in [
        (lambda steps: steps.reward[1:], r"shape \[3\], expected \[4\]"),
        (lambda steps: steps.reward * np.nan, "reward 0 is .*nan, expected a finite"),
        (lambda steps: (steps.reward,) * 3, "3 arrays"),
        (lambda steps: "high", "reward"),
        (lambda steps: buffer.sample(3), "another thread"),
        (lambda steps: buffer.extend(**rows(500, 505)), "another thread"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            RelabelSampler(buffer, result).sample(4)
    with pytest.raises(ZeroDivisionError):
        RelabelSampler(buffer, lambda steps: 1 / 0).sample(4)
    np.testing.assert_array_equal(buffer.sample(9).index, same.sample(9).index)


def near(achieved: np.ndarray, goal: np.ndarray, info: dict[str, Any]) -> np.ndarray:
    """Reward of Gymnasium's kind."""
    assert info == {}
    return -np.abs(achieved - goal)[:, 0]


def test_goals_are_what_was_achieved_later() -> None:
    """Rewards to match; rows that keep their goal keep their reward, too."""
    batch = HindsightSampler(goals(), near).sample(2_000, relabel=0.7)
    t = batch.minibatch.index
    after = t + np.where(t % 10 == 9, 0.5, 1.0)
    np.testing.assert_array_equal(batch.achieved_goal[:, 0], t)
    np.testing.assert_array_equal(batch.next_achieved_goal[:, 0], after)
    np.testing.assert_array_equal(batch.minibatch.observation[:, 0], -t)
    own = ~batch.relabelled
    assert 0.25 < own.mean() < 0.35
    assert (batch.goal[own] == 1000).all()
    assert (batch.minibatch.reward[own] == -7).all()
    assert (batch.goal_row[own] == -1).all()
    new = batch.relabelled
    goal_row = batch.goal_row[new]
    assert (goal_row >= t[new]).all()
    assert (goal_row // 10 == t[new] // 10).all()
    np.testing.assert_array_equal(
        batch.goal[new, 0], goal_row + np.where(goal_row % 10 == 9, 0.5, 1.0)
    )
    np.testing.assert_array_equal(batch.offset[new], goal_row + 1 - t[new])
    np.testing.assert_allclose(
        batch.minibatch.reward[new],
        -np.abs(after[new] - batch.goal[new, 0]),
        rtol=1e-6,
    )
    assert (batch.minibatch.discount == np.float32(0.99)).all()


def test_every_way_to_choose_a_goal() -> None:
    """Each alone, and ends where the goal is reached."""
    sampler = HindsightSampler(
        goals(), near, terminated=lambda achieved, goal, info: (achieved == goal)[:, 0]
    )
    none = {"relabel": 1.0, "future": 0.0}
    final = sampler.sample(500, **none, final=1.0)
    assert (final.goal_row % 10 == 9).all()
    own = sampler.sample(500, **none, achieved=1.0)
    np.testing.assert_array_equal(own.goal_row, own.minibatch.index)
    assert (own.minibatch.reward == 0).all()
    assert (own.minibatch.discount == 0).all()
    episode = sampler.sample(500, **none, episode=1.0)
    assert (episode.goal_row < episode.minibatch.index).any()
    np.testing.assert_array_equal(episode.goal_row // 10, episode.minibatch.index // 10)
    random = sampler.sample(500, **none, random=1.0)
    assert len(set(random.goal_row // 10)) == 20
    geometric = sampler.sample(500, **none, geometric=1.0, goal_discount=0.0)
    np.testing.assert_array_equal(geometric.goal_row, geometric.minibatch.index)
    margin = sampler.sample(500, relabel=1.0, future_margin=2)
    early = margin.minibatch.index % 10 < 8
    assert (margin.goal_row[early] % 10 < 8).all()
    steps = sampler.sample(300, relabel=1.0, n_step=3, selection="episode")
    assert steps.minibatch.steps.max() == 3


def test_mixtures_keep_the_proportion() -> None:
    """Exactly, with what is left over carried on; in parts of a minibatch too."""
    demos, own = filled(50), filled(400, priorities=True, priority_exponent=1.0)
    mixture = Mixture(
        [
            Source("demos", demos, 0.3),
            Source("own", own, 0.7, n_step=2, selection="uniform"),
        ],
        seed=3,
    )
    total = 0
    for _ in range(7):
        batch = mixture.sample(25)
        total += (batch.source == 0).sum()
    assert total == pytest.approx(0.3 * 175, abs=0.5)
    assert sum(mixture.owed) == pytest.approx(0)
    batch = mixture.sample(100)
    for part in range(10):
        assert (batch.source[10 * part : 10 * part + 10] == 0).sum() in (2, 3, 4)
    t = batch.minibatch.index
    np.testing.assert_array_equal(batch.minibatch.observation[:, 0], t)
    assert (t[batch.source == 0] < 50).all()
    assert set(batch.minibatch.steps[batch.source == 1]) == {1, 2}
    assert mixture.update_priorities(batch, np.full(100, 5.0)) == 0
    np.testing.assert_array_equal(own.weights(t[batch.source == 1]), 5)


def test_a_share_may_move_and_the_rest_is_saved(tmp_path: Path) -> None:
    """From offline to online on a line; a loaded mixture goes on with the same rows."""

    def make(seed: int) -> Mixture:
        return Mixture(
            [
                Source("offline", filled(50), (1.0, 0.0, 100)),
                Source("online", filled(400), (0.0, 1.0, 100)),
            ],
            seed=seed,
        )

    mixture = make(1)
    for step, share in [(0, 1.0), (50, 0.5), (100, 0.0), (200, 0.0)]:
        batch = mixture.sample(40, step)
        assert (batch.source == 0).mean() == pytest.approx(share, abs=0.03)
    mixture.sample(33, 37)
    mixture.save(tmp_path / "mixture")
    other = make(2)
    other.load(tmp_path / "mixture")
    left, right = mixture.sample(31, 37), other.sample(31, 37)
    np.testing.assert_array_equal(left.source, right.source)
    np.testing.assert_array_equal(left.minibatch.index, right.minibatch.index)


def test_a_buffer_that_was_loaded_is_still_mixed(tmp_path: Path) -> None:
    """What it holds now, not what it held; samplers keep their buffers alive."""
    buffer = filled(50)
    mixture = Mixture([Source("one", buffer, 1.0)])
    windows = WindowSampler(buffer, ["reward"])
    shown = buffer.column("reward")
    filled(500).save(tmp_path / "large")
    buffer.load(tmp_path / "large")
    assert mixture.sample(2_000).minibatch.reward.max() > 450
    assert windows.sample(500, 2).columns["reward"].max() > 450
    assert shown.max() == 49
    del buffer
    gc.collect()
    assert mixture.sample(2_000).minibatch.reward.max() > 450
    assert shown.max() == 49


def test_returns_by_hand() -> None:
    """To the ends of episodes, and over windows against the recursions written out."""
    buffer = filled(25)
    index = np.array([7, 15, 22])
    expected = [7 + 0.5 * 8 + 0.25 * 9, 0, np.nan]
    expected[1] = sum(t * 0.5 ** (t - 15) for t in range(15, 20)) + 0.5**5 * 100
    returns = palaestra.returns_to_go(buffer, index, discount=0.5, truncated=100.0)
    np.testing.assert_allclose(returns, expected, rtol=1e-6)
    assert palaestra.returns_to_go(buffer, [24], open=0.0) == 24

    batch = WindowSampler(buffer, ["reward"]).sample(6, 4, selection="uniform")
    random = np.random.default_rng(0)
    value, after = random.normal(size=(2, 6, 4)).astype(np.float32)
    reward, mask = batch.columns["reward"], batch.mask
    flags = (batch.terminated, batch.truncated)
    options = {"discount": 0.9, "lam": 0.8}
    lambdas = palaestra.lambda_returns(reward, *flags, after, mask, **options)
    gains = palaestra.advantages(value, reward, *flags, after, mask, **options)
    for w in range(6):
        for t in range(4):
            if not mask[w, t]:
                assert lambdas[w, t] == gains[w, t] == 0
                continue
            goes_on = t < 3 and mask[w, t + 1] and not batch.truncated[w, t]
            going = 0.0 if batch.terminated[w, t] else 0.9
            behind = lambdas[w, t + 1] if goes_on else after[w, t]
            assert lambdas[w, t] == pytest.approx(
                reward[w, t] + going * (0.2 * after[w, t] + 0.8 * behind), rel=1e-5
            )
            delta = reward[w, t] + going * after[w, t] - value[w, t]
            later = gains[w, t + 1] if goes_on else 0.0
            assert gains[w, t] == pytest.approx(delta + going * 0.8 * later, rel=1e-5)


def test_bad_arguments_are_named() -> None:
    """The argument, its value, what is accepted."""
    buffer, same = filled(seed=4), filled(seed=4)
    windows = WindowSampler(buffer, ["reward"])
    goal_buffer = goals()
    hindsight = HindsightSampler(goal_buffer, near)
    flat, flag = np.zeros((2, 3), np.float32), np.zeros((2, 3), bool)
    calls = [
        (lambda: WindowSampler(buffer, ["rewards"]), "rewards"),
        (lambda: WindowSampler(buffer, ["reward"], after=["reward"]), "reward"),
        (lambda: WindowSampler(buffer, ["reward"], after=["x"]), r"\['x'\]"),
        (lambda: WindowSampler(buffer, []), "column"),
        (lambda: windows.sample(0, 3), "windows is 0"),
        (lambda: windows.sample(3, 0), "length is 0"),
        (lambda: windows.sample(3, 4, before=4), "before is 4"),
        (lambda: windows.sample(3, 3, padding="left"), '"left".*in_place'),
        (lambda: windows.sample(3, 3, fit="all"), '"all".*pad, whole'),
        (lambda: windows.sample(3, 11, fit="whole"), "11 rows"),
        (lambda: windows.sample(3, 3, selection="epoch"), "epoch"),
        (lambda: windows.sample(3, 3, newest=4), '"newest".*recent'),
        (lambda: windows.sample(1.5, 3), "windows is 1.5; accepted: an integer"),
        (lambda: windows.sample(3, 3, selection=5), "selection is 5; accepted: a text"),
        (lambda: windows.sample(3, 3, recent=1.5), "recent is 1.5; accepted: an int"),
        (
            lambda: RelabelSampler(buffer, lambda s: s.reward).sample(3, n_step=1.5),
            "n_step is 1.5; accepted: an integer",
        ),
        (lambda: hindsight.sample(1.5), "rows is 1.5; accepted: an integer"),
        (lambda: hindsight.sample(4, future="a"), "future is 'a'; accepted: a number"),
        (lambda: hindsight.sample(4, goal_discount="a"), "goal_discount is 'a'"),
        (lambda: hindsight.sample(4, clamp="a"), "clamp is 'a'; accepted: True or"),
        (lambda: Mixture([Source("a", buffer, "x")]), "first is 'x'; accepted: a num"),
        (lambda: Mixture([Source("a", buffer, (0.0, 1.0))]), "first, last, steps"),
        (
            lambda: Mixture([Source("a", buffer, 1.0)]).sample(4, 1.5),
            "step is 1.5; accepted: an integer",
        ),
        (lambda: RelabelSampler(buffer, lambda s: s.reward).sample(0), "rows is 0"),
        (lambda: HindsightSampler(buffer, near), "achieved_goal"),
        (lambda: HindsightSampler(goal_buffer, near, desired="action"), "1.*2"),
        (lambda: hindsight.sample(4, relabel=2.0), "relabel is 2"),
        (lambda: hindsight.sample(4, future=0.0), "weight 0"),
        (lambda: hindsight.sample(4, goal_discount=2.0), "discount is 2"),
        (lambda: Mixture([]), "source"),
        (lambda: Mixture([Source("a", buffer, 0.5)]), "0.5"),
        (
            lambda: Mixture([Source("a", buffer, 0.5), Source("a", same, 0.5)]),
            '"a"',
        ),
        (lambda: Mixture([Source("a", buffer, 1.0, size=3)]), '"a".*"size"'),
        (lambda: Mixture([Source("a", buffer, 1.0)]).sample(0), "rows is 0"),
        (
            lambda: Mixture([Source("a", ReplayBuffer(BOX, ACTION), 1.0)]).sample(3),
            "empty",
        ),
        (lambda: palaestra.returns_to_go(buffer, [900]), "900"),
        (lambda: palaestra.returns_to_go(buffer, [3], discount=2.0), "discount"),
        (lambda: palaestra.lambda_returns(flat, flag, flag[:1], flat), "truncated"),
        (lambda: palaestra.lambda_returns(flat[0], flag, flag, flat), "reward"),
        (lambda: palaestra.lambda_returns(flat, flag, flag, flat, lam=2.0), "lambda"),
        (lambda: palaestra.advantages(flat[:1], flat, flag, flag, flat), "value"),
    ]
    for call, text in calls:
        with pytest.raises(palaestra.UserError, match=text):
            call()
    np.testing.assert_array_equal(buffer.sample(9).index, same.sample(9).index)
