"""One step of AILBoost's and of DAC's discriminator in PyTorch, beside our own.

CPU time of the whole process on one thread, eager mode, the penalty by double differentiation
(``torch.autograd.grad`` with ``create_graph``), as published code has it. Prints one JSON document
for ``palaestra bench discriminator --peers``. By hand:

    .venv-peers/bin/python benchmarks/peers/discriminator.py
"""

from __future__ import annotations

import json
import sys

import torch
from _timing import Burst, seconds_per_call
from torch import Tensor, nn

OBSERVATION, ACTION, ROUNDS, TARGET_S = 24, 6, 15, 0.1


class Discriminator:
    """Networks, optimiser and made-up rows of one kind."""

    def __init__(self, width: int, rows: int, bounded: bool) -> None:
        unit = nn.ReLU if bounded else nn.Tanh
        layers = [
            nn.Linear(OBSERVATION + ACTION, width),
            unit(),
            nn.Linear(width, width),
            unit(),
            nn.Linear(width, 1),
        ]
        self.bounded = bounded
        self.net = nn.Sequential(*layers, *([nn.Tanh()] if bounded else []))
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-4)
        self.expert = [torch.randn(rows, OBSERVATION), torch.rand(rows, ACTION)]
        self.policy = [torch.randn(rows, OBSERVATION), torch.rand(rows, ACTION)]

    def loss(self, expert: Tensor, policy: Tensor) -> Tensor:
        """Reverse KL of a bounded f, cross-entropy of logits."""
        f_expert, f_policy = self.net(torch.cat([expert, policy])).chunk(2)
        if self.bounded:
            return torch.exp(-f_expert).mean() + f_policy.mean()
        return (
            nn.functional.softplus(-f_expert).mean()
            + nn.functional.softplus(f_policy).mean()
        )

    def penalty(self, expert: Tensor, policy: Tensor) -> Tensor:
        """(|df/dx| - 1)^2 at points between the rows of both sides."""
        mix = torch.rand(expert.shape[0], 1)
        points = (mix * expert + (1 - mix) * policy).requires_grad_()
        value = self.net(points)
        (slope,) = torch.autograd.grad(
            value, points, torch.ones_like(value), create_graph=True
        )
        return ((slope.norm(2, dim=1) - 1) ** 2).mean()

    def update(self) -> None:
        """One step of Adam."""
        expert, policy = torch.cat(self.expert, 1), torch.cat(self.policy, 1)
        total = self.loss(expert, policy) + 10 * self.penalty(expert, policy)
        self.adam.zero_grad(set_to_none=True)
        total.backward()
        self.adam.step()


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    kinds = {
        "discriminator/update": (Discriminator(64, 512, bounded=True), 512),
        "discriminator/update/dac": (Discriminator(256, 256, bounded=False), 256),
    }

    def burst(kind: Discriminator) -> Burst:
        def run(calls: int) -> None:
            for _ in range(calls):
                kind.update()

        return run

    times = seconds_per_call(
        {name: burst(kind) for name, (kind, _) in kinds.items()}, ROUNDS, TARGET_S
    )
    rows = [
        {
            "name": name,
            "unit": "ms",
            "higher_is_better": False,
            "n": n,
            "peer": "torch",
            "peer_version": torch.__version__,
            "peer_value": times[name] * 1e3,
        }
        for name, (_, n) in kinds.items()
    ]
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
