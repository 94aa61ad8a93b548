"""Record five updates of IQ-Learn by PyTorch's autograd and Adam, from the paper's formulas.

Writes tests/agents/data/iqlearn_*.json, which iqlearn/reference_test.cc replays. Weights, rows and
noise are drawn here and stored, so that nothing is left to a generator.

Run with an interpreter that has PyTorch: python tests/agents/make_iqlearn_reference.py
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

OBSERVATIONS, ACTIONS, HIDDEN, UPDATES = 3, 2, [12, 10], 5
OWN, EXPERT = 9, 7
ROWS = OWN + EXPERT
GAMMA, TAU, RATE, CHI2 = 0.9, 0.05, 3e-3, 0.7
LOW, HIGH = -5.0, 2.0
DATA = Path(__file__).parent / "data"
Layers = list[tuple[Tensor, Tensor]]


def layers(
    random: np.random.Generator, members: int, inputs: int, outputs: int
) -> Layers:
    """Weights [members, inputs, outputs] and biases [members, 1, outputs] of each layer."""
    result = []
    for fan_in, fan_out in itertools.pairwise([inputs, *HIDDEN, outputs]):
        bound = 1 / math.sqrt(fan_in)
        weight = random.uniform(-bound, bound, (members, fan_in, fan_out))
        bias = random.uniform(-bound, bound, (members, 1, fan_out))
        result.append(
            (
                torch.tensor(weight, dtype=torch.float32, requires_grad=True),
                torch.tensor(bias, dtype=torch.float32, requires_grad=True),
            )
        )
    return result


def flat(net: Layers) -> np.ndarray:
    """Laid out as palaestra's networks: of each layer all members' weights, then biases."""
    return np.concatenate(
        [part.detach().numpy().ravel() for pair in net for part in pair]
    )


def forward(net: Layers, x: Tensor) -> Tensor:
    """Apply a network of tanh units to [rows, inputs]: [members, rows, outputs]."""
    for number, (weight, bias) in enumerate(net):
        x = x @ weight + bias
        if number + 1 < len(net):
            x = torch.tanh(x)
    return x


def draw(actor: Layers, state: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return an action in (-1, 1) and its log probability, [rows, 1]."""
    mean, raw = forward(actor, state)[0].chunk(2, dim=-1)
    log_std = LOW + 0.5 * (HIGH - LOW) * (torch.tanh(raw) + 1)
    base = torch.distributions.Normal(mean, log_std.exp())
    u = mean + log_std.exp() * noise
    squash = 2 * (math.log(2) - u - torch.nn.functional.softplus(-2 * u))
    return torch.tanh(u), (base.log_prob(u) - squash).sum(-1, keepdim=True)


def record(
    name: str,
    *,
    term: str,
    regularize: bool,
    target: bool,
    critics: int,
    temperature: float,
    learn: bool,
) -> None:
    """Run UPDATES updates and store everything that went in and came out."""
    random = np.random.default_rng(3)
    actor = layers(random, 1, OBSERVATIONS, 2 * ACTIONS)
    critic = layers(random, critics, OBSERVATIONS + ACTIONS, 1)
    follower = [(w.detach().clone() + 0.1, b.detach().clone() + 0.1) for w, b in critic]
    log_temperature = torch.tensor(math.log(temperature), requires_grad=True)

    def adam(*nets: Layers) -> torch.optim.Adam:
        return torch.optim.Adam(
            [part for net in nets for pair in net for part in pair], lr=RATE
        )

    actor_adam, critic_adam = adam(actor), adam(critic)
    temperature_adam = torch.optim.Adam([log_temperature], lr=RATE)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    blocks: dict[str, np.ndarray] = {
        "before.actor": flat(actor),
        "before.critic": flat(critic),
        "before.target_critic": flat(follower),
        "observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "next_observation": normal(UPDATES, ROWS, OBSERVATIONS),
        "action": np.tanh(normal(UPDATES, ROWS, ACTIONS)),
        "discount": np.where(random.random((UPDATES, ROWS)) < 0.2, 0, GAMMA).astype(
            np.float32
        ),
        "noise": normal(UPDATES, 3, ROWS, ACTIONS),
    }
    expert = torch.arange(ROWS) >= OWN
    losses = []
    for update in range(UPDATES):
        state, after, action = (
            torch.from_numpy(blocks[key][update])
            for key in ("observation", "next_observation", "action")
        )
        carried = torch.from_numpy(blocks["discount"][update])[:, None]
        here, there, again = torch.from_numpy(blocks["noise"][update])

        def q_of(net: Layers, s: Tensor, a: Tensor) -> Tensor:
            return forward(net, torch.cat([s, a], -1))

        def value(net: Layers, s: Tensor, noise: Tensor) -> Tensor:
            a, log_pi = draw(actor, s, noise)
            least = q_of(net, s, a).min(0).values
            return least - log_temperature.detach().exp() * log_pi

        if target:
            with torch.no_grad():
                y = carried * value(follower, after, there)
        else:
            y = carried * value(critic, after, there)
        v = value(critic, state, here)
        total = torch.zeros(())
        for q in q_of(critic, state, action):
            reward = q - y
            loss = -reward[expert].mean()
            if term == "value":
                loss = loss + (v - y).mean()
            elif term == "value_expert":
                loss = loss + (v - y)[expert].mean()
            else:
                loss = loss + (1 - GAMMA) * v[expert].mean()
            squared = reward if regularize else reward[expert]
            total = total + (loss + (squared**2).mean() / (4 * CHI2)) / critics
        critic_adam.zero_grad()
        total.backward()
        critic_adam.step()

        a, log_pi = draw(actor, state, again)
        scale = log_temperature.detach().exp()
        actor_loss = (scale * log_pi - q_of(critic, state, a).min(0).values).mean()
        actor_adam.zero_grad()
        actor_loss.backward()
        actor_adam.step()
        if learn:
            temperature_adam.zero_grad()
            (-log_temperature * (log_pi.detach() - ACTIONS).mean()).backward()
            temperature_adam.step()
        with torch.no_grad():
            for (w, b), (tw, tb) in zip(critic, follower, strict=True):
                tw.lerp_(w, TAU)
                tb.lerp_(b, TAU)
        losses += [total.item(), actor_loss.item()]
    blocks["losses"] = np.array(losses)
    blocks["after.actor"] = flat(actor)
    blocks["after.critic"] = flat(critic)
    blocks["after.target_critic"] = flat(follower)
    blocks["after.log_temperature"] = np.array([log_temperature.item()])
    lines = [f'"made_by": "PyTorch {torch.__version__}"']
    for key, block in blocks.items():
        numbers = ", ".join(f"{x:.9g}" for x in np.asarray(block, np.float32).ravel())
        lines.append(f'"{key}": [{numbers}]')
    (DATA / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    record(
        "iqlearn_default",
        term="value",
        regularize=True,
        target=True,
        critics=1,
        temperature=0.01,
        learn=False,
    )
    record(
        "iqlearn_two_critics",
        term="v0",
        regularize=False,
        target=False,
        critics=2,
        temperature=0.3,
        learn=True,
    )
