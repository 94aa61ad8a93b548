"""The Makefile works from a clean clone, and a run of the tests ends with the line it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from run_tests import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", ["format", "lint"])
def test_a_target_installs_what_it_runs(target: str) -> None:
    """As if nothing had been made yet: what make would do, in order."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    work = done.stdout.index("ruff format" if target == "format" else "tools/lint.sh")
    for step in ("debian-lint.txt", "-m venv .venv", "tools/requirements/main.txt"):
        assert 0 <= done.stdout.find(step) < work, step


@pytest.mark.parametrize("skipped", [0, 2])
def test_the_last_line_of_a_test_run(
    skipped: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is ``N passed, N failed`` and no more, whatever was skipped."""
    ctest = (
        '<testsuite><testcase name="a"/><testcase name="b" status="fail"/></testsuite>'
    )
    pytest_report = (
        f'<testsuites><testsuite tests="9" skipped="{skipped}"/></testsuites>'
    )

    def run(command: list[str], report: Path, environment: dict[str, str]) -> int:
        report.write_text(ctest if report.name == "ctest.xml" else pytest_report)
        return 0

    monkeypatch.setattr("run_tests.run", run)
    monkeypatch.setattr(sys, "argv", ["run_tests.py", "--build", str(tmp_path)])
    assert main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{10 - skipped} passed, 1 failed"
    assert lines[:-1] == ([f"{skipped} skipped"] if skipped else [])
