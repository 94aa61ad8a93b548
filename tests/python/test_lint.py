"""The memory of tools/clang_tidy.py: a file counts as clean only while nothing it reads changes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from clang_tidy import digest, includes

ROOT = Path(__file__).parents[2]


def test_a_digest_changes_with_every_header_and_with_the_command(
    tmp_path: Path,
) -> None:
    source, header = tmp_path / "a.cc", tmp_path / "a.h"
    source.write_text("int a;")
    header.write_text("int b;")
    files = {source, header}
    first = digest("command", files)
    assert digest("command", files) == first
    assert digest("command -O2", files) != first
    assert digest("command", {source}) != first
    header.write_text("int c;")
    changed = digest("command", files)
    assert changed != first
    header.unlink()
    assert digest("command", files) not in (first, changed)
    header.write_text("int b;")
    assert digest("command", files) == first


def test_the_build_says_what_a_source_includes() -> None:
    found = includes(Path(os.environ["PALAESTRA_BIN"]).parents[1])
    read = {path.resolve() for path in found[ROOT / "core/random.cc"]}
    assert {ROOT / "core/random.cc", ROOT / "core/random.h"} <= read
    assert ROOT / "core/archive.h" not in read
