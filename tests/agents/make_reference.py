"""Record what Stable-Baselines3's own SAC.train and TD3.train do with given weights and numbers.

Writes tests/agents/data/*.json, which sac_reference_test.cc and td3_reference_test.cc replay. Only
the source of randomness is replaced: the replay buffer hands out fixed batches, Normal.rsample and
Tensor.normal_ fixed noise. The 1e-6 that SB3 adds inside the logarithm of SAC's tanh correction is
set to zero, because Palaestra computes that logarithm without cancellation.

Run with an interpreter that has Stable-Baselines3: python tests/agents/make_reference.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import ReplayBufferSamples

OBSERVATIONS, ACTIONS, HIDDEN, ROWS, UPDATES = 3, 2, [12, 10], 16, 5
DATA = Path(__file__).parent / "data"
Blocks = dict[str, np.ndarray]


class Nothing(gymnasium.Env):
    """Only its spaces matter."""

    observation_space = gymnasium.spaces.Box(
        -np.inf, np.inf, (OBSERVATIONS,), np.float32
    )
    action_space = gymnasium.spaces.Box(-1, 1, (ACTIONS,), np.float32)


def write_json(path: Path, blocks: Blocks, made_by: str) -> None:
    """Flat float32 lists by name, one per line; nine digits read back to the same bits."""
    lines = [f'"made_by": "{made_by}"']
    for name, block in blocks.items():
        numbers = ", ".join(f"{x:.9g}" for x in np.asarray(block, np.float32).ravel())
        lines.append(f'"{name}": [{numbers}]')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def flat_mlp(*groups: list[torch.nn.Linear]) -> np.ndarray:
    """One layer per group; the group's layers stand side by side, inputs x outputs."""
    blocks = []
    for group in groups:
        blocks.append(np.hstack([m.weight.detach().numpy().T for m in group]).ravel())
        blocks.append(np.hstack([m.bias.detach().numpy() for m in group]))
    return np.concatenate(blocks)


def linears(module: torch.nn.Module) -> list[torch.nn.Linear]:
    """The dense layers in order."""
    return [m for m in module.modules() if isinstance(m, torch.nn.Linear)]


def td3_actor_vector(actor: Any) -> np.ndarray:
    """Laid out as palaestra's td3::Actor."""
    return flat_mlp(*([layer] for layer in linears(actor)))


def actor_vector(model: SAC) -> np.ndarray:
    """Laid out as palaestra's sac::Actor: hidden layers, then [mean, log std] as one layer."""
    first, second = linears(model.actor.latent_pi)
    return flat_mlp([first], [second], [model.actor.mu, model.actor.log_std])


def critic_vector(critic: Any) -> np.ndarray:
    """Laid out as palaestra's sac::Critic: for each layer all members' weights, then biases."""
    blocks = []
    for layers in zip(*(linears(q) for q in critic.q_networks), strict=True):
        blocks += [m.weight.detach().numpy().T.ravel() for m in layers]
        blocks += [m.bias.detach().numpy() for m in layers]
    return np.concatenate(blocks)


def record(name: str, *, discounts: bool, **settings: Any) -> None:
    """Run UPDATES updates and store everything that went in and came out."""
    torch.manual_seed(0)
    random = np.random.default_rng(1)
    model = SAC(
        "MlpPolicy", Nothing(), seed=0, device="cpu", batch_size=ROWS, **settings
    )
    model.set_logger(Logger(None, []))
    model.actor.action_dist.epsilon = 0.0

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    done = (random.random((UPDATES, ROWS)) < 0.2).astype(np.float32)
    gamma = np.full((UPDATES, ROWS), model.gamma, np.float32)
    if discounts:
        gamma **= random.integers(1, 4, (UPDATES, ROWS))
    batches = {
        "observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "action": np.tanh(normal(UPDATES, ROWS, ACTIONS)),
        "reward": normal(UPDATES, ROWS),
        "discount": gamma * (1 - done),
        "next_observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "next_noise": normal(UPDATES, ROWS, ACTIONS),
        "noise": normal(UPDATES, ROWS, ACTIONS),
    }
    blocks: Blocks = {
        "before.actor": actor_vector(model),
        "before.critic": critic_vector(model.critic),
        **batches,
    }
    # the target critics start elsewhere, so that mixing them up shows
    with torch.no_grad():
        for p in model.critic_target.parameters():
            p.add_(0.1)
    blocks["before.target_critic"] = critic_vector(model.critic_target)

    noise: list[torch.Tensor] = []
    torch.distributions.Normal.rsample = lambda self, sample_shape=(): (
        self.loc + self.scale * noise.pop(0)
    )
    losses = []
    for update in range(UPDATES):
        column = {
            key: torch.from_numpy(values[update]) for key, values in batches.items()
        }
        noise[:] = [column["noise"], column["next_noise"]]
        model.replay_buffer.sample = (
            lambda *_, c=column, d=done[update], g=gamma[update], **__: (
                ReplayBufferSamples(
                    c["observation"],
                    c["action"],
                    c["next_observation"],
                    torch.from_numpy(d)[:, None],
                    c["reward"][:, None],
                    torch.from_numpy(g)[:, None],
                )
            )
        )
        model.train(gradient_steps=1, batch_size=ROWS)
        assert not noise
        values = model.logger.name_to_value
        losses.append([values["train/critic_loss"], values["train/actor_loss"]])
        model.logger.name_to_value.clear()

    blocks |= {
        "losses": np.array(losses, np.float32),
        "after.actor": actor_vector(model),
        "after.critic": critic_vector(model.critic),
        "after.target_critic": critic_vector(model.critic_target),
    }
    if model.log_ent_coef is not None:
        blocks["after.log_temperature"] = model.log_ent_coef.detach().numpy()
    versions = (
        f"stable-baselines3 {stable_baselines3.__version__}, torch {torch.__version__}"
    )
    write_json(DATA / f"{name}.json", blocks, versions)


def record_td3(name: str, *, target_noise: float, clip: float, **settings: Any) -> None:
    """The same for TD3, whose targets start beside its networks too."""
    random = np.random.default_rng(2)
    model = TD3(
        "MlpPolicy",
        Nothing(),
        seed=0,
        device="cpu",
        batch_size=ROWS,
        target_policy_noise=target_noise,
        target_noise_clip=clip,
        **settings,
    )
    model.set_logger(Logger(None, []))

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    done = (random.random((UPDATES, ROWS)) < 0.2).astype(np.float32)
    batches = {
        "observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "action": np.tanh(normal(UPDATES, ROWS, ACTIONS)),
        "reward": normal(UPDATES, ROWS),
        "discount": np.float32(model.gamma) * (1 - done),
        "next_observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "noise": normal(UPDATES, ROWS, ACTIONS),
    }
    with torch.no_grad():
        for network, shift in ((model.critic_target, 0.1), (model.actor_target, -0.05)):
            for p in network.parameters():
                p.add_(shift)

    def vectors(when: str) -> Blocks:
        return {
            f"{when}.actor": td3_actor_vector(model.actor),
            f"{when}.critic": critic_vector(model.critic),
            f"{when}.target_actor": td3_actor_vector(model.actor_target),
            f"{when}.target_critic": critic_vector(model.critic_target),
        }

    blocks = vectors("before") | batches
    original = torch.Tensor.normal_
    losses = []
    for update in range(UPDATES):
        column = {
            key: torch.from_numpy(values[update]) for key, values in batches.items()
        }
        torch.Tensor.normal_ = lambda self, mean=0, std=1, c=column: self.copy_(
            mean + std * c["noise"]
        )
        model.replay_buffer.sample = lambda *_, c=column, d=done[update], **__: (
            ReplayBufferSamples(
                c["observation"],
                c["action"],
                c["next_observation"],
                torch.from_numpy(d)[:, None],
                c["reward"][:, None],
            )
        )
        model.train(gradient_steps=1, batch_size=ROWS)
        values = model.logger.name_to_value
        losses.append([values["train/critic_loss"], values.get("train/actor_loss", 0)])
        model.logger.name_to_value.clear()
    torch.Tensor.normal_ = original

    blocks |= {"losses": np.array(losses, np.float32), **vectors("after")}
    versions = (
        f"stable-baselines3 {stable_baselines3.__version__}, torch {torch.__version__}"
    )
    write_json(DATA / f"{name}.json", blocks, versions)


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    record_td3(
        "td3_default",
        target_noise=0.2,
        clip=0.5,
        learning_rate=1e-3,
        policy_kwargs={"net_arch": HIDDEN},
    )
    record_td3(
        "td3_tanh",
        target_noise=0.6,
        clip=0.3,
        learning_rate=1e-2,
        gamma=0.9,
        tau=0.05,
        policy_delay=1,
        policy_kwargs={"net_arch": HIDDEN, "activation_fn": torch.nn.Tanh},
    )
    record(
        "sac_default",
        discounts=False,
        learning_rate=3e-3,
        policy_kwargs={"net_arch": HIDDEN},
    )
    record(
        "sac_three_critics",
        discounts=True,
        learning_rate=1e-2,
        gamma=0.9,
        tau=0.05,
        ent_coef=0.3,
        policy_kwargs={
            "net_arch": HIDDEN,
            "activation_fn": torch.nn.Tanh,
            "n_critics": 3,
        },
    )
