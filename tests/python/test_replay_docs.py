"""docs/replay.md tells the truth: its Python runs, its C++ is that of an example."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/replay.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(blocks("python")) > 5
    exec(compile("\n".join(blocks("python")), "replay.md", "exec"), {})
    assert [path.name for path in tmp_path.iterdir()] == ["buffer.safetensors"]


def test_cpp_blocks_are_parts_of_an_example_that_is_built_and_run() -> None:
    example = (ROOT / "examples/cpp/replay_buffer.cc").read_text()
    lines = [line.strip() for line in example.splitlines()]
    assert blocks("cpp")
    for block in blocks("cpp"):
        wanted = [line.strip() for line in textwrap.dedent(block).splitlines()]
        at = [i for i, line in enumerate(lines) if line == wanted[0]]
        assert any(lines[i : i + len(wanted)] == wanted for i in at), block
