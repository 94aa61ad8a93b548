"""Our files as other people's programs see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import palaestra
import pytest
import torch


def test_torch_reads_a_trained_agent(tmp_path: Path) -> None:
    """The weights of a run open as tensors, and give the actions of the agent itself."""
    safetensors = pytest.importorskip("safetensors")
    result = palaestra.train(
        "Pendulum-v1", steps=300, hidden=[16, 16], out=tmp_path / "run", threads=1
    )
    with safetensors.safe_open(result.run / "final.safetensors", "pt") as archive:
        assert archive.metadata()["agent.name"] == "sac"
        names = [name for name in archive.keys() if "actor" in name]  # noqa: SIM118
        tensors = {name: archive.get_tensor(name) for name in names}
    weights = {
        name: value for name, value in tensors.items() if value.dtype == torch.float32
    }
    assert weights, names
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())
    assert np.isfinite(result.load().act(np.zeros(3))).all()
