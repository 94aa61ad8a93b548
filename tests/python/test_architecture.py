"""The layers: which folder may include which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'#include [<"]palaestra/(\w+)/([\w/.]+)[>"]')
ALLOWED = {
    "core": set(),
    "nn": {"core"},
    "replay": {"core"},
    "envs": {"core"},
    "rollout": {"core", "replay", "envs"},
    "agents": {"core", "nn", "replay", "rollout"},
    "experiments": {"core", "nn", "replay", "envs", "rollout", "agents"},
    "benchmarks": {"core", "nn", "replay", "envs", "rollout", "agents"},
    "cli": {
        "core",
        "nn",
        "replay",
        "envs",
        "rollout",
        "agents",
        "benchmarks",
        "experiments",
    },
    # of the command the bindings take what meta.json says of program and machine
    "bindings": {"core", "replay", "envs", "rollout", "agents", "cli"},
}
SILENT = [layer for layer in ALLOWED if layer not in ("benchmarks", "cli")]


def sources(layer: str) -> list[Path]:
    """Every header and source of a layer."""
    return sorted([*(ROOT / layer).rglob("*.h"), *(ROOT / layer).rglob("*.cc")])


@pytest.mark.parametrize("layer", ALLOWED)
def test_includes_point_down_the_stack(layer: str) -> None:
    """A layer includes itself and the layers below it, nothing else of the project."""
    wrong = [
        f"{file.relative_to(ROOT)} includes {target}/{header}"
        for file in sources(layer)
        for target, header in INCLUDE.findall(file.read_text())
        if target != layer and target not in ALLOWED[layer]
    ]
    assert sources(layer), f"no sources in {layer}/"
    assert wrong == []


@pytest.mark.parametrize("layer", ALLOWED)
def test_included_headers_exist(layer: str) -> None:
    """An include path names a file of the checkout."""
    missing = [
        f"{file.relative_to(ROOT)} includes {target}/{header}"
        for file in sources(layer)
        for target, header in INCLUDE.findall(file.read_text())
        if not (ROOT / target / header).is_file()
    ]
    assert missing == []


@pytest.mark.parametrize("layer", SILENT)
def test_libraries_neither_print_nor_exit(layer: str) -> None:
    """Output and process control belong to the command line and to the user's program."""
    forbidden = re.compile(
        r"\bstd::(cout|cerr|exit|abort|terminate)\b|\bprintf\(|\bfprintf\("
    )
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sources(layer)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if forbidden.search(line.split("//")[0])
    ]
    assert wrong == []
