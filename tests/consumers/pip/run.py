"""Install the package as a stranger would, ``pip install .`` into a fresh environment, and use it.

    .venv/bin/python tests/consumers/pip/run.py [--scratch FOLDER]

Needs the network and the Debian packages of tools/requirements/debian.txt, and compiles everything:
minutes. Not part of ``make test``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def run(command: list[object], folder: Path) -> str:
    """Run a program without anything of this checkout in its environment; end where it fails."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "VIRTUAL_ENV") and not key.startswith("PALAESTRA_")
    }
    print("==", *command, flush=True)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}\nFAILED: {command}")
    return done.stdout


def main() -> None:
    """Install, use, compare the versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, help="default: a temporary folder")
    scratch: Path | None = parser.parse_args().scratch
    with tempfile.TemporaryDirectory() as temporary:
        folder = (scratch or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        # the interpreter that this one was made from, without what is installed here
        base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        run([base, "-m", "venv", "--clear", folder / "venv"], folder)
        python = folder / "venv/bin/python"
        constraints = ROOT / "constraints.txt"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "-c", constraints, f"{ROOT}[plot]"], folder)
        print(run([python, ROOT / "tests/consumers/pip/use.py"], folder), end="")
        version = run([folder / "venv/bin/palaestra", "--version"], folder)
        print(version.splitlines()[0])
    print("the installed package works")


if __name__ == "__main__":
    main()
