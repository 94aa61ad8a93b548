"""The native replay buffer in the place of Stable-Baselines3's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.buffers import ReplayBuffer as OriginalBuffer
from stable_baselines3.common.type_aliases import (
    DictReplayBufferSamples,
    ReplayBufferSamples,
)
from stable_baselines3.common.vec_env import VecNormalize

from palaestra import replay
from palaestra._palaestra import UserError
from palaestra.minibatch import Draw

Array = npt.NDArray[Any]
Samples = ReplayBufferSamples | DictReplayBufferSamples

_PREFIX = "observation/"  # of the columns of a Dict
_SEQUENCE_BITS = 40  # of a row's id, below its lane
_STORED_AS = {
    np.dtype(original): np.dtype(stored)
    for original, stored in {
        np.float16: np.float32,
        np.int8: np.int32,
        np.int16: np.int32,
        np.uint16: np.int32,
        np.uint32: np.int64,
    }.items()
}


class _Column(NamedTuple):
    """A quantity in Stable-Baselines3's shape and type, which may be stored as another type."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored: np.dtype[Any]

    @classmethod
    def of(
        cls, space: spaces.Space[Any], shape: tuple[int, ...], dtype: Any = None
    ) -> _Column:
        dtype = np.dtype(space.dtype if dtype is None else dtype)
        return cls(shape, dtype, _STORED_AS.get(dtype, dtype))

    def space(self) -> spaces.Box:
        """Tell the native buffer shape and type; nobody looks at the bounds."""
        return spaces.Box(0, 1, self.shape, self.stored.type)

    def store(self, values: Any, rows: int) -> Array:
        return np.asarray(values, self.stored).reshape(rows, *self.shape)

    def show(self, values: Array) -> Array:
        return values.astype(self.dtype, copy=False)


class ReplayBuffer(OriginalBuffer):
    """`palaestra.ReplayBuffer` for ``replay_buffer_class=`` of SAC, TD3, DQN and their kin.

    Takes the place of ``ReplayBuffer``, ``DictReplayBuffer`` and ``NStepReplayBuffer``: the same
    calls, the same tensors for the same rows. Next observations are stored once, whatever
    ``optimize_memory_usage`` says, and time limits are still told apart. Differences:

    - Draws come from a stream of the buffer's own, which starts from NumPy's global generator and
      so from the model's seed.
    - Numbers that are not finite are refused.
    - A lane that starts anew without a ``done`` (another call of ``learn``) is cut there, so that
      n-step returns do not run on into the new episode.
    - ``observations``, ``rewards`` and the like are copies of what is stored.

    Parameters
    ----------
    buffer_size, observation_space, action_space, device, n_envs, handle_timeout_termination
        As Stable-Baselines3 passes them.
    optimize_memory_usage
        Accepted, and always so.
    n_steps, gamma
        Of n-step returns, as for ``NStepReplayBuffer``: they must be given in
        ``replay_buffer_kwargs``.
    priorities, priority_exponent
        As for `palaestra.ReplayBuffer`. Set `priority` to have them follow the learning.
    importance_exponent
        Of the weights in `last`. Stable-Baselines3's losses do not use them.
    selection, recent
        As for `palaestra.ReplayBuffer.sample`.
    seed
        Of the draws; by default drawn from NumPy's global generator.
    file, threads
        As for `palaestra.ReplayBuffer`.
    """

    rows: replay.ReplayBuffer
    """The native buffer, a lane per environment."""
    last: Draw | None
    """Ids, weights and probabilities of the rows that `sample` drew last."""
    priority: Callable[[Samples], th.Tensor | Array] | None
    """If set, each call of `sample` first gives the rows of the samples before it the priorities
    that this function says they have now; see `td_error`. It is not pickled."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: th.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        handle_timeout_termination: bool = True,
        *,
        n_steps: int = 1,
        gamma: float = 0.99,
        priorities: str | bool | None = None,
        priority_exponent: float = 0.6,
        importance_exponent: float = 0.4,
        selection: str | None = None,
        recent: int = 10_000,
        seed: int | None = None,
        file: str | os.PathLike[str] | None = None,
        threads: int = 1,
    ) -> None:
        BaseBuffer.__init__(
            self, buffer_size, observation_space, action_space, device, n_envs=n_envs
        )
        if n_steps < 1:
            raise UserError(f"ReplayBuffer: n_steps is {n_steps}; accepted: 1 or more")
        self.buffer_size = max(buffer_size // n_envs, 1)
        self.optimize_memory_usage = optimize_memory_usage
        self.handle_timeout_termination = handle_timeout_termination
        self.n_steps, self.gamma = n_steps, gamma
        self._draws = {
            "selection": selection,
            "recent": recent,
            "importance_exponent": importance_exponent,
        }
        self._many = isinstance(observation_space, spaces.Dict)
        self._states = (
            {
                _PREFIX + key: _Column.of(space, self.obs_shape[key])
                for key, space in observation_space.items()
            }
            if self._many
            else {"observation": _Column.of(observation_space, self.obs_shape)}
        )
        self._action = _Column.of(
            action_space, (self.action_dim,), self._maybe_cast_dtype(action_space.dtype)
        )
        states = {name: column.space() for name, column in self._states.items()}
        self._options = {
            "observation_space": spaces.Dict(states)
            if self._many
            else states["observation"],
            "action_space": self._action.space(),
            "capacity": self.buffer_size * n_envs,
            "lanes": n_envs,
            "priorities": priorities,
            "priority_exponent": priority_exponent,
            "seed": int(_random(2**31, ())) if seed is None else seed,
            "file": file,
            "threads": threads,
        }
        self.priority = None
        self.reset()

    # ---- what Stable-Baselines3 calls ------------------------------------------------------------

    def reset(self) -> None:
        """Forget all rows, and start the draws anew."""
        super().reset()
        self.rows = replay.ReplayBuffer(**self._options)
        self.last = None
        self._samples: Samples | None = None
        self._added = 0
        self._never = np.zeros(self.n_envs, bool)

    def add(
        self,
        obs: Array | dict[str, Array],
        next_obs: Array | dict[str, Array],
        action: Array,
        reward: Array,
        done: Array,
        infos: list[dict[str, Any]],
    ) -> None:
        """Add one transition of each environment."""
        terminated = np.asarray(done, bool).reshape(self.n_envs)
        truncated = self._never
        if self.handle_timeout_termination and terminated.any():
            late = [info.get("TimeLimit.truncated", False) for info in infos]
            truncated = terminated & np.array(late, bool)
            terminated = terminated & ~truncated
        now, after = self._stored(obs), self._stored(next_obs)
        columns = {
            **now,
            "action": self._action.store(action, self.n_envs),
            "reward": np.asarray(reward, np.float32).reshape(self.n_envs),
        }
        row = (columns, terminated, truncated, None, after, after, None)
        try:
            self.rows._add(*row)
        except UserError:
            if not self._cut_where_it_does_not_go_on(now):
                raise
            self.rows._add(*row)
        self._added += 1
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full = True
            self.pos = 0

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> Samples:
        """Draw transitions as tensors of their own."""
        if self.priority is not None and self._samples is not None:
            self.update_priorities(self.priority(self._samples))
        self.last = self.rows.draw(batch_size, **self._draws)
        samples = self._gather(self.last.index, env)
        self._samples = samples if self.priority is not None else None
        return samples

    def _get_samples(
        self, batch_inds: Array, env: VecNormalize | None = None
    ) -> Samples:
        """Give the transitions at these positions, each of a random environment."""
        lanes = _random(self.n_envs, (len(batch_inds),))
        return self._gather(self._ids(batch_inds, lanes), env)

    # ---- more ------------------------------------------------------------------------------------

    def update_priorities(self, priorities: th.Tensor | Array) -> int:
        """Give the rows that `sample` drew last their priorities; return how many were gone."""
        if self.last is None:
            raise UserError("update_priorities: nothing has been sampled yet")
        if isinstance(priorities, th.Tensor):
            priorities = priorities.detach().cpu().numpy()
        return self.rows.update_priorities(
            self.last.index, np.asarray(priorities, np.float32).ravel()
        )

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the function of priorities and its samples."""
        return {**self.__dict__, "priority": None, "_samples": None}

    @property
    def observations(self) -> Any:  # type: ignore[override]
        """Observations in the layout of the original, [buffer_size, n_envs, ...]; a copy."""
        return self._tables(after=False)

    @property
    def next_observations(self) -> Any:  # type: ignore[override]
        """Next observations in that layout; a copy."""
        return self._tables(after=True)

    @property
    def actions(self) -> Array:  # type: ignore[override]
        """Actions in that layout; a copy."""
        return self._action.show(self._table("action"))

    @property
    def rewards(self) -> Array:  # type: ignore[override]
        """Rewards in that layout; a copy."""
        return self._table("reward")

    @property
    def dones(self) -> Array:  # type: ignore[override]
        """Ends of episodes in that layout; a copy."""
        ends = self._table("terminated") | self._table("truncated")
        return ends.astype(np.float32)

    @property
    def timeouts(self) -> Array:  # type: ignore[override]
        """Ends by time limits in that layout; a copy."""
        return self._table("truncated").astype(np.float32)

    # ---- inside ----------------------------------------------------------------------------------

    def _stored(self, observation: Array | dict[str, Array]) -> dict[str, Array]:
        """Convert an observation to columns."""
        return {
            name: column.store(
                observation[name.removeprefix(_PREFIX)] if self._many else observation,
                self.n_envs,
            )
            for name, column in self._states.items()
        }

    def _cut_where_it_does_not_go_on(self, now: dict[str, Array]) -> bool:
        """Cut the lanes whose newest row leads elsewhere; say whether there are any."""
        if self._added == 0:
            return False
        newest = self._ids(np.array(self.pos - 1), np.arange(self.n_envs))
        running = ~(
            self.rows.read("terminated", newest) | self.rows.read("truncated", newest)
        )
        elsewhere = np.zeros(self.n_envs, bool)
        for name, value in now.items():
            left, right = (
                np.ascontiguousarray(array).reshape(self.n_envs, -1).view(np.uint8)
                for array in (value, self.rows.read(name, newest, after=True))
            )
            elsewhere |= (left != right).any(axis=1)
        lanes = np.flatnonzero(running & elsewhere)
        for lane in lanes:
            self.rows.cut(int(lane))
        return len(lanes) > 0

    def _ids(self, positions: Array, lanes: Array) -> npt.NDArray[np.int64]:
        """Ids of the rows at positions of the original's arrays."""
        newest = self._added - 1
        number = newest - (newest - np.asarray(positions, np.int64)) % self.buffer_size
        return (np.asarray(lanes, np.int64) << _SEQUENCE_BITS) | number

    def _gather(
        self, index: npt.NDArray[np.int64], env: VecNormalize | None
    ) -> Samples:
        gamma = self.gamma if self.n_steps > 1 else 1.0
        parts = self.rows._gather(index, self.n_steps, gamma, True)
        return self._finish(index, parts, env)

    def _finish(
        self,
        index: npt.NDArray[np.int64],
        parts: dict[str, Any],
        env: VecNormalize | None,
    ) -> Samples:
        """Turn columns into normalised tensors."""
        observation, after = (
            self._observation(parts[name], env)
            for name in ("observation", "next_observation")
        )
        reward = parts["reward"].reshape(-1, 1)
        if env is not None:
            reward = self._normalised_reward(index, parts, env)
        discount = None
        if self.n_steps > 1:
            steps = parts["steps"].astype(np.float32)
            discount = self.to_torch(self.gamma ** steps.reshape(-1, 1), copy=False)
        kind = DictReplayBufferSamples if self._many else ReplayBufferSamples
        return kind(
            observation,
            self.to_torch(self._action.show(parts["action"]), copy=False),
            after,
            self.to_torch(
                parts["terminated"].astype(np.float32).reshape(-1, 1), copy=False
            ),
            self.to_torch(reward, copy=False),
            discount,
        )

    def _observation(self, part: Any, env: VecNormalize | None) -> Any:
        if not self._many:
            array = self._states["observation"].show(part)
            return self.to_torch(self._normalize_obs(array, env), copy=False)
        arrays = {
            name.removeprefix(_PREFIX): self._states[name].show(value)
            for name, value in part.items()
        }
        return {
            key: self.to_torch(value, copy=False)
            for key, value in self._normalize_obs(arrays, env).items()
        }

    def _normalised_reward(
        self, index: npt.NDArray[np.int64], parts: dict[str, Any], env: VecNormalize
    ) -> Array:
        """Normalise each reward, which may clip it, before they are summed."""
        if self.n_steps == 1:
            return self._normalize_reward(parts["reward"].reshape(-1, 1), env)
        step = np.arange(self.n_steps)
        inside = step < parts["steps"][:, None]
        rows = index[:, None] + np.where(inside, step, 0)
        reward = self.rows.read("reward", rows.ravel()).reshape(rows.shape)
        factor = self.gamma ** step.astype(np.float32) * inside
        return (self._normalize_reward(reward, env) * factor).sum(1, keepdims=True)

    def _table(self, column: str, *, after: bool = False) -> Array:
        positions = np.arange(self.buffer_size if self.full else self.pos)
        lanes = np.arange(self.n_envs)
        ids = self._ids(positions[:, None], lanes)
        values = self.rows.read(column, ids.ravel(), after=after)
        table = np.zeros(
            (self.buffer_size, self.n_envs, *values.shape[1:]), values.dtype
        )
        table[: len(positions)] = values.reshape(*ids.shape, *values.shape[1:])
        return table

    def _tables(self, *, after: bool) -> Any:
        tables = {
            name.removeprefix(_PREFIX): column.show(self._table(name, after=after))
            for name, column in self._states.items()
        }
        return tables if self._many else tables["observation"]


def _random(below: int, shape: tuple[int, ...]) -> Array:
    """Draw from NumPy's global generator, which Stable-Baselines3 seeds and draws from."""
    return np.asarray(np.random.randint(0, below, shape))  # noqa: NPY002
