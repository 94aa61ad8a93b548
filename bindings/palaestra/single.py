"""One environment behind Gymnasium's ``Env`` interface."""

from __future__ import annotations

import operator
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments, _goals, _palaestra
from palaestra._infos import known_at_reset, names_of
from palaestra._initial_state import beginning
from palaestra._keywords import check_render_mode, to_native
from palaestra._palaestra import UserError
from palaestra._spaces import to_gymnasium

Observation = Any
Array = npt.NDArray[np.float64]


class PalaestraEnv(gymnasium.Env[Observation, Any]):
    """A native environment as a ``gymnasium.Env``, made by ``gymnasium.make("palaestra/<id>")``.

    Spaces, rewards, infos and keyword arguments are those of the original. The time limit is
    Gymnasium's own wrapper, as for the original. ``reset(seed=s)`` starts the sequence of episodes
    addressed by ``s``; later resets go on to the next episode of that sequence.

    Parameters
    ----------
    env_id
        Id without the ``palaestra/`` prefix.
    render_mode
        ``"rgb_array"`` for pictures from `render`; None for none. Through ``gymnasium.make`` also
        Gymnasium's ``"human"`` (a window, which needs pygame) and ``"rgb_array_list"``.
    **keywords
        The environment's own options under Gymnasium's names.
    """

    # of most environments; each has its own, with its pictures per second
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(
        self, env_id: str, render_mode: str | None = None, **keywords: object
    ) -> None:
        self._env_id = env_id
        self._keywords = to_native(env_id, keywords)
        self._native = self._make_native()
        native = self._native.native_spec
        self.metadata = check_render_mode(env_id, render_mode, native.render_fps)
        self.render_mode = render_mode
        self.observation_space = _goals.observation_space(native)
        self.action_space = to_gymnasium(native.action)
        self._info_names = names_of(native.info)
        self._discrete = isinstance(self.action_space, spaces.Discrete)
        self._action = np.zeros(
            (1, *(self.action_space.shape or ())),
            dtype=np.int64 if self._discrete else np.float32,
        )
        self._seeded = False

    def _make_native(self) -> _palaestra.VectorEnv:
        return _palaestra.VectorEnv(
            self._env_id,
            1,
            threads=1,
            autoreset_mode="Disabled",
            time_limit=0,
            keywords=self._keywords,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Everything, for pickle and deepcopy: the copy has the same future."""
        state = self.__dict__.copy()
        native = state.pop("_native")
        state["_saved"] = None if native.closed else native.get_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("_saved")
        self.__dict__.update(state)
        self._native = self._make_native()
        if saved is None:
            self._native.close()
        else:
            self._native.set_state(None, saved)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the next episode, or the first one of ``seed``.

        Without any seed so far, one is drawn from the operating system, as Gymnasium does. Classic
        tasks take the bounds of the first state in ``options`` under Gymnasium's names; the state
        is then drawn from ``np_random``, to the same numbers as the original's. Mazes take the
        cells ``goal_cell`` and ``reset_cell`` (row, column), those of OGBench ``task_id``.
        """
        seed = None if seed is None else self._natural(seed)
        super().reset(seed=seed)
        sampler, native = beginning(self._env_id, options)
        if seed is not None or not self._seeded:
            number = self.np_random_seed if seed is None else seed
            seeds = np.array([number % 2**64], dtype=np.uint64)
            observation, info = self._native._reset(seeds, None, native)
            self._seeded = True
        else:
            observation, info = self._native._reset(None, None, native)
        if sampler is not None:
            self._native.set_physics(0, sampler(self.np_random))
        names = [name for name in self._info_names if known_at_reset(name)]
        return _goals.row_of(observation, 0), {
            name: info[name][0].copy() for name in names
        }

    @staticmethod
    def _natural(seed: Any) -> int:
        """Return a seed as Gymnasium takes it: one of Python's integers, however large."""
        try:
            if isinstance(seed, bool) or (number := operator.index(seed)) < 0:
                raise TypeError
        except TypeError:
            raise UserError(
                f"reset: seed is {seed!r}; accepted: an integer, 0 or more"
            ) from None
        return number

    def step(
        self, action: Any
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance by one step. See `gymnasium.Env.step`.

        Raises
        ------
        UserError
            For an action of the wrong kind or shape or that is not finite, and after the end of the
            episode; the environment is then unchanged.
        """
        self._action[0] = self._check(action)
        observation, reward, terminated, truncated, info = self._native.step(
            self._action
        )
        infos = {name: info[name][0].copy() for name in self._info_names}
        return (
            _goals.row_of(observation, 0),
            float(reward[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            infos,
        )

    def _check(self, action: Any) -> np.int64 | npt.NDArray[np.float32]:
        if self._discrete:
            try:
                return np.int64(operator.index(action))
            except (TypeError, OverflowError):
                raise UserError(
                    f"{self._env_id}: action is {action!r}; "
                    f"accepted: an integer in {self.action_space}"
                ) from None
        try:
            array = np.asarray(action, dtype=np.float32)
        except (TypeError, ValueError):
            raise UserError(
                f"{self._env_id}: action is {action!r}; accepted: {self.action_space}"
            ) from None
        if array.shape != self.action_space.shape:
            raise UserError(
                f"{self._env_id}: action has shape {list(array.shape)}, "
                f"expected {list(self.action_space.shape or ())}"
            )
        return array

    def render(self) -> npt.NDArray[np.uint8] | None:  # type: ignore[override]
        """Draw the environment as it is now: uint8[height, width, 3], top row first.

        None, and a warning, without ``render_mode="rgb_array"``.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                f"{self._env_id}: render() without a render_mode; "
                'make the environment with render_mode="rgb_array"'
            )
            return None
        return self._native._render(0)

    def _physics(self) -> Array:
        values = self._native.get_physics(0)
        values.flags.writeable = False  # an edit in place would go nowhere: refuse it
        return values

    def get_state(self) -> npt.NDArray[np.uint8]:
        """Everything that decides the future of the environment, as bytes."""
        state: npt.NDArray[np.uint8] = self._native.get_state()[0]
        return state

    def close(self) -> None:
        """Give the memory back; any later call raises `UserError`."""
        self._native.close()


class ClassicEnv(PalaestraEnv):
    """A classic-control task: ``env.unwrapped.state`` can be read and set."""

    @property
    def state(self) -> Array:
        """The physical state in Gymnasium's order, float64; a read-only copy."""
        return self._physics()

    @state.setter
    def state(self, values: npt.ArrayLike) -> None:
        state = _arguments.array_of_numbers(self._env_id, "state", values)
        self._native.set_physics(0, state)


class MujocoEnv(PalaestraEnv):
    """A MuJoCo task: ``env.unwrapped.set_state(qpos, qvel)`` as in Gymnasium."""

    def set_state(self, qpos: npt.ArrayLike, qvel: npt.ArrayLike) -> None:
        """Set joint positions and velocities; all else of the simulation stays as it is."""
        position = _arguments.array_of_numbers("set_state", "qpos", qpos)
        velocity = _arguments.array_of_numbers("set_state", "qvel", qvel)
        positions = self._native.position_size
        for name, array, size in (
            ("qpos", position, positions),
            ("qvel", velocity, self._native.physics_size - positions),
        ):
            if array.shape != (size,):
                raise UserError(
                    f"set_state: {name} has shape {list(array.shape)}, expected [{size}]; "
                    "nothing was set"
                )
        self._native.set_physics(0, np.concatenate([position, velocity]))

    def state_vector(self) -> Array:
        """Joint positions, then joint velocities."""
        return self._physics()

    @property
    def qpos(self) -> Array:
        """Joint positions; a read-only copy."""
        return self._physics()[: self._native.position_size]

    @property
    def qvel(self) -> Array:
        """Joint velocities; a read-only copy."""
        return self._physics()[self._native.position_size :]


class GoalEnv(PalaestraEnv):
    """A goal task with the interface of Gymnasium-Robotics' ``GoalEnv``.

    Observations are dicts with ``observation``, ``achieved_goal`` and ``desired_goal``. Goals may
    be [..., goal size], one or any number of them; the rewards are those of the original, computed
    natively. Infos are not looked at.
    """

    def compute_reward(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,
    ) -> Any:
        """Reward what was achieved by what was wanted: float64[...], a number for one pair.

        Raises
        ------
        UserError
            For goals of another shape.
        """
        return _goals.compute_reward(self._native, achieved_goal, desired_goal)

    def compute_terminated(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,
    ) -> Any:
        """Say whether such a step ends the episode: bool[...], a bool for one pair."""
        return _goals.compute_terminated(self._native, achieved_goal, desired_goal)

    def compute_truncated(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,
    ) -> Any:
        """Never: the time limit is Gymnasium's wrapper."""
        ends = _goals.compute_terminated(self._native, achieved_goal, desired_goal)
        return np.zeros_like(ends) if isinstance(ends, np.ndarray) else False

    @property
    def goal(self) -> Array:
        """The desired goal; setting it shows in the next observation. A read-only copy."""
        observation, _ = self._native._columns()
        goal: Array = observation["desired_goal"][0].copy()
        goal.flags.writeable = False  # an edit in place would go nowhere: refuse it
        return goal

    @goal.setter
    def goal(self, values: npt.ArrayLike) -> None:
        goal = _arguments.array_of_numbers(self._env_id, "goal", values)
        self._native.set_goal(0, goal)

    @property
    def state(self) -> Array:
        """The physical state without the goal, float64; a read-only copy."""
        return self._physics()

    @state.setter
    def state(self, values: npt.ArrayLike) -> None:
        state = _arguments.array_of_numbers(self._env_id, "state", values)
        self._native.set_physics(0, state)


class MujocoGoalEnv(GoalEnv, MujocoEnv):
    """A goal task on MuJoCo: also ``env.unwrapped.set_state(qpos, qvel)``."""
