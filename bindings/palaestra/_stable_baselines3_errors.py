"""Temporal-difference errors of Stable-Baselines3's algorithms, as priorities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch as th
from stable_baselines3.common.base_class import BaseAlgorithm

from palaestra._palaestra import UserError
from palaestra._stable_baselines3_replay import Samples


def td_error(model: BaseAlgorithm) -> Callable[[Samples], th.Tensor]:
    """Return a function that gives the size of the temporal-difference error of each sample.

    For `ReplayBuffer.priority`. Of several critics it is the mean over them, against the target
    that the algorithm itself would use.

    Parameters
    ----------
    model
        A DQN, TD3, DDPG or SAC of Stable-Baselines3.

    Raises
    ------
    UserError
        For any other.
    """
    from stable_baselines3 import DQN, SAC, TD3

    if not isinstance(model, (DQN, SAC, TD3)):
        raise UserError(
            f"td_error: model is a {type(model).__name__}; accepted: DQN, SAC, TD3, DDPG"
        )

    def next_value(after: Any) -> th.Tensor:
        if isinstance(model, DQN):
            return model.q_net_target(after).max(dim=1, keepdim=True).values
        if isinstance(model, SAC):
            action, log_probability = model.actor.action_log_prob(after)
            bonus = -_temperature(model) * log_probability.reshape(-1, 1)
        else:
            action, bonus = model.actor_target(after), 0.0
        values = th.cat(model.critic_target(after, action), dim=1)
        return values.min(dim=1, keepdim=True).values + bonus

    def errors(samples: Samples) -> th.Tensor:
        with th.no_grad():
            gamma = model.gamma if samples.discounts is None else samples.discounts
            target = samples.rewards + (1 - samples.dones) * gamma * next_value(
                samples.next_observations
            )
            if isinstance(model, DQN):
                values = model.q_net(samples.observations)
                values = values.gather(1, samples.actions.long())
            else:
                values = th.cat(
                    model.critic(samples.observations, samples.actions), dim=1
                )
            return (values - target).abs().mean(dim=1)

    return errors


def _temperature(model: Any) -> th.Tensor:
    """Entropy coefficient of SAC."""
    if model.log_ent_coef is not None:
        return th.exp(model.log_ent_coef.detach())
    return model.ent_coef_tensor
