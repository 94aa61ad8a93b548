"""The memory of tools/clang_tidy.py: a file counts as clean only while nothing it reads changes."""

from __future__ import annotations

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


def test_what_a_source_reads_is_found_through_its_headers() -> None:
    read = includes(ROOT / "envs/dm_control/cheetah.cc")
    assert ROOT / "envs/dm_control/cheetah.cc" in read
    assert ROOT / "envs/dm_control/controlled.h" in read
    assert ROOT / "core/types.h" in read  # through headers of headers
    assert ROOT / "nn/expr.h" not in read
    assert ROOT / "tests/core/scratch.h" in includes(ROOT / "tests/agents/bc_test.cc")
