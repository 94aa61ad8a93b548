"""The replay buffer from Python: contents, draws, errors, files."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import palaestra
import pytest
from gymnasium.spaces import Box, Discrete
from palaestra import ReplayBuffer
from replay_support import ACTION, BOX, filled


def test_drawn_rows_are_the_rows_that_were_added() -> None:
    """Every field of every row, final observations and discounts included."""
    buffer = filled()
    batch = buffer.sample(4_000, discount=0.9)
    t = batch.observation[:, 0]
    assert set(t) == set(range(500))
    assert batch.observation.dtype == np.float32
    assert batch.observation.shape == batch.next_observation.shape == (4_000, 3)
    np.testing.assert_array_equal(batch.reward, t)
    np.testing.assert_allclose(batch.action[:, 1], -t / 500, rtol=1e-6)
    ends = t % 10 == 9
    np.testing.assert_array_equal(
        batch.next_observation[:, 2], t + np.where(ends, 0.5, 1)
    )
    np.testing.assert_allclose(
        batch.discount, np.where(t % 20 == 9, 0.0, 0.9), rtol=1e-6
    )
    assert (batch.weight == 1).all()
    np.testing.assert_allclose(batch.probability, 1 / 500)
    np.testing.assert_array_equal(buffer.read("reward", batch.index), t)
    np.testing.assert_array_equal(
        buffer.read("observation", batch.index, after=True), batch.next_observation
    )


def test_n_step_sums_stop_at_the_end_of_an_episode() -> None:
    """Three rewards, fewer where the episode ends, discounted."""
    batch = filled().sample(2_000, n_step=3, discount=0.5)
    t = batch.observation[:, 0].astype(int)
    steps = np.minimum(3, 10 - t % 10)
    steps = np.minimum(steps, 500 - t)
    expected = t + (steps > 1) * 0.5 * (t + 1) + (steps > 2) * 0.25 * (t + 2)
    np.testing.assert_allclose(batch.reward, expected, rtol=1e-6)
    np.testing.assert_array_equal(batch.steps, steps)


def test_draws_follow_the_priorities() -> None:
    """Chi-square over all rows, fixed seed; weights undo the probabilities."""
    from scipy import stats

    buffer = filled(priorities=True, priority_exponent=1.0)
    index = np.unique(buffer.sample(20_000, selection="uniform").index)
    assert len(index) == 500
    assert buffer.update_priorities(index, 1.0 + np.arange(500) % 7) == 0
    counts = np.zeros(500)
    for _ in range(20):
        batch = buffer.sample(5_000, importance_exponent=1.0)
        np.add.at(counts, batch.observation[:, 0].astype(int), 1)
    weights = 1.0 + np.arange(500) % 7
    expected = counts.sum() * weights / weights.sum()
    assert stats.chisquare(counts, expected).pvalue > 1e-3
    t = batch.observation[:, 0].astype(int)
    np.testing.assert_allclose(batch.weight, 1 / weights[t], rtol=1e-5)


def test_views_are_live_and_outlive_other_sizes() -> None:
    """The same arrays for the same number of rows; older views keep their own memory."""
    buffer = filled()
    first = buffer.sample(64)
    kept = first.reward.copy()
    other = buffer.sample(1_000_000)
    np.testing.assert_array_equal(first.reward, kept)
    del buffer
    assert np.isfinite(other.reward).all()
    buffer = filled()
    again = buffer.sample(64)
    before = again.reward.copy()
    assert buffer.sample(64).reward is again.reward
    assert not np.array_equal(again.reward, before)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_vector_environment_fills_it(mode: str) -> None:
    """Rows of the collector's loop chain up: no transition crosses a reset."""
    envs = palaestra.make_vec(
        "MountainCarContinuous-v0", 6, autoreset_mode=mode, seed=1, max_episode_steps=30
    )
    buffer = ReplayBuffer(
        envs.single_observation_space, envs.single_action_space, 3_000, lanes=6
    )
    observation, info = envs.reset()
    random = np.random.default_rng(0)
    added = 0
    for _ in range(400):
        before = observation.copy()
        action = random.uniform(-1, 1, (6, 1)).astype(np.float32)
        observation, reward, terminated, truncated, info = envs.step(action)
        final = info["final_obs"] if mode == "SameStep" else None
        buffer.add(
            before,
            action,
            reward,
            observation,
            terminated,
            truncated,
            final_observation=final,
            skip=info["reset"],
        )
        added += int((~info["reset"]).sum())
    assert len(buffer) == min(added, 3_000)
    batch = buffer.sample(5_000)
    # the car moves by its new velocity, cut to its range, in every stored transition
    moved = batch.next_observation[:, 0] - batch.observation[:, 0]
    inside = batch.next_observation[:, 0] > -1.2
    np.testing.assert_allclose(
        moved[inside], batch.next_observation[inside, 1], atol=3e-7
    )
    assert (np.abs(moved) <= 0.0700001).all()


def test_extra_columns_and_discrete_actions() -> None:
    """Named columns of any supported type come back as they were."""
    buffer = ReplayBuffer(BOX, Discrete(4), 100, extra={"image": (np.uint8, (2, 2))})
    rows = np.arange(50)
    observation = np.repeat(rows[:, None].astype(float), 3, axis=1)
    image = np.repeat(rows, 4).reshape(50, 2, 2).astype(np.uint8)
    none = np.zeros(50, bool)
    buffer.extend(
        observation,
        rows % 4,
        rows.astype(float),
        observation + 1,
        none,
        none,
        image=image,
    )
    batch = buffer.sample(200)
    t = batch.observation[:, 0].astype(int)
    np.testing.assert_array_equal(batch.action, t % 4)
    np.testing.assert_array_equal(buffer.read("image", batch.index), image[t])


def test_bad_input_is_named_and_adds_nothing() -> None:
    """Shapes, types, numbers, names, requests."""
    buffer = filled(priorities=True)
    size = len(buffer)
    good = {
        "observation": np.zeros((1, 3)),
        "action": np.zeros((1, 2), np.float32),
        "reward": np.zeros(1),
        "next_observation": np.zeros((1, 3)),
        "terminated": np.zeros(1, bool),
        "truncated": np.ones(1, bool),
    }
    for change, text in [
        ({"action": np.zeros((1, 5), np.float32)}, r"\[1, 5\], expected \[1, 2\]"),
        ({"reward": np.array([np.nan])}, "reward"),
        ({"observation": np.zeros((1, 3), complex)}, "complex128"),
        ({"terminated": np.zeros(3, bool)}, "terminated"),
        ({"colour": np.zeros(1)}, "colour"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            buffer.add(**(good | change))  # type: ignore[arg-type]
    assert len(buffer) == size
    index = buffer.sample(4).index.copy()
    for request, text in [
        (lambda: buffer.sample(0), "rows is 0"),
        (lambda: buffer.sample(4, n_step=0), "n_step|step"),
        (lambda: buffer.sample(4, discount=1.5), "discount"),
        (lambda: buffer.sample(4, weight_scale="x"), "buffer, batch, none"),
        (lambda: buffer.update_priorities(index, np.full(4, -1.0)), "priorit"),
        (lambda: buffer.update_priorities(index, np.ones(3)), "3"),
        (lambda: ReplayBuffer(BOX, ACTION).sample(4), "empty"),
        (lambda: filled(priorities=False).sample(4, selection="priority"), "priorit"),
        (lambda: ReplayBuffer(Box(0, 1, (2,), np.float16), ACTION), "float16"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            request()


def test_saved_and_loaded_it_draws_the_same_rows(tmp_path: Path) -> None:
    """Contents, priorities and the position of the draws; a damaged file changes nothing."""
    file = tmp_path / "buffer.safetensors"
    buffer = filled(priorities=True)
    buffer.sample(10)
    buffer.save(file)
    expected = [buffer.sample(32).index.copy() for _ in range(3)]
    other = ReplayBuffer(BOX, ACTION, priorities=True, seed=99)
    other.load(file)
    for index in expected:
        np.testing.assert_array_equal(other.sample(32).index, index)

    data = file.read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])
    before = len(other)
    for bad in ("cut", "absent"):
        with pytest.raises(palaestra.UserError, match=bad):
            other.load(tmp_path / bad)
    with pytest.raises(palaestra.UserError):
        ReplayBuffer(BOX, Discrete(2), priorities=True).load(file)
    assert len(other) == before


def test_other_threads_run_during_a_large_sample() -> None:
    """The interpreter lock is free; a second caller gets an error, not a crash."""
    buffer = filled()
    ticks = 0
    worker = threading.Thread(target=buffer.sample, args=[2_000_000])
    worker.start()
    refused = False
    while worker.is_alive():
        ticks += 1
        time.sleep(0.001)
        try:
            buffer.sample(8)
        except palaestra.UserError as error:
            refused = "another thread" in str(error)
    assert ticks > 3
    assert refused
    assert len(buffer.sample(8).reward) == 8
