"""Replay buffers of the peers and ours, filled alike, and the calls that are timed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import palaestra
from gymnasium.spaces import Box

ROWS, OBSERVATION, ACTION, CAPACITY = 256, 17, 6, 1_000_000
SPACES = (
    Box(-np.inf, np.inf, (OBSERVATION,), np.float32),
    Box(-1, 1, (ACTION,), np.float32),
)
UNIFORM = "uniform/sample_256_of_1M"
PRIORITISED = "prioritised/sample_and_update_256_of_1M"
APPEND, EXTEND = "append", "extend_256"
LANES = (1, 8, 64)  # of appends
Call = Callable[[], object]
Key = tuple[str, int]  # what is done, with how many rows
Part = dict[str, np.ndarray]
random = np.random.default_rng(0)


def chunks(size: int = 50_000) -> list[Part]:
    """Make a million transitions of one lane in pieces; episodes of 1,000 steps."""
    parts = []
    for begin in range(0, CAPACITY, size):
        observation = random.random((size + 1, OBSERVATION), np.float32)
        done = (np.arange(begin, begin + size) % 1_000) == 999
        parts.append(
            {
                "observation": observation[:-1],
                "action": random.random((size, ACTION), np.float32),
                "reward": random.random(size, np.float32),
                "next_observation": observation[1:],
                "truncated": done | (np.arange(size) == size - 1),
            }
        )
    return parts


def steps(lanes: int, count: int = 64) -> Iterator[Part]:
    """Steps of that many lanes, for ever: each starts where the one before it ended."""
    observation = [
        random.random((lanes, OBSERVATION), np.float32) for _ in range(count)
    ]
    return cycle(
        [
            {
                "observation": observation[i],
                "action": random.random((lanes, ACTION), np.float32),
                "reward": random.random(lanes, np.float32),
                "next_observation": observation[(i + 1) % count],
                "terminated": np.zeros(lanes, bool),
                "truncated": np.zeros(lanes, bool),
            }
            for i in range(count)
        ]
    )


def episodes(count: int = 16) -> Iterator[Part]:
    """Pieces of one lane, 256 steps each; the episode ends with the piece."""
    ends = np.arange(ROWS) == ROWS - 1
    return cycle(
        [
            {**part, "terminated": np.zeros(ROWS, bool), "truncated": ends}
            for part in chunks(ROWS)[:count]
        ]
    )


def priorities() -> Iterator[np.ndarray]:
    """Sets of new priorities, for ever."""
    return cycle(random.random((64, ROWS), np.float32) + 1e-3)


def ours(parts: list[Part]) -> dict[Key, Call]:
    """Fill ours."""
    calls: dict[Key, Call] = {}
    uniform, ranked = (
        palaestra.ReplayBuffer(*SPACES, CAPACITY, priorities=kind)
        for kind in (None, "proportional")
    )
    for part in parts:
        for buffer in (uniform, ranked):
            buffer.extend(terminated=np.zeros(len(part["reward"]), bool), **part)
    new = priorities()

    def update() -> None:
        ranked.update_priorities(ranked.sample(ROWS).index, next(new))

    pieces = episodes()
    calls[UNIFORM, ROWS] = lambda: uniform.sample(ROWS)
    calls[PRIORITISED, ROWS] = update
    calls[EXTEND, ROWS] = lambda: uniform.extend(**next(pieces))
    for lanes in LANES:
        empty = palaestra.ReplayBuffer(*SPACES, CAPACITY, lanes=lanes)
        calls[APPEND, lanes] = adder(empty.add, steps(lanes))
    return calls


def adder(add: Callable[..., object], source: Iterator[Part]) -> Call:
    """Add the next steps."""
    return lambda: add(**next(source))


def cpprb_calls(parts: list[Part]) -> dict[Key, Call]:
    """Fill cpprb's."""
    import cpprb

    fields = {
        "observation": {"shape": OBSERVATION},
        "action": {"shape": ACTION},
        "reward": {},
        "next_observation": {"shape": OBSERVATION},
        "done": {},
    }
    uniform = cpprb.ReplayBuffer(CAPACITY, fields)
    ranked = cpprb.PrioritizedReplayBuffer(CAPACITY, fields, alpha=0.6)
    for part in parts:
        columns = {key: part[key] for key in fields if key != "done"}
        for buffer in (uniform, ranked):
            buffer.add(done=np.zeros(len(part["reward"])), **columns)
    new = priorities()

    def update() -> None:
        batch = ranked.sample(ROWS, beta=0.4)
        ranked.update_priorities(batch["indexes"], next(new))

    def renamed(source: Iterator[Part]) -> Iterator[Part]:
        for part in source:
            yield {
                **{key: part[key] for key in fields if key in part},
                "done": part["terminated"],
            }

    calls: dict[Key, Call] = {
        (UNIFORM, ROWS): lambda: uniform.sample(ROWS),
        (PRIORITISED, ROWS): update,
        (EXTEND, ROWS): adder(uniform.add, renamed(episodes())),
    }
    for lanes in LANES:
        empty = cpprb.ReplayBuffer(CAPACITY, fields)
        calls[APPEND, lanes] = adder(empty.add, renamed(steps(lanes)))
    return calls


def fill_sb3(buffer: Any, parts: list[Part]) -> None:
    """Put the columns into Stable-Baselines3's arrays."""
    for name, column in {
        "observations": "observation",
        "next_observations": "next_observation",
        "actions": "action",
    }.items():
        getattr(buffer, name)[:, 0] = np.concatenate([part[column] for part in parts])
    buffer.full = True


def sb3_adder(buffer: Any, lanes: int) -> Call:
    """Add the next steps as Stable-Baselines3's collector does."""
    source = (
        {
            "obs": part["observation"],
            "next_obs": part["next_observation"],
            "action": part["action"],
            "reward": part["reward"],
            "done": part["truncated"],
            "infos": [{} for _ in range(lanes)],
        }
        for part in steps(lanes)
    )
    return adder(buffer.add, source)


def sb3_calls(parts: list[Part]) -> dict[Key, Call]:
    """Fill Stable-Baselines3's."""
    from stable_baselines3.common.buffers import ReplayBuffer

    full = ReplayBuffer(CAPACITY, *SPACES, device="cpu")
    fill_sb3(full, parts)
    calls: dict[Key, Call] = {(UNIFORM, ROWS): lambda: full.sample(ROWS)}
    for lanes in LANES:
        empty = ReplayBuffer(CAPACITY, *SPACES, device="cpu", n_envs=lanes)
        calls[APPEND, lanes] = sb3_adder(empty, lanes)
    return calls


def adapter_calls(parts: list[Part]) -> dict[Key, Call]:
    """Fill ours in the place of Stable-Baselines3's."""
    from palaestra.stable_baselines3 import ReplayBuffer

    full = ReplayBuffer(CAPACITY, *SPACES, device="cpu")
    for part in parts:
        full.rows.extend(terminated=np.zeros(len(part["reward"]), bool), **part)
    calls: dict[Key, Call] = {(UNIFORM, ROWS): lambda: full.sample(ROWS)}
    for lanes in LANES:
        empty = ReplayBuffer(CAPACITY, *SPACES, device="cpu", n_envs=lanes)
        calls[APPEND, lanes] = sb3_adder(empty, lanes)
    return calls


def torchrl_calls(parts: list[Part]) -> dict[Key, Call]:
    """Fill TorchRL's; by priority only where its compiled part fits the installed PyTorch."""
    folder = Path(__file__).parent  # its mujoco.py would stand in for the package
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != folder]
    import torch
    from tensordict import TensorDict
    from torchrl.data import LazyTensorStorage, ReplayBuffer
    from torchrl.data.replay_buffers.samplers import PrioritizedSampler, RandomSampler

    def filled(sampler: Any) -> Any:
        buffer = ReplayBuffer(
            storage=LazyTensorStorage(CAPACITY), sampler=sampler, batch_size=ROWS
        )
        for part in parts:
            columns = {name: torch.from_numpy(column) for name, column in part.items()}
            buffer.extend(TensorDict(columns, batch_size=[len(part["reward"])]))
        return buffer

    calls: dict[Key, Call] = {(UNIFORM, ROWS): filled(RandomSampler()).sample}
    try:
        import torchrl._torchrl  # noqa: F401
    except ImportError:
        return calls
    ranked = filled(PrioritizedSampler(CAPACITY, alpha=0.6, beta=0.4))
    new = priorities()

    def update() -> None:
        _, info = ranked.sample(return_info=True)
        ranked.update_priority(info["index"], torch.from_numpy(next(new)))

    calls[PRIORITISED, ROWS] = update
    return calls
