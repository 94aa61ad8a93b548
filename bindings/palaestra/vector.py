"""The native vector environment: live columns, no copies."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

from palaestra import _arguments, _goals, _palaestra
from palaestra import wrappers as _wrappers
from palaestra._ids import native_id
from palaestra._initial_state import beginning
from palaestra._keywords import to_native
from palaestra._palaestra import UserError
from palaestra._seeds import Seed, row_seeds
from palaestra._spaces import to_gymnasium

Info = dict[str, Any]
Frames = tuple[npt.NDArray[np.uint8], ...]


class EpisodeRecord(NamedTuple):
    """What the last episodes came to, oldest first."""

    #: How many episodes have ended so far.
    episodes: int
    #: float64[k]
    returns: npt.NDArray[np.float64]
    #: int64[k], steps
    lengths: npt.NDArray[np.int64]
    #: float64[k], wall-clock seconds; NaN where the episode was restored meanwhile
    seconds: npt.NDArray[np.float64]


class VectorEnv(_palaestra.VectorEnv):
    """A batch of environments that owns its columns and shows them as NumPy arrays.

    ``step(actions)`` returns ``(observation, reward, terminated, truncated, info)``. With the
    default ``copy=False`` these are **live views**: always the same arrays, overwritten by the next
    call. Copy what must survive it, or make the environment with ``copy=True``. ``info`` holds more
    columns:

    ================== ========================================================================
    ``final_obs``      last observation of the rows that ended in this step (same-step mode)
    ``reset``          rows that were reset by this step (next-step mode): no transition
    ``status``         0, or 1 where the simulation diverged (the row is then truncated)
    ``episode_return`` sum of the rewards of the running episode, this step included
    ``episode_length`` steps of the running episode, this step included
    ================== ========================================================================

    and the environment's own, under Gymnasium's names (``x_velocity``, ...).

    Observations of goal tasks are dicts of three such views, ``observation``, ``achieved_goal`` and
    ``desired_goal``, and so is ``final_obs``.

    Use `make_vec` to create one.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        *,
        keywords: dict[str, float | str],
        **settings: Any,
    ) -> None:
        super().__init__(env_id, num_envs, keywords=keywords, **settings)
        self.env_id = env_id
        self._made_with = {"keywords": keywords, **settings}
        native = self.native_spec
        self.single_observation_space: spaces.Space[Any] = _goals.observation_space(
            native
        )
        self.single_action_space: spaces.Space[Any] = to_gymnasium(native.action)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: Seed = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Any, Info]:
        """Start a new episode in every row, or in some.

        Parameters
        ----------
        seed
            None: every row goes on to the next episode of its own seed. An integer ``s``: row ``i``
            starts over from seed ``s + i``. A sequence: one seed a row, None to go on.
        options
            ``reset_mask``: boolean array of the rows to reset. Classic tasks also take the bounds
            of the first state under Gymnasium's names (``low``, ``high``; Pendulum ``x_init``,
            ``y_init``), mazes the cells ``goal_cell`` and ``reset_cell`` (row, column), those of
            OGBench ``task_id`` or ``task_info``.

        Returns
        -------
        tuple
            ``(observation, info)``, the same columns `step` returns.

        Raises
        ------
        UserError
            For seeds, masks or options that are not accepted; nothing was reset.
        """
        seeds = row_seeds(seed, self.num_envs)
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        rows = check_mask(mask, self.num_envs)
        sampler, native = beginning(self.env_id, options)
        if seeds is None:
            result = self._reset(None, mask, native)
        elif None in seeds:
            given = np.array([s is not None for s in seeds])
            numbers = np.array([s or 0 for s in seeds], dtype=np.uint64)
            if (rows & given).any():
                self._reset(numbers, rows & given, native)
            result = self._reset(None, rows & ~given, native)
        else:
            result = self._reset(np.array(seeds, dtype=np.uint64), mask, native)
        if sampler is not None:
            for row in np.flatnonzero(rows):
                entropy = None if seeds is None else seeds[row]
                self.set_physics(int(row), sampler(np.random.default_rng(entropy)))
            if self.copies:
                result = self._columns()
        return result

    def recorded_episodes(self) -> EpisodeRecord:
        """Return what `palaestra.wrappers.RecordStatistics` keeps.

        Raises
        ------
        UserError
            Without that wrapper.
        """
        return EpisodeRecord(*self._recorded_episodes())

    def render(self, rows: npt.ArrayLike | None = None) -> Frames:
        """Draw some rows, or all, as they are now.

        Returns
        -------
        tuple
            One picture a row: uint8[height, width, 3], top row first.

        Raises
        ------
        UserError
            For a row outside the batch, for an environment that draws no pictures, and where a
            library that it draws with is missing.
        """
        if rows is None:
            return tuple(self._render(row) for row in range(self.num_envs))
        chosen = _arguments.array_of_integers("render", "rows", rows)
        return tuple(self._render(int(row)) for row in np.atleast_1d(chosen))

    def get_state(self, rows: npt.ArrayLike | None = None) -> npt.NDArray[np.uint8]:
        """Everything that decides the future of some rows, or all: uint8[rows, state_bytes]."""
        return super().get_state(_rows("get_state", rows))

    def set_state(
        self, rows: npt.ArrayLike | None, states: npt.NDArray[np.uint8]
    ) -> None:
        """Put saved states into some rows, or all: each fits any row of any batch of the same id.

        Raises
        ------
        UserError
            For what `get_state` cannot have given, and rows outside the batch; nothing was set.
        """
        chosen = _rows("set_state", rows)
        given = _arguments.array_of_bytes("set_state", "states", states)
        super().set_state(chosen, given)

    def get_physics(self, row: int) -> npt.NDArray[np.float64]:
        """Physical state of one row, in Gymnasium's order."""
        _arguments.integers("get_physics", row=row)
        return super().get_physics(row)

    def set_physics(self, row: int, values: npt.ArrayLike) -> None:
        """Put one row into a physical state and observe it."""
        _arguments.integers("set_physics", row=row)
        super().set_physics(
            row, _arguments.array_of_numbers("set_physics", "values", values)
        )

    def set_statistics(self, values: npt.ArrayLike) -> None:
        """Put statistics in their place; they show from the next step or reset on."""
        super().set_statistics(
            _arguments.array_of_numbers("set_statistics", "values", values)
        )

    def set_goal(self, row: int, goal: npt.ArrayLike) -> None:
        """Give one row of a goal task another desired goal and observe it."""
        _arguments.integers("set_goal", row=row)
        super().set_goal(row, _arguments.array_of_numbers("set_goal", "goal", goal))

    def compute_reward(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,
    ) -> Any:
        """Reward what was achieved by what was wanted; see `palaestra.single.GoalEnv`."""
        return _goals.compute_reward(self, achieved_goal, desired_goal)

    def compute_terminated(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,
    ) -> Any:
        """Say whether such steps end an episode; see `palaestra.single.GoalEnv`."""
        return _goals.compute_terminated(self, achieved_goal, desired_goal)

    def __repr__(self) -> str:
        """Name, environment and size."""
        return f"VectorEnv({self.env_id}, num_envs={self.num_envs})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Everything, for pickle and deepcopy: the copy has the same future."""
        states = None if self.closed else (self.get_statistics(), self.get_state())
        size = self.action_space.shape[0] if self.closed else self.num_envs
        return _restore, (self.env_id, size, self._made_with, states)

    def __enter__(self) -> VectorEnv:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _restore(
    env_id: str,
    num_envs: int,
    made_with: dict[str, Any],
    states: tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]] | None,
) -> VectorEnv:
    env = VectorEnv(env_id, num_envs, **made_with)
    if states is None:
        env.close()
    else:
        env.set_statistics(states[0])
        env.set_state(None, states[1])
    return env


def _rows(where: str, rows: npt.ArrayLike | None) -> npt.NDArray[np.int64] | None:
    return None if rows is None else _arguments.array_of_integers(where, "rows", rows)


def check_mask(mask: object, num_envs: int) -> npt.NDArray[np.bool_]:
    """Return the rows a mask names, all of them for None."""
    if mask is None:
        return np.ones(num_envs, dtype=np.bool_)
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise UserError(f"reset: reset_mask must be a boolean NumPy array, got {kind}")
    if mask.shape != (num_envs,):
        raise UserError(
            f"reset: reset_mask has shape {list(mask.shape)}, expected [{num_envs}]"
        )
    if not mask.any():
        raise UserError("reset: reset_mask names no row")
    return mask


def make_vec(
    env_id: str,
    num_envs: int = 1,
    *,
    seed: int = 0,
    threads: int = 0,
    autoreset_mode: object = "NextStep",
    max_episode_steps: int | None = None,
    copy: bool = False,
    wrappers: Sequence[_wrappers.Wrapper] = (),
    **keywords: Any,
) -> VectorEnv:
    """Create a native vector environment.

    Parameters
    ----------
    env_id
        ``HalfCheetah-v5`` or ``palaestra/HalfCheetah-v5``; `palaestra.env_ids` lists all.
    num_envs
        Number of environments, 1 or more.
    seed
        Row ``i`` draws from streams addressed by ``(seed, i, episode)``: the results do not depend
        on the number of threads or of rows.
    threads
        How many threads step the rows; 0 means one per physical core.
    autoreset_mode
        ``"NextStep"``, ``"SameStep"``, ``"Disabled"`` or a member of Gymnasium's ``AutoresetMode``.
    max_episode_steps
        Time limit instead of the environment's own; 0 or -1 for none.
    copy
        Return fresh arrays from every call instead of live views.
    wrappers
        Objects of `palaestra.wrappers`, the innermost first:
        ``[NormalizeObservation(), FrameStack(4)]``.
    **keywords
        The environment's own options under Gymnasium's names.

    Raises
    ------
    UserError
        For an unknown id (the nearest one is suggested), unknown keywords, values out of range and
        wrappers that do not suit the environment.
    """
    env_id = native_id(env_id)
    _arguments.integers("make_vec", num_envs=num_envs, seed=seed, threads=threads)
    _arguments.flags("make_vec", copy=copy)
    time_limit = None
    if max_episode_steps is not None:
        _arguments.integers("make_vec", max_episode_steps=max_episode_steps)
        time_limit = max(operator.index(max_episode_steps), 0)
    return VectorEnv(
        env_id,
        num_envs,
        seed=seed,
        threads=threads,
        autoreset_mode=str(getattr(autoreset_mode, "value", autoreset_mode)),
        time_limit=time_limit,
        copy=copy,
        keywords=to_native(env_id, keywords),
        wrappers=_wrappers.to_native(wrappers),
    )
