"""Run every test of a build, C++ and Python, and end with the line `N passed, N failed`.

A doctest executable counts each of its cases; an executable that dies counts as one failure. How
many were skipped is on the line before.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

DOCTEST_SUMMARY = re.compile(
    r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped"
)


@dataclass
class Count:
    """Numbers of test cases."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )


def count_ctest(junit: Path) -> Count:
    """Count the cases in ctest's report, looking into doctest's own summary lines."""
    total = Count()
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        crashed = case.find("failure") is not None or case.get("status") == "fail"
        summary = DOCTEST_SUMMARY.search(output)
        if summary is None:
            total += Count(passed=int(not crashed), failed=int(crashed))
            continue
        _, passed, failed, skipped = map(int, summary.groups())
        total += Count(passed, failed or int(crashed), skipped)
    return total


def count_pytest(junit: Path) -> Count:
    """Count the cases in pytest's report."""
    total = Count()
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total += Count(int(suite.get("tests", 0)) - failed - skipped, failed, skipped)
    return total


def run(command: list[str], report: Path, environment: dict[str, str]) -> int:
    """Run one test program after removing the report of an earlier run."""
    report.unlink(missing_ok=True)
    print("==", " ".join(command), flush=True)
    return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Run ctest, then pytest; 0 when everything passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    build: Path = parser.parse_args().build.resolve()
    environment = dict(os.environ)
    environment["PALAESTRA_BIN"] = str(build / "bin" / "palaestra")
    environment["PYTHONPATH"] = str(build / "python")
    # pip leaves compiling to the first import: kept, or each of many processes does it again
    environment["PYTHONPYCACHEPREFIX"] = str(build / "pycache")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    ctest_report, pytest_report = build / "ctest.xml", build / "pytest.xml"
    ctest = ["ctest", "--test-dir", str(build), "--output-on-failure", "-j", "2"]
    ctest_code = run(
        [*ctest, "--output-junit", str(ctest_report)], ctest_report, environment
    )
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10", "-n", "auto"]
    pytest += ["--dist", "worksteal", "tests/python"]
    pytest_code = run(
        [*pytest, f"--junitxml={pytest_report}"], pytest_report, environment
    )

    total = Count()
    for code, report, count in (
        (ctest_code, ctest_report, count_ctest),
        (pytest_code, pytest_report, count_pytest),
    ):
        part = count(report) if report.exists() else Count(failed=1)
        if code != 0 and part.failed == 0:  # the runner itself failed
            part += Count(failed=1)
        if part.passed == 0 and part.failed == 0:  # nothing ran: not a success
            part += Count(failed=1)
        total += part
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
