"""The README's code is code that runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_cpp_blocks_are_examples_that_are_built_and_run() -> None:
    examples = [path.read_text() for path in (ROOT / "examples/cpp").glob("*.cc")]
    assert blocks("cpp")
    for block in blocks("cpp"):
        assert any(example.endswith(block) for example in examples)


def test_python_blocks_run() -> None:
    assert blocks("python")
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
