"""Columns of a replay buffer seen from outside, stored types, and who keeps what alive."""

from __future__ import annotations

import copy
import gc
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import palaestra
import pytest
from gymnasium import spaces
from palaestra import Draw, Minibatch, ReplayBuffer
from replay_support import ACTION, BOX, filled, rows

PIXELS = spaces.Box(0, 255, (4, 5, 3), np.uint8)
GOAL = spaces.Dict(
    {
        "observation": spaces.Box(-np.inf, np.inf, (3,), np.float64),
        "achieved_goal": spaces.Box(-np.inf, np.inf, (2,), np.float64),
        "desired_goal": spaces.Box(-np.inf, np.inf, (2,), np.float64),
    }
)


def pixel_buffer(count: int = 300) -> ReplayBuffer:
    """Image t is full of t modulo 256; one episode."""
    buffer = ReplayBuffer(PIXELS, spaces.Discrete(4), 1_000)
    t = np.arange(count + 1)
    image = np.broadcast_to(t[:, None, None, None], (count + 1, 4, 5, 3))
    image = image.astype(np.uint8)
    none = np.zeros(count, bool)
    buffer.extend(image[:-1], t[:-1] % 4, t[:-1].astype(float), image[1:], none, none)
    return buffer


def test_pixels_come_as_bytes_when_asked() -> None:
    """The stored type, and the same rows as in float32."""
    batch = pixel_buffer().sample(500, stored=True, n_step=3, discount=0.5)
    t = batch.index
    assert batch.observation.dtype == batch.next_observation.dtype == np.uint8
    assert batch.observation.shape == (500, 4, 5, 3)
    assert batch.action.dtype == np.int64
    steps = np.minimum(3, 300 - t)
    np.testing.assert_array_equal(batch.steps, steps)
    np.testing.assert_array_equal(batch.observation[:, 3, 4, 2], t % 256)
    np.testing.assert_array_equal(batch.next_observation[:, 0, 0, 0], (t + steps) % 256)
    np.testing.assert_array_equal(batch.action, t % 4)
    as_floats = pixel_buffer().sample(500, n_step=3, discount=0.5)
    for stored, converted in zip(batch, as_floats, strict=True):
        np.testing.assert_array_equal(stored, converted)
    assert as_floats.observation.dtype == np.float32


def test_stored_batches_are_live_too() -> None:
    """One memory for each number of rows; the stored and the converted ones do not share it."""
    buffer = pixel_buffer()
    first = buffer.sample(32, stored=True)
    index = first.index.copy()
    assert buffer.sample(32, stored=True).observation is first.observation
    assert not np.array_equal(index, first.index)
    index = first.index.copy()
    buffer.sample(32)
    kept = first.observation[:, 0, 0, 0].copy()
    buffer.sample(8, stored=True)
    np.testing.assert_array_equal(first.index, index)
    np.testing.assert_array_equal(first.observation[:, 0, 0, 0], kept)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("n_step", [1, 4])
def test_gathering_known_rows_gives_what_sampling_gave(
    stored: bool, n_step: int
) -> None:
    """Draw and gather are the two halves of sample, to the last bit."""
    for selection in ("uniform", "priority"):
        one, two = filled(priorities=True), filled(priorities=True)
        options = {"n_step": n_step, "discount": 0.7, "stored": stored}
        batch = one.sample(64, selection, **options)
        draw = two.draw(64, selection)
        assert isinstance(draw, Draw)
        other = two.gather(draw, **options)
        assert isinstance(other, Minibatch)
        for name, left, right in zip(batch._fields, batch, other, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=name)
            assert left.dtype == right.dtype
        by_index = two.gather(draw.index, **options)
        np.testing.assert_array_equal(by_index.reward, batch.reward)
        assert (by_index.weight == 1).all()
        assert np.isnan(by_index.probability).all()
        before = other.observation.copy()
        two.gather(draw.index[::-1], **options)
        np.testing.assert_array_equal(other.observation, before)


def test_goals_stand_beside_observations() -> None:
    """A Dict of observations goes in as a mapping and comes out as one."""
    buffer = ReplayBuffer(GOAL, ACTION, 60, lanes=2)
    random = np.random.default_rng(0)
    lanes: list[list[dict[str, Any]]] = [[], []]

    def observe() -> dict[str, np.ndarray]:
        return {
            "observation": random.random((2, 3)),
            "achieved_goal": random.random((2, 2)),
            "desired_goal": random.random((2, 2)),
        }

    now = observe()
    for step in range(40):
        after = observe()
        ends = np.array([step % 7 == 6, step % 5 == 4])
        action, reward = random.uniform(-1, 1, (2, 2)), random.random(2)
        buffer.add(now, action, reward, after, ends, np.zeros(2, bool))
        for lane, kept in enumerate(lanes):
            kept.append(
                {
                    "observation": {k: v[lane] for k, v in now.items()},
                    "next_observation": {k: v[lane] for k, v in after.items()},
                    "reward": reward[lane],
                    "end": ends[lane],
                }
            )
        now = observe() if ends.any() else after
        for key, value in now.items():
            value[~ends] = after[key][~ends]
    for stored, dtype in [(False, np.float32), (True, np.float64)]:
        batch = buffer.sample(300, stored=stored)
        assert set(batch.observation) == set(GOAL.spaces)
        for i, index in enumerate(batch.index):
            kept = lanes[index >> 40][index & (1 << 40) - 1]
            for name in ("observation", "next_observation"):
                for key, value in kept[name].items():
                    shown = getattr(batch, name)[key]
                    assert shown.dtype == dtype
                    np.testing.assert_array_equal(shown[i], value.astype(dtype))
            assert batch.reward[i] == np.float32(kept["reward"])
            assert (batch.discount[i] == 0) == kept["end"]
    np.testing.assert_array_equal(
        buffer.read("desired_goal", batch.index), batch.observation["desired_goal"]
    )
    with pytest.raises(palaestra.UserError, match=r"a ndarray, expected a mapping"):
        buffer.add(now["observation"], action, reward, after, ends, ends)
    with pytest.raises(palaestra.UserError, match="achieved_goal"):
        buffer.add(
            {"observation": now["observation"]}, action, reward, after, ends, ends
        )


def test_columns_are_shown_without_a_copy() -> None:
    """Strided, read-only, in the order of slots(); bytes of the columns agree with read()."""
    for lanes, count in [(1, 500), (4, 123)]:
        buffer = ReplayBuffer(
            BOX, ACTION, 100, lanes=lanes, extra={"mark": (np.int64, ())}
        )
        for lane in range(lanes):
            buffer.extend(**rows(lane, lane + count), lane=lane, mark=np.arange(count))
        ids, slots = buffer.ids(), buffer.slots()
        assert len(ids) == len(slots) == len(buffer)
        assert (np.sort(ids) == ids).all()
        for name in ("observation", "action", "reward", "mark"):
            shown = buffer.column(name)
            assert not shown.flags.writeable
            assert shown.base is not None
            assert shown.shape[0] == 100 + lanes
            assert shown.strides[0] % 8 == 0
            assert shown.strides[0] >= 3 * 8 + 2 * 4 + 4 + 8
            np.testing.assert_array_equal(shown[slots], buffer.read(name, ids))
            with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
                shown[0] = 0
        some = buffer.sample(50).index
        np.testing.assert_array_equal(
            buffer.column("reward")[buffer.slots(some)], buffer.read("reward", some)
        )
        assert np.shares_memory(buffer.column("reward"), buffer.column("reward"))
    with pytest.raises(palaestra.UserError, match=r"rewards.*reward"):
        buffer.column("rewards")
    with pytest.raises(palaestra.UserError, match="is not stored"):
        buffer.slots([1 << 41])


def test_a_column_is_live_and_outlives_the_buffer() -> None:
    """Adding shows at once; loading and deleting do not touch what is being looked at."""
    buffer = filled(100, capacity=100)
    shown = buffer.column("reward")
    slots = buffer.slots()
    np.testing.assert_array_equal(shown[slots], np.arange(100))
    buffer.extend(**rows(100, 130))
    assert set(range(100, 130)) <= set(shown.tolist())
    assert not set(range(29)) & set(shown.tolist())
    buffer.save("buffer")
    kept = shown.copy()
    buffer.load("buffer")
    np.testing.assert_array_equal(shown, kept)
    after = buffer.column("reward")
    assert not np.shares_memory(shown, after)
    np.testing.assert_array_equal(after[buffer.slots()], np.arange(30, 130))
    buffer.extend(**rows(130, 140))
    np.testing.assert_array_equal(shown, kept)
    del buffer
    gc.collect()
    np.testing.assert_array_equal(shown, kept)
    assert set(range(130, 140)) <= set(after.tolist())


def test_numpy_takes_them_over_by_dlpack() -> None:
    """The memory itself, of minibatches and of columns; what is read-only stays so."""
    buffer = filled()
    batch = buffer.sample(16)
    for array in (*batch, buffer.column("observation"), buffer.column("reward")):
        other = np.from_dlpack(array)
        assert np.shares_memory(other, array)
        assert other.strides == array.strides
        assert other.flags.writeable == array.flags.writeable
        np.testing.assert_array_equal(other, array)
    observation = np.from_dlpack(buffer.column("observation"))
    expected = observation.copy()
    del buffer, array, other
    gc.collect()
    np.testing.assert_array_equal(observation, expected)


def test_flags_and_episodes_of_rows() -> None:
    """Ends of rows, and where the episodes are, the first one cut short by the ring."""
    buffer = filled(500, capacity=95)
    ids = buffer.ids()
    np.testing.assert_array_equal(ids, np.arange(405, 500))
    np.testing.assert_array_equal(buffer.read("terminated", ids), ids % 20 == 9)
    np.testing.assert_array_equal(buffer.read("truncated", ids), ids % 20 == 19)
    episodes = buffer.episodes()
    np.testing.assert_array_equal(episodes.first, [405, *range(410, 500, 10)])
    np.testing.assert_array_equal(episodes.length, [5] + [10] * 9)
    with pytest.raises(palaestra.UserError, match="is no state"):
        buffer.read("terminated", ids, after=True)
    with pytest.raises(palaestra.UserError, match="404 is not stored"):
        buffer.read("truncated", [404])
    with pytest.raises(palaestra.UserError, match="404 is not stored"):
        buffer.gather([404])


def test_a_footprint_is_mostly_columns() -> None:
    """Bytes of the columns, and what comes on top."""
    bytes_ = filled(100, capacity=1_000).footprint()
    assert bytes_["columns"] == 1_000 * (3 * 8 + 2 * 4 + 4)
    assert 0 < bytes_["bookkeeping"] < 0.2 * bytes_["columns"]
    assert bytes_["final_states"] > 0


@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
def test_copies_draw_the_same_rows(how: str) -> None:
    """Contents, priorities, groups, draws."""
    buffer = filled(priorities="ranked", seed=5)
    with buffer.group(7):
        buffer.extend(**rows(500, 520))
    buffer.sample(3)
    other = (
        pickle.loads(pickle.dumps(buffer)) if how == "pickle" else copy.deepcopy(buffer)
    )
    assert isinstance(other, ReplayBuffer)
    assert other.groups == buffer.groups
    assert other.priorities == "ranked"
    for _ in range(3):
        np.testing.assert_array_equal(buffer.sample(20).index, other.sample(20).index)
    other.extend(**rows(520, 530))
    assert len(other) == len(buffer) + 10


def test_rows_in_a_file(tmp_path: Path) -> None:
    """The same draws; the name is free again at once, and the disk space with the buffer."""
    file = tmp_path / "rows"
    buffer = filled(file=file)
    assert not file.exists()
    expected, batch = filled().sample(100), buffer.sample(100)
    for left, right in zip(batch, expected, strict=True):
        np.testing.assert_array_equal(left, right)
    shown = buffer.column("reward")
    del buffer
    gc.collect()
    assert shown[3] == 3
    file.write_text("mine")
    with pytest.raises(palaestra.UserError, match=r"rows.*File exists"):
        filled(file=file)
    assert file.read_text() == "mine"
