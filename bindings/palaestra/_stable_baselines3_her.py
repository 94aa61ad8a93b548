"""Goals in hindsight, in the place of Stable-Baselines3's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.her import GoalSelectionStrategy
from stable_baselines3.her import HerReplayBuffer as OriginalBuffer
from stable_baselines3.her.goal_selection_strategy import KEY_TO_GOAL_STRATEGY

from palaestra import _palaestra
from palaestra._palaestra import UserError
from palaestra._stable_baselines3_replay import _PREFIX, ReplayBuffer


class HerReplayBuffer(ReplayBuffer, OriginalBuffer):
    """`ReplayBuffer` with goals in hindsight, for ``replay_buffer_class=`` and goal environments.

    Takes the place of Stable-Baselines3's ``HerReplayBuffer``, with one difference: rows of
    episodes that are still running can be drawn, too, with goals among what was achieved up to now.

    Parameters
    ----------
    env
        Asked for ``compute_reward``, as Stable-Baselines3 does.
    n_sampled_goal, goal_selection_strategy
        As there: ``"future"``, ``"final"`` or ``"episode"``.
    copy_info_dict
        Must be False: infos are not kept.
    **options
        Those of `ReplayBuffer`, without ``n_steps``.

    Raises
    ------
    UserError
        For options that are not accepted.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        action_space: spaces.Space[Any],
        env: VecEnv,
        device: th.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        handle_timeout_termination: bool = True,
        n_sampled_goal: int = 4,
        goal_selection_strategy: GoalSelectionStrategy | str = "future",
        copy_info_dict: bool = False,
        **options: Any,
    ) -> None:
        if copy_info_dict:
            raise UserError("HerReplayBuffer: copy_info_dict is True; accepted: False")
        if options.get("n_steps", 1) != 1:
            raise UserError(
                f"HerReplayBuffer: n_steps is {options['n_steps']}; accepted: 1"
            )
        strategy = goal_selection_strategy
        if isinstance(strategy, str):
            if strategy.lower() not in KEY_TO_GOAL_STRATEGY:
                raise UserError(
                    f'HerReplayBuffer: goal_selection_strategy is "{strategy}"; accepted: '
                    + ", ".join(KEY_TO_GOAL_STRATEGY)
                )
            strategy = KEY_TO_GOAL_STRATEGY[strategy.lower()]
        ReplayBuffer.__init__(
            self,
            buffer_size,
            observation_space,
            action_space,
            device,
            n_envs,
            optimize_memory_usage,
            handle_timeout_termination,
            **options,
        )
        self.env: VecEnv | None = env
        self.copy_info_dict = copy_info_dict
        self.n_sampled_goal, self.goal_selection_strategy = n_sampled_goal, strategy
        self.her_ratio = 1 - 1 / (n_sampled_goal + 1)

    def sample(
        self, batch_size: int, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """Draw transitions, of which the first ``her_ratio`` have new goals and rewards."""
        if self.priority is not None and self._samples is not None:
            self.update_priorities(self.priority(self._samples))
        self.last = self.rows.draw(batch_size, **self._draws)
        samples = self._relabelled(self.last.index, env)
        self._samples = samples if self.priority is not None else None
        return samples

    def truncate_last_trajectory(self) -> None:
        """Cut the episodes that are running."""
        for lane in range(self.n_envs):
            self.rows.cut(lane)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the environment, which `set_env` brings back."""
        return {**super().__getstate__(), "env": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what was pickled."""
        self.__dict__.update(state)

    def _relabelled(self, index: Any, env: VecNormalize | None) -> Any:
        count = int(self.her_ratio * len(index))
        parts = self.rows._gather(index, 1, 1.0, True)
        if count > 0:
            weights = dict.fromkeys(("future", "final", "episode"), 0.0)
            weights[self.goal_selection_strategy.name.lower()] = 1.0
            rows = _palaestra._draw_goals(
                self.rows, index[:count], {"relabel": 1.0, **weights}
            )
            achieved = _PREFIX + "achieved_goal"
            goal = self.rows.read(achieved, rows, after=True)
            for states in (parts["observation"], parts["next_observation"]):
                states[_PREFIX + "desired_goal"][:count] = goal
            column = self._states[achieved]
            parts["reward"][:count] = self._reward(
                column.show(parts["next_observation"][achieved][:count]),
                column.show(goal),
            )
        return self._finish(index, parts, env)

    def _reward(self, achieved: Any, goal: Any) -> Any:
        if self.env is None:
            raise UserError("HerReplayBuffer: set_env() has not been called")
        infos: list[dict[str, Any]] = [{} for _ in range(len(goal))]
        (reward,) = self.env.env_method(
            "compute_reward", achieved, goal, infos, indices=[0]
        )
        return np.asarray(reward, np.float32)
