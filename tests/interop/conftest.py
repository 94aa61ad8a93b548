"""Run by ``make test-interop`` with the interpreter of ``make peers``; each test in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a throw-away folder; one thread, so that sums have one order."""
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
