"""Print the constants of optimizer_test.cc: PyTorch's Adam and AdamW on a fixed gradient sequence.

Run with an interpreter that has PyTorch: python tests/nn/make_optimizer_reference.py
"""

from __future__ import annotations

import torch

WEIGHTS = [0.5, -1.0, 2.0, 0.25, -0.125, 3.0]
STEPS = 25


def gradient(step: int, i: int) -> float:
    """The same rule as in the test: exact in float32."""
    return ((step * 7 + i * 5) % 13 - 6) / 8


def run(decay: float, clip_value: float, clip_norm: float) -> list[float]:
    """Weights after STEPS updates."""
    w = torch.nn.Parameter(torch.tensor(WEIGHTS))
    optimizer = torch.optim.AdamW([w], lr=1e-2, weight_decay=decay)
    if decay == 0:
        optimizer = torch.optim.Adam([w], lr=1e-2)
    for step in range(STEPS):
        w.grad = torch.tensor([gradient(step, i) for i in range(len(WEIGHTS))])
        if clip_value > 0:
            torch.nn.utils.clip_grad_value_([w], clip_value)
        if clip_norm > 0:
            torch.nn.utils.clip_grad_norm_([w], clip_norm)
        optimizer.step()
    return w.tolist()


if __name__ == "__main__":
    print("torch", torch.__version__)
    for case in [(0, 0, 0), (0.1, 0, 0), (0, 0.3, 0), (0, 0, 0.7), (0.1, 0.5, 0.7)]:
        print(case, "{" + ", ".join(f"{x:.9g}f" for x in run(*case)) + "}")
