"""One update of IQ-Learn and of ValueDICE in PyTorch, beside our own.

CPU time of the whole process on one thread, eager mode; sizes and settings are the defaults of ours
(benchmarks/imitation.cc), the losses those of tests/agents/make_*_reference.py. Prints one JSON
document for ``palaestra bench imitation --peers``. By hand:

    .venv-peers/bin/python benchmarks/peers/imitation.py
"""

from __future__ import annotations

import json
import math
import sys
from typing import Protocol

import torch
from _timing import Burst, seconds_per_call
from torch import Tensor, nn

OBSERVATION, ACTION, WIDTH, ROWS, ROUNDS, TARGET_S = 17, 6, 256, 256, 15, 0.5
DISCOUNT, LOW, HIGH = 0.99, -5.0, 2.0


class Method(Protocol):
    """Something that can be updated."""

    def update(self) -> None:
        """Make one step of every optimiser."""


def mlp(inputs: int, outputs: int, *, bias: bool = True) -> nn.Sequential:
    """Two layers of ReLUs; the last layer perhaps without a bias."""
    return nn.Sequential(
        nn.Linear(inputs, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, outputs, bias=bias),
    )


def draw(actor: nn.Sequential, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return an action in (-1, 1) and its log probability, [rows, 1]."""
    mean, raw = actor(state).chunk(2, dim=-1)
    log_std = LOW + 0.5 * (HIGH - LOW) * (torch.tanh(raw) + 1)
    noise = torch.randn_like(mean)
    u = mean + log_std.exp() * noise
    squash = 2 * (math.log(2) - u - nn.functional.softplus(-2 * u))
    density = -0.5 * (noise.square() + math.log(2 * math.pi)) - log_std
    return torch.tanh(u), (density - squash).sum(-1, keepdim=True)


class IqLearn:
    """The value term of both sides, squared rewards, target critics, a fixed temperature."""

    CHI2, TAU, TEMPERATURE = 0.5, 0.005, 0.01

    def __init__(self) -> None:
        self.actor = mlp(OBSERVATION, 2 * ACTION)
        self.critic = mlp(OBSERVATION + ACTION, 1)
        self.target = mlp(OBSERVATION + ACTION, 1).requires_grad_(False)
        self.actor_adam = torch.optim.Adam(self.actor.parameters(), lr=3e-5)
        self.critic_adam = torch.optim.Adam(self.critic.parameters(), lr=3e-4)
        self.rows = [
            torch.rand(ROWS, n)
            for n in (
                OBSERVATION,
                ACTION,
                OBSERVATION,
                OBSERVATION,
                ACTION,
                OBSERVATION,
            )
        ]
        self.discount = torch.full((2 * ROWS, 1), DISCOUNT)

    def value(self, critic: nn.Sequential, state: Tensor) -> Tensor:
        """E[Q(s, a) - T log pi(a|s)], by one draw."""
        action, log_pi = draw(self.actor, state)
        return critic(torch.cat([state, action], 1)) - self.TEMPERATURE * log_pi

    def update(self) -> None:
        """Step the critic, the actor and the target."""
        s, a, after, s_expert, a_expert, after_expert = self.rows
        state, action = torch.cat([s, s_expert]), torch.cat([a, a_expert])
        with torch.no_grad():
            y = self.discount * self.value(
                self.target, torch.cat([after, after_expert])
            )
        for parameter in self.actor.parameters():
            parameter.requires_grad_(False)
        v = self.value(self.critic, state)
        reward = self.critic(torch.cat([state, action], 1)) - y
        loss = (v - y).mean() - reward[ROWS:].mean()
        loss = loss + reward.square().mean() / (4 * self.CHI2)
        self.critic_adam.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_adam.step()

        for parameter in self.actor.parameters():
            parameter.requires_grad_(True)
        for parameter in self.critic.parameters():
            parameter.requires_grad_(False)
        chosen, log_pi = draw(self.actor, state)
        q = self.critic(torch.cat([state, chosen], 1))
        self.actor_adam.zero_grad(set_to_none=True)
        (self.TEMPERATURE * log_pi - q).mean().backward()
        self.actor_adam.step()
        for parameter in self.critic.parameters():
            parameter.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.target.parameters()), list(self.critic.parameters()), self.TAU
            )


class ValueDice:
    """The Donsker-Varadhan objective with its penalty and orthogonal regulariser."""

    SHARE, PENALTY, ORTHOGONAL = 0.1, 10.0, 1e-4

    def __init__(self) -> None:
        self.nu = mlp(OBSERVATION + 1 + ACTION, 1, bias=False)
        self.actor = mlp(OBSERVATION + 1, 2 * ACTION)
        self.nu_adam = torch.optim.Adam(self.nu.parameters(), lr=1e-3)
        self.actor_adam = torch.optim.Adam(self.actor.parameters(), lr=1e-5)
        self.off_diagonal = {n: 1 - torch.eye(n) for n in (WIDTH, 2 * ACTION)}
        states = [torch.rand(ROWS, OBSERVATION + 1) for _ in range(4)]
        for state in states:
            state[:, -1] = 0
        self.states, self.following = states[:2], states[2:]
        self.actions = [torch.rand(ROWS, ACTION) for _ in range(2)]
        part = torch.full((2 * ROWS,), self.SHARE / ROWS)
        part[:ROWS] = (1 - self.SHARE) / ROWS
        self.log_part = part.log()

    def pair(self, state: Tensor) -> Tensor:
        """A state and an action of the policy's; in an absorbing state there is one: 0."""
        action, _ = draw(self.actor, state)
        return torch.cat([state, action * (1 - state[:, -1:])], 1)

    def update(self) -> None:
        """Step nu and the actor."""
        pairs = [
            torch.cat(both, 1) for both in zip(self.states, self.actions, strict=True)
        ]
        onward = [self.pair(state) for state in self.following]
        values = self.nu(torch.cat([*pairs, *onward, self.pair(self.states[0])]))[:, 0]
        here, there, first = values.split([2 * ROWS, 2 * ROWS, ROWS])
        x = here - DISCOUNT * there
        linear = (1 - self.SHARE) * (1 - DISCOUNT) * first.mean()
        linear = linear + self.SHARE * x[ROWS:].mean()
        objective = torch.logsumexp(x + self.log_part, 0) - linear

        mix = torch.rand(ROWS, 1)
        points = torch.cat([mix * a + (1 - mix) * b for a, b in (pairs, onward)])
        points = points.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.nu(points).sum(), points, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        common = torch.zeros(())
        for layer in self.actor:
            if isinstance(layer, nn.Linear):
                products = layer.weight @ layer.weight.T
                common = (
                    common
                    + (products * self.off_diagonal[len(products)]).square().sum()
                )

        nets = list(self.nu.parameters()), list(self.actor.parameters())
        gradients = (
            torch.autograd.grad(
                objective + self.PENALTY * penalty, nets[0], retain_graph=True
            ),
            torch.autograd.grad(self.ORTHOGONAL * common - objective, nets[1]),
        )
        adams = self.nu_adam, self.actor_adam
        for parameters, gradient, adam in zip(nets, gradients, adams, strict=True):
            for parameter, g in zip(parameters, gradient, strict=True):
                parameter.grad = g
            adam.step()


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    methods: dict[str, Method] = {
        "imitation/iqlearn/update": IqLearn(),
        "imitation/valuedice/update": ValueDice(),
    }

    def burst(method: Method) -> Burst:
        def run(calls: int) -> None:
            for _ in range(calls):
                method.update()

        return run

    times = seconds_per_call(
        {name: burst(method) for name, method in methods.items()}, ROUNDS, TARGET_S
    )
    rows = [
        {
            "name": name,
            "unit": "ms",
            "higher_is_better": False,
            "n": ROWS,
            "peer": "torch",
            "peer_version": torch.__version__,
            "peer_value": seconds * 1e3,
        }
        for name, seconds in times.items()
    ]
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
