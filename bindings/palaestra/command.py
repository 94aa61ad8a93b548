"""The console script: hands over to the native ``palaestra`` executable inside the package."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def executable() -> Path:
    """Path of the native executable: in the installed package, or beside it in a build tree."""
    package = Path(__file__).absolute().parent
    candidates = [
        package / "bin" / "palaestra",
        package.parents[1] / "bin" / "palaestra",
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    tried = ", ".join(map(str, candidates))
    raise FileNotFoundError(f"the palaestra executable is missing; looked at {tried}")


def main() -> None:
    """Replace this process by the executable, so that signals and exit codes are its own."""
    path = executable()
    # the executable asks this interpreter for model files and pictures
    os.environ.setdefault("PALAESTRA_PYTHON", sys.executable)
    os.execv(path, ["palaestra", *sys.argv[1:]])


if __name__ == "__main__":
    main()
