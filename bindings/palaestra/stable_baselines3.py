"""Stable-Baselines3's own kinds of vector environment and replay buffer, over the native ones.

    from palaestra.stable_baselines3 import ReplayBuffer, make_vec_env
    model = PPO("MlpPolicy", make_vec_env("HalfCheetah-v5", 16))
    model = SAC("MlpPolicy", "palaestra/Pendulum-v1", replay_buffer_class=ReplayBuffer)

Stable-Baselines3 must be installed. Its ``make_vec_env`` takes ``"palaestra/..."`` ids as well, but
then steps one environment after the other in Python.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv

from palaestra import _goals
from palaestra._infos import names_of
from palaestra._palaestra import UserError
from palaestra._stable_baselines3_errors import td_error
from palaestra._stable_baselines3_her import HerReplayBuffer
from palaestra._stable_baselines3_replay import ReplayBuffer
from palaestra.vector import VectorEnv, make_vec

__all__ = [
    "HerReplayBuffer",
    "PalaestraVecEnv",
    "ReplayBuffer",
    "make_vec_env",
    "td_error",
]

Indices = int | Iterable[int] | None


def _value(element: Any) -> float | npt.NDArray[np.float64]:
    """One row's info as a value that the next step does not overwrite."""
    return element.copy() if element.ndim else float(element)


class PalaestraVecEnv(VecEnv):
    """A native vector environment as a ``VecEnv``: finished rows restart within the step.

    ``infos[i]`` of a row that ended holds ``terminal_observation``, ``TimeLimit.truncated`` and,
    as Stable-Baselines3's ``Monitor`` would write it, ``episode``.

    Parameters
    ----------
    native
        Made with ``autoreset_mode="SameStep"``.
    """

    def __init__(self, native: VectorEnv) -> None:
        if native.autoreset_mode != "SameStep":
            raise UserError(
                f"PalaestraVecEnv: autoreset_mode is {native.autoreset_mode}; accepted: SameStep"
            )
        self.native = native
        super().__init__(
            native.num_envs, native.single_observation_space, native.single_action_space
        )
        self._start = time.time()
        self._actions: npt.NDArray[Any] = np.zeros(0)

    def reset(self) -> Any:
        """Start a new episode in every row, from the seeds and options of `seed` and `set_options`.

        Either holds for this reset alone. The options are those of `palaestra.VectorEnv.reset`.

        Raises
        ------
        UserError
            For options that are not accepted; nothing was reset, seeds and options are kept.
        """
        observation = self._reset_by(self._options)
        self._reset_seeds()
        self._reset_options()
        return _goals.copy_of(observation)

    def _reset_by(self, options: Sequence[dict[str, Any]]) -> Any:
        if len(options) != self.num_envs:
            raise UserError(
                f"set_options: {len(options)} dicts for {self.num_envs} rows; "
                "accepted: one for all or one for each"
            )
        groups: dict[bytes, list[int]] = {}
        for row, given in enumerate(options):
            if "reset_mask" in given:
                raise UserError(
                    "set_options: reset_mask is not accepted: every row is reset"
                )
            groups.setdefault(pickle.dumps(given), []).append(row)
        if len(groups) == 1:
            return self.native.reset(seed=self._seeds, options=options[0])[0]
        before = self.native.get_state()
        try:
            for rows in groups.values():
                mask = np.zeros(self.num_envs, dtype=np.bool_)
                mask[rows] = True
                observation, _ = self.native.reset(
                    seed=self._seeds, options={**options[rows[0]], "reset_mask": mask}
                )
        except UserError:
            self.native.set_state(None, before)
            raise
        return observation

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        dtype = np.int64 if self.native.native_spec.action.kind == "discrete" else None
        self._actions = np.ascontiguousarray(actions, dtype or np.float32)

    def step_wait(
        self,
    ) -> tuple[
        Any,
        npt.NDArray[np.float32],
        npt.NDArray[np.bool_],
        list[dict[str, Any]],
    ]:
        """Advance every row by one step."""
        observation, reward, terminated, truncated, columns = self.native.step(
            self._actions
        )
        done = terminated | truncated
        names = names_of(self.native.native_spec.info)
        infos: list[dict[str, Any]] = [
            {name: _value(columns[name][i]) for name in names}
            for i in range(self.num_envs)
        ]
        for row, info in enumerate(infos):
            info["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
        for row in np.flatnonzero(done):
            infos[row]["terminal_observation"] = _goals.row_of(
                columns["final_obs"], row
            )
            infos[row]["episode"] = {
                "r": float(columns["episode_return"][row]),
                "l": int(columns["episode_length"][row]),
                "t": time.time() - self._start,
            }
        return _goals.copy_of(observation), reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Give the memory back."""
        self.native.close()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of the batch, once for each row asked for."""
        if attr_name == "render_mode":
            return [None] * len(self._rows(indices))
        return [getattr(self.native, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Refuse: rows of a batch have no attributes of their own."""
        raise UserError(
            f"set_attr({attr_name!r}): the rows of a batch have no attributes of their own"
        )

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: Indices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call ``compute_reward`` of a goal task; refuse others: call those of ``native``."""
        if method_name == "compute_reward":
            reward = self.native.compute_reward(*method_args, **method_kwargs)
            return [reward] * len(self._rows(indices))
        raise UserError(
            f"env_method({method_name!r}): the rows of a batch have no methods of their own; "
            "call those of .native"
        )

    def env_is_wrapped(
        self, wrapper_class: type[Any], indices: Indices = None
    ) -> list[bool]:
        """No row is wrapped; episodes are reported as ``Monitor`` would."""
        from stable_baselines3.common.monitor import Monitor

        return [wrapper_class is Monitor] * len(self._rows(indices))

    def _rows(self, indices: Indices) -> Sequence[int]:
        return list(self._get_indices(indices))


def make_vec_env(
    env_id: str,
    n_envs: int = 1,
    *,
    seed: int = 0,
    threads: int = 0,
    max_episode_steps: int | None = None,
    **keywords: Any,
) -> PalaestraVecEnv:
    """Make a native vector environment for Stable-Baselines3; see `palaestra.make_vec`."""
    native = make_vec(
        env_id,
        n_envs,
        seed=seed,
        threads=threads,
        autoreset_mode="SameStep",
        max_episode_steps=max_episode_steps,
        **keywords,
    )
    return PalaestraVecEnv(native)
