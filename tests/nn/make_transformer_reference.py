"""Record what PyTorch computes for a small pre-norm transformer: values and gradients, in double.

Writes tests/nn/data/transformer.json, which transformer_test.cc compares with. Three windows of six
tokens, the first of them padded in front; two blocks of two heads.

Run with an interpreter that has PyTorch: python tests/nn/make_transformer_reference.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

WINDOWS, LENGTH, WIDTH, HEADS, INNER, LAYERS = 3, 6, 6, 2, 10, 2
DATA = Path(__file__).parent / "data" / "transformer.json"


class Block(nn.Module):
    """Attention and two dense layers, each behind a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.feed_norm = nn.LayerNorm(WIDTH)
        self.expand = nn.Linear(WIDTH, INNER)
        self.contract = nn.Linear(INNER, WIDTH)

    def forward(self, x: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Rows [windows, tokens, width]; visible[w, 0, i, j]: token i sees token j."""
        parts = self.qkv(self.attention_norm(x)).chunk(3, dim=-1)
        q, k, v = (p.view(WINDOWS, LENGTH, HEADS, -1).transpose(1, 2) for p in parts)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        x = x + self.project(attended.transpose(1, 2).reshape(WINDOWS, LENGTH, WIDTH))
        inner = F.gelu(self.expand(self.feed_norm(x)), approximate="tanh")
        return x + self.contract(inner)


def flat(modules: list[nn.Module], gradient: bool) -> list[float]:
    """Weights as inputs x outputs, then biases, layer after layer."""
    numbers: list[float] = []
    for module in modules:
        for p in (module.weight, module.bias):
            values = p.grad if gradient else p.detach()
            numbers += (values.T if values.dim() == 2 else values).ravel().tolist()
    return numbers


def main() -> None:
    """Build, run, record."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    blocks = [Block() for _ in range(LAYERS)]
    norm = nn.LayerNorm(WIDTH)
    modules = [m for b in blocks for m in b.children()] + [norm]
    for m in modules:
        nn.init.normal_(m.weight, 0.5)
        nn.init.normal_(m.bias, 0.3)
    x = torch.randn(WINDOWS, LENGTH, WIDTH, requires_grad=True)
    mask = torch.ones(WINDOWS, LENGTH, dtype=torch.bool)
    mask[0, :2] = False
    visible = (
        torch.tril(torch.ones(LENGTH, LENGTH, dtype=torch.bool))
        & mask[:, None, None, :]
    )
    # a row of nothing but -inf has no softmax: padding sees itself here, and nobody reads it
    visible = visible | (
        ~visible.any(-1, keepdim=True) & torch.eye(LENGTH, dtype=torch.bool)
    )
    weight = torch.randn(WINDOWS, LENGTH, WIDTH) * mask[:, :, None]
    y = x
    for block in blocks:
        y = block(y, visible)
    y = norm(y)
    (y * weight).sum().backward()
    record = {
        "x": x.detach().ravel().tolist(),
        "mask": mask.ravel().double().tolist(),
        "weight": weight.ravel().tolist(),
        "parameters": flat(modules, gradient=False),
        "y": (y.detach() * mask[:, :, None]).ravel().tolist(),
        "dx": x.grad.ravel().tolist(),
        "gradient": flat(modules, gradient=True),
    }
    lines = [f'"made_by": "PyTorch {torch.__version__}"']
    for name, numbers in record.items():
        lines.append(f'"{name}": [' + ", ".join(f"{v:.17g}" for v in numbers) + "]")
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
