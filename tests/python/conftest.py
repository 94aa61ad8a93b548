"""Every test has a folder of its own: MuJoCo's Python package leaves a log file behind."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a throw-away folder."""
    monkeypatch.chdir(tmp_path)
