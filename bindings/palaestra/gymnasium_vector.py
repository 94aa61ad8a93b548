"""Many environments behind Gymnasium's ``VectorEnv`` interface."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding

from palaestra import _goals, _infos
from palaestra._keywords import check_render_mode
from palaestra._seeds import Seed, row_seeds
from palaestra.vector import Frames, check_mask, make_vec

try:
    from gymnasium.vector import AutoresetMode
except ImportError:  # Gymnasium 1.0 has next-step resets and no name for them
    from enum import Enum

    class AutoresetMode(Enum):  # type: ignore[no-redef]
        """Gymnasium's names of the automatic resets."""

        NEXT_STEP = "NextStep"
        SAME_STEP = "SameStep"
        DISABLED = "Disabled"


Bools = npt.NDArray[np.bool_]
Step = tuple[Any, npt.NDArray[np.float64], Bools, Bools, dict[str, Any]]


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv):
    """What ``gymnasium.make_vec("palaestra/<id>", n)`` makes, with Gymnasium's conventions.

    Arrays are fresh copies, ``reset(seed=s)`` seeds row ``i`` with ``s + i``, infos carry masks,
    and in same-step mode ``final_obs`` and ``final_info`` hold the ends of episodes.

    Parameters
    ----------
    env_id
        Id without the ``palaestra/`` prefix.
    num_envs
        Number of environments.
    max_episode_steps
        Time limit; None for the environment's own, -1 for none.
    autoreset_mode
        A member of ``gymnasium.vector.AutoresetMode`` or its value.
    threads
        How many threads step the rows; 0 means one per physical core.
    copy
        With False, observations are live views, overwritten by the next call.
    render_mode
        ``"rgb_array"`` for pictures from `render`; None for none.
    **keywords
        The environment's own options under Gymnasium's names.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 0,
        copy: bool = True,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        # Rows that nobody seeds must differ from one run to the next, as Gymnasium's do.
        entropy = int(seeding.np_random()[1]) % 2**64
        self.native = make_vec(
            env_id,
            num_envs,
            seed=entropy,
            threads=threads,
            autoreset_mode=autoreset_mode,
            max_episode_steps=max_episode_steps,
            **keywords,
        )
        self.num_envs = num_envs
        self.copy = copy
        self.autoreset_mode = AutoresetMode(self.native.autoreset_mode)
        fps = self.native.native_spec.render_fps
        self.metadata = check_render_mode(env_id, render_mode, fps)
        self.metadata["autoreset_mode"] = self.autoreset_mode
        self.render_mode = render_mode
        self.single_observation_space = self.native.single_observation_space
        self.single_action_space = self.native.single_action_space
        self.observation_space = self.native.observation_space
        self.action_space = self.native.action_space
        self._info_names = _infos.names_of(self.native.native_spec.info)
        self._all = np.ones(num_envs, dtype=np.bool_)
        self._started = False

    def reset(
        self, *, seed: Seed = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start a new episode in every row, or in those of ``options["reset_mask"]``.

        Parameters and errors are those of `palaestra.VectorEnv.reset`.
        """
        seeds = row_seeds(seed, self.num_envs)
        if isinstance(seed, int):
            super().reset(seed=seed)
        options = dict(options or {})
        rows = check_mask(options.get("reset_mask"), self.num_envs)
        if not self._started and not rows.all():
            raise ResetNeeded("The first reset must be of all rows, without reset_mask")
        observation, columns = self.native.reset(seed=seeds, options=options)
        self._started = True
        infos: dict[str, Any] = {}
        _infos.put(infos, columns, self._info_names, rows, fresh=rows)
        return _goals.copy_of(observation) if self.copy else observation, infos

    def step(self, actions: npt.NDArray[Any]) -> Step:
        """Advance every row by one step. See `gymnasium.vector.VectorEnv.step`."""
        if not self._started:
            raise ResetNeeded("Cannot call step() before reset()")
        observation, reward, terminated, truncated, columns = self.native.step(actions)
        result = (
            _goals.copy_of(observation) if self.copy else observation,
            reward.copy(),
            terminated.copy(),
            truncated.copy(),
        )
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            self._add_ends(infos, terminated | truncated, columns)
        elif self._info_names:
            _infos.put(
                infos, columns, self._info_names, self._all, fresh=columns["reset"]
            )
        return (*result, infos)

    def render(self) -> Frames | None:  # type: ignore[override]
        """Draw every row as it is now: uint8[height, width, 3] each, top row first.

        None, and a warning, without ``render_mode="rgb_array"``.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                f"{self.native.env_id}: render() without a render_mode; "
                'make the environments with render_mode="rgb_array"'
            )
            return None
        return self.native.render()

    def close_extras(self, **_: Any) -> None:
        """Give the memory back; any later call raises `UserError`."""
        self.native.close()

    def get_state(self, rows: npt.ArrayLike | None = None) -> npt.NDArray[np.uint8]:
        """Everything that decides the future of some rows, as bytes: uint8[rows, state_bytes]."""
        return self.native.get_state(rows)

    def set_state(
        self, rows: npt.ArrayLike | None, states: npt.NDArray[np.uint8]
    ) -> None:
        """Put saved states into some rows; a state fits any row of any batch of the same id."""
        self.native.set_state(rows, states)

    def _add_ends(
        self, infos: dict[str, Any], ended: Bools, columns: _infos.Columns
    ) -> None:
        """Same-step mode: the ends of episodes apart from the beginnings of the next ones."""
        if not ended.any():
            _infos.put(infos, columns, self._info_names, self._all)
            return
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended):
            final_obs[row] = _goals.row_of(columns["final_obs"], row)
        final_info: dict[str, Any] = {}
        _infos.put(final_info, columns, self._info_names, ended)
        infos["final_obs"], infos["_final_obs"] = final_obs, ended.copy()
        infos["final_info"], infos["_final_info"] = final_info, ended.copy()
        if self._info_names:
            # the columns describe the last step; putting the rows back describes their new state
            rows = np.flatnonzero(ended)
            self.native.set_state(rows, self.native.get_state(rows))
            _infos.put(infos, columns, self._info_names, self._all, fresh=ended)
