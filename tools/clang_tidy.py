"""Run clang-tidy over the tracked sources; what passed is not checked again until it changes.

    .venv/bin/python tools/clang_tidy.py --build build/lint [--all] [FILE...]

A file passed when clang-tidy was silent about it; that is remembered in BUILD/tidy under a digest
of everything clang-tidy read of the project: the source, each header it includes, the compile
command, .clang-tidy and the tool's version. Every finding of every file is printed; the exit code
is 1 if there is any. BUILD is configured without precompiled headers and joined sources, so that
each source has a command and its own includes; nothing of it need be built.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

TIDY = "clang-tidy-14"
# The compile commands are GCC's; clang-tidy's own driver does not know all of its options.
EXTRA = (
    "--quiet",
    "--extra-arg=-Wno-unknown-warning-option",
    "--extra-arg=-Wno-unused-command-line-argument",
)
ROOT = Path(__file__).resolve().parent.parent
# <palaestra/core/error.h> is core/error.h; tests name theirs from the root
INCLUDE = re.compile(r"^#include [<\"](?:palaestra/)?([\w/.]+)[>\"]", re.MULTILINE)


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compile_commands(build: Path) -> dict[Path, str]:
    """Command line of each source that the build compiles."""
    entries = json.loads((build / "compile_commands.json").read_text())
    return {Path(entry["file"]).resolve(): entry["command"] for entry in entries}


@cache
def includes(file: Path) -> frozenset[Path]:
    """A file of the project and those of the project that it includes, directly or not."""
    found = {file}
    waiting = [file]
    while waiting:
        for name in INCLUDE.findall(waiting.pop().read_text()):
            header = ROOT / name
            if header not in found and header.exists():
                found.add(header)
                waiting.append(header)
    return frozenset(found)


def digest(common: str, files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files and over what is common to all sources."""
    total = hashlib.sha256(common.encode())
    for file in sorted(files):
        content = file.read_bytes() if file.exists() else b"\0gone"
        total.update(f"\n{file}\n{hashlib.sha256(content).hexdigest()}".encode())
    return total.hexdigest()


def check(build: Path, source: Path) -> str:
    """What clang-tidy finds in a source and its headers; empty when it is clean."""
    done = subprocess.run(
        [TIDY, "-p", str(build), *EXTRA, str(source)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0 and not done.stdout.strip():
        return ""
    return done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/lint"))
    parser.add_argument("--all", action="store_true", help="forget what passed before")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "files", nargs="*", type=Path, help="default: every tracked source"
    )
    arguments = parser.parse_args()
    tracked = [Path(name) for name in output_of("git", "ls-files", "*.cc").splitlines()]
    commands = compile_commands(arguments.build)
    common = (
        output_of(TIDY, "--version") + Path(".clang-tidy").read_text() + " ".join(EXTRA)
    )
    passed = arguments.build / "tidy"
    passed.mkdir(exist_ok=True)

    waiting: list[tuple[Path, Path]] = []
    stamps: set[Path] = set()
    unbuilt = 0
    for source in arguments.files or tracked:
        path = source.resolve()
        # projects of their own, such as those of tests/consumers
        if path not in commands:
            unbuilt += 1
            continue
        stamp = passed / digest(common + commands[path], includes(path))
        stamps.add(stamp)
        if arguments.all or not stamp.exists():
            waiting.append((path, stamp))
    checked = len(stamps)
    print(
        f"{checked} sources: {checked - len(waiting)} unchanged since they passed, "
        f"{len(waiting)} to check; {unbuilt} that this build does not compile",
        flush=True,
    )

    dirty = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for (_, stamp), said in zip(
            waiting,
            pool.map(lambda job: check(arguments.build, job[0]), waiting),
            strict=True,
        ):
            if said:
                dirty += 1
                stamp.unlink(missing_ok=True)
                print(said, flush=True)
            else:
                stamp.touch()
    if not arguments.files:
        for old in set(passed.iterdir()) - stamps:
            old.unlink()
    print(f"clang-tidy: findings in {dirty} of {checked} sources", flush=True)
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
