"""One training step of Decision Transformer in PyTorch, beside our own.

The same model, sizes, optimiser, clipping and dropout as benchmarks/sequence.cc, written as one
would in PyTorch: `scaled_dot_product_attention`, `nn.LayerNorm`, the fused AdamW. "torch" computes
the last block for state tokens alone, as ours does; "torch, every token" is the usual form, which
throws two thirds of that block away. CPU time of the whole process on one thread. Prints one JSON
document for ``palaestra bench sequence --peers``. By hand:

    .venv-peers/bin/python benchmarks/peers/sequence.py
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

OBSERVATION, ACTION, WINDOWS, CONTEXT, ROUNDS = 17, 6, 64, 20, 9
STATES = slice(1, None, 3)  # tokens are (return-to-go, state, action)
SEEN = torch.tril(torch.ones(3 * CONTEXT, 3 * CONTEXT, dtype=torch.bool))[STATES]


class Block(nn.Module):
    """Attention and two dense layers, each behind a normalisation."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.expand, self.contract = (
            nn.Linear(width, 4 * width),
            nn.Linear(4 * width, width),
        )
        self.rate = dropout
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, states_only: bool) -> torch.Tensor:
        """One head over [windows, tokens, width]; states_only: rows for state tokens alone."""
        q, k, v = (
            p.unsqueeze(1) for p in self.qkv(self.attention_norm(x)).chunk(3, dim=-1)
        )
        if states_only:
            x, q = x[:, STATES], q[:, :, STATES]
        attended = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=SEEN if states_only else None,
            is_causal=not states_only,
            dropout_p=self.rate,
        )
        x = x + self.dropout(self.project(attended.squeeze(1)))
        inner = torch.relu(self.expand(self.feed_norm(x)))
        return x + self.dropout(self.contract(inner))


class DecisionTransformer(nn.Module):
    """Tokens (return-to-go, state, action), actions read off where the state stands."""

    def __init__(
        self, width: int, layers: int, dropout: float, every_token: bool
    ) -> None:
        super().__init__()
        self.every_token = every_token
        self.embed = nn.ModuleList(
            nn.Linear(n, width) for n in (1, OBSERVATION, ACTION)
        )
        self.place = nn.Parameter(0.02 * torch.randn(3 * CONTEXT, width))
        self.embed_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(layers))
        self.head = nn.Linear(width, ACTION)

    def forward(self, *columns: torch.Tensor) -> torch.Tensor:
        """Predicted actions, [windows, steps, actions]."""
        parts = [e(c) for e, c in zip(self.embed, columns, strict=True)]
        x = torch.stack(parts, dim=2).flatten(1, 2) + self.place
        x = self.dropout(self.embed_norm(x))
        for block in self.blocks[:-1]:
            x = block(x, states_only=False)
        x = self.blocks[-1](x, states_only=not self.every_token)
        return self.head(self.norm(x[:, STATES] if self.every_token else x))


def step_ms(
    width: int, layers: int, dropout: float, steps: int, every_token: bool
) -> float:
    """Milliseconds of CPU per step, the median over rounds."""
    torch.manual_seed(0)
    model = DecisionTransformer(width, layers, dropout, every_token)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, weight_decay=1e-4, fused=True
    )
    to_go, state, action = (
        torch.rand(WINDOWS, CONTEXT, n) for n in (1, OBSERVATION, ACTION)
    )

    def burst() -> float:
        start = time.process_time()
        for _ in range(steps):
            loss = F.mse_loss(model(to_go, state, action), action)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimizer.step()
        return (time.process_time() - start) / steps * 1e3

    burst()
    return statistics.median(burst() for _ in range(ROUNDS))


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    cases = [
        ("small", 64, 1, 0.1, 5),
        ("small_no_dropout", 64, 1, 0.0, 5),
        ("full", 128, 3, 0.1, 1),
    ]
    rows: list[dict[str, Any]] = []
    for every_token, peer in ((False, "torch"), (True, "torch, every token")):
        for name, width, layers, dropout, steps in cases:
            rows.append(
                {
                    "name": f"sequence/decision_transformer/{name}",
                    "unit": "ms",
                    "higher_is_better": False,
                    "n": WINDOWS,
                    "peer": peer,
                    "peer_version": torch.__version__,
                    "peer_value": step_ms(width, layers, dropout, steps, every_token),
                }
            )
    json.dump({"rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
