"""What all tests share: a folder of their own, and Ctrl-C as on a terminal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from command_line import train


def pytest_configure() -> None:
    """Let Ctrl-C interrupt, also where the tests run in the background of a shell.

    Such a shell starts its jobs with SIGINT ignored, and their children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a throw-away folder: MuJoCo's Python package leaves a log file behind."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run of `TINY` on one thread, to be read only."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    result = train(run, "--threads", "1")
    assert result.code == 0, result.err
    return run
