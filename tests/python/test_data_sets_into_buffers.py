"""Data sets into replay buffers: whole, in parts, into lanes, and what is left out or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from data_sets import ACTION, BOX, GOAL, made_up, same, write_d4rl_oracle
from gymnasium import spaces
from palaestra import ReplayBuffer, UserError, data


def rows_of(buffer: ReplayBuffer, count: int) -> dict[str, Any]:
    index = np.arange(count)
    return {
        "observation": buffer.read("observation", index),
        "action": buffer.read("action", index),
        "reward": buffer.read("reward", index),
        "next": buffer.read("observation", index, after=True),
    }


def expected_rows(
    episodes: list[dict[str, Any]], ranges: list[tuple[int, int]]
) -> dict[str, Any]:
    parts = [
        (e, slice(a, b), slice(a + 1, b + 1))
        for e, (a, b) in zip(episodes, ranges, strict=True)
    ]
    return {
        "observation": np.concatenate([e["observations"][now] for e, now, _ in parts]),
        "action": np.concatenate([e["actions"][now] for e, now, _ in parts]),
        "reward": np.concatenate([e["rewards"][now] for e, now, _ in parts]).astype(
            np.float32
        ),
        "next": np.concatenate([e["observations"][after] for e, _, after in parts]),
    }


@pytest.mark.parametrize("format", ["minari", "d4rl"])
def test_into_a_buffer(format: str, tmp_path: Path) -> None:
    episodes = made_up((5, 1, 12, 6))
    write = data.write_minari if format == "minari" else data.write_d4rl
    write(tmp_path / "set", episodes, observation_space=BOX, action_space=ACTION)
    read = data.open_data_set(tmp_path / "set")
    whole = read.to_buffer()
    assert len(whole) == whole.capacity == 24
    assert same(
        rows_of(whole, 24), expected_rows(episodes, [(0, 5), (0, 1), (0, 12), (0, 6)])
    )
    choices: list[tuple[dict[str, Any], list[tuple[int, int]]]] = [
        ({"fraction": 0.5}, [(0, 5), (0, 1), (0, 6), (0, 0)]),
        ({"episodes": slice(1, 3)}, [(0, 0), (0, 1), (0, 12), (0, 0)]),
        ({"steps": slice(2, 7)}, [(2, 5), (0, 0), (2, 7), (2, 6)]),
        (
            {"episodes": slice(-2, None), "steps": slice(None, 3)},
            [(0, 0), (0, 0), (0, 3), (0, 3)],
        ),
    ]
    for choice, ranges in choices:
        buffer = ReplayBuffer(BOX, ACTION, 100)
        result = read.load_into(buffer, **choice)
        total = sum(b - a for a, b in ranges)
        assert (result.steps, result.dropped) == (total, 0)
        assert same(rows_of(buffer, total), expected_rows(episodes, ranges))
        # a draw knows where the task ended and where an episode was only cut
        batch = buffer.sample(500, n_step=1, discount=0.5)
        ended = {
            e["rewards"][b - 1].astype(np.float32)
            for e, (a, b) in zip(episodes, ranges, strict=True)
            if b == len(e["rewards"]) and e["terminations"][-1]
        }
        for reward, discount in zip(batch.reward, batch.discount, strict=True):
            assert discount == (0 if reward in ended else 0.5)


def test_several_lanes_and_goal_parts(tmp_path: Path) -> None:
    episodes = made_up((4, 4, 4, 4), GOAL)
    data.write_minari(
        tmp_path / "a", episodes, observation_space=GOAL, action_space=ACTION
    )
    read = data.open_data_set(tmp_path / "a")
    flat = spaces.Box(-np.inf, np.inf, (8,), np.float32)
    buffer = ReplayBuffer(flat, ACTION, 100, lanes=2)
    assert read.load_into(buffer) == (4, 16, 0)
    expected = gymnasium.spaces.flatten(
        GOAL, {k: v[0] for k, v in episodes[0]["observations"].items()}
    )
    assert same(buffer.read("observation", [0])[0], expected.astype(np.float32))
    goals = ReplayBuffer(spaces.Box(-1, 1, (2,), np.float64), ACTION, 100)
    read.load_into(goals, sources={"observation": ["observation/desired_goal"]}, lane=0)
    assert same(
        goals.read("observation", np.arange(4)),
        episodes[0]["observations"]["desired_goal"][:4],
    )
    with pytest.raises(UserError, match="parts"):
        read.to_buffer()


def test_last_steps_without_a_next_observation(tmp_path: Path) -> None:
    """As D4RL's own loader: the last step of a timeout is left out."""
    episodes = made_up((5, 4, 6))
    write_d4rl_oracle(tmp_path / "a.hdf5", episodes, next_observations=False)
    buffer = ReplayBuffer(BOX, ACTION, 100)
    assert data.open_data_set(tmp_path / "a.hdf5").load_into(buffer) == (3, 14, 1)
    rows = rows_of(buffer, 14)
    expected = expected_rows(episodes, [(0, 5), (0, 3), (0, 6)])
    assert same(rows["observation"], expected["observation"])
    assert same(rows["next"][5:8], expected["next"][5:8])
    assert same(rows["next"][:4], expected["next"][:4])


@pytest.mark.parametrize("column", ["observations", "actions", "rewards"])
def test_a_buffer_is_as_it_was_after_bad_values(column: str, tmp_path: Path) -> None:
    episodes = made_up((5, 7))
    episodes[1][column][3] = np.nan
    data.write_minari(
        tmp_path / "a", episodes, observation_space=BOX, action_space=ACTION
    )
    read = data.open_data_set(tmp_path / "a")
    buffer = ReplayBuffer(BOX, ACTION, 100)
    with pytest.raises(UserError, match=f"{column[:-1]} of episode 1 .*step 3"):
        read.load_into(buffer)
    assert len(buffer) == 0
    report = read.check()
    assert not report["good"]
    assert f"episode 1, step 3: {column[:-1]} is not finite" in report["problems"]
    assert read.load_into(buffer, episodes=slice(1)) == (1, 5, 0)


def test_mistakes_of_the_caller(tmp_path: Path) -> None:
    data.write_minari(
        tmp_path / "a", made_up((5, 7)), observation_space=BOX, action_space=ACTION
    )
    read = data.open_data_set(tmp_path / "a")
    small = ReplayBuffer(BOX, ACTION, 11)
    other = ReplayBuffer(spaces.Box(-1, 1, (4,), np.float32), ACTION, 100)
    for message, call in [
        ("12 steps for a lane of 11", lambda: read.load_into(small)),
        ("has 4 numbers per row", lambda: read.load_into(other)),
        ("fraction is 2", lambda: read.load_into(small, fraction=2)),
        ("did you mean .*reward", lambda: read[0].read("rewards")),
        ("rows 4 to 9", lambda: read[0].read("reward", 4, 9)),
        ("without a step", lambda: read.load_into(small, episodes=slice(0, 2, 2))),
        ("lane is 3", lambda: read.load_into(small, lane=3)),
        ("format is .zip", lambda: read.convert(tmp_path / "b", "zip")),
        ("exists and is not replaced", lambda: read.convert(tmp_path / "a", "minari")),
    ]:
        with pytest.raises(UserError, match=message):
            call()
    with pytest.raises(IndexError):
        read[2]
    assert len(small) == 0
    assert len(read[-1]) == 7
    assert [e.number for e in read[::-1]] == [1, 0]
