"""docs/command_line.md tells the truth: its examples run, its keys are those of the documents."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, TINY, files_in, lines_of, palaestra

PAGE = (ROOT / "docs" / "command_line.md").read_text()
DATA_PAGE = (ROOT / "docs" / "data_sets.md").read_text()
OFFLINE_PAGE = (ROOT / "docs" / "offline.md").read_text()

#: Keys of agents that promise a return: test_recorded_agents.py has them.
PROMISE = {"promised", "promised_mean", "gap"}


def commands_on_the_page(page: str = PAGE) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def keys_on_the_page(table: str) -> set[str]:
    """The names in the first column of the table whose head is "key of `table`"."""
    found = re.search(
        rf"^\| key of `{table}` .*\n\|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE
    )
    assert found, table
    first_cells = (line.split("|")[1] for line in found[1].splitlines())
    return {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every example of the page was run, in order."""
    folder = tmp_path_factory.mktemp("page")
    for line in commands_on_the_page():
        program, *arguments = shlex.split(line)
        assert program == "palaestra"
        result = palaestra(*arguments, cwd=folder)
        assert result.code == 0, f"{line}: {result.err}"
        if "--json" in arguments:
            json.loads(result.out)
    return folder


def test_the_examples_run(place: Path) -> None:
    assert len(commands_on_the_page()) >= 15
    assert {"steps.h5", "bench.json", "runs/pendulum/curve.png"} <= files_in(place)
    assert (place / "runs" / "seed_1.1").is_dir()  # what --force moved aside


def test_the_page_of_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands and its Python run, in order and in one folder."""
    monkeypatch.chdir(tmp_path)
    assert len(commands_on_the_page(DATA_PAGE)) >= 5
    for line in commands_on_the_page(DATA_PAGE):
        result = palaestra(*shlex.split(line)[1:], cwd=tmp_path)
        assert result.code == 0, f"{line}: {result.err}"
    (code,) = re.findall(r"^```python\n(.*?)^```", DATA_PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert len(names["demos"]) == 20
    assert names["batch"].observation.shape == (256, 4)


def test_the_page_of_offline_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commands and its Python run, in order and in one folder."""
    monkeypatch.chdir(tmp_path)
    assert len(commands_on_the_page(OFFLINE_PAGE)) >= 5
    for line in commands_on_the_page(OFFLINE_PAGE):
        result = palaestra(*shlex.split(line)[1:], cwd=tmp_path)
        assert result.code == 0, f"{line}: {result.err}"
    (code,) = re.findall(
        r"^```python\n(.*?)^```", OFFLINE_PAGE, re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["agent"].name == "bc"
    assert names["result"].complete


def document(*arguments: str | Path) -> Any:
    result = palaestra(*arguments, "--json")
    assert result.code == 0, result.err
    return result.json


def test_the_keys_are_those_of_the_documents(place: Path, tmp_path: Path) -> None:
    run = place / "runs" / "pendulum"
    found = {
        "envs": document("envs", "pendulum")["envs"][0],
        "rollout": document("rollout", "--env", "CartPole-v1"),
        "train": document("train", *TINY, "--out", tmp_path / "run"),
        "eval": document("eval", run),
        "report": document("report", run, "--out", tmp_path / "report.html"),
        "render": document(
            "render", "CartPole-v1", "--steps", "1", "--out", tmp_path / "a.png"
        ),
        "rows": json.loads((place / "bench.json").read_text())["rows"][0],
        "study": document("study", "doc_enumerable", "--set", "method=optimum"),
        "data collect": document(
            *("data", "collect", "--env", "CartPole-v1", "--episodes", "2"),
            *("--out", tmp_path / "set-v0"),
        ),
        "data info": document("data", "info", tmp_path / "set-v0"),
        "data check": document("data", "check", tmp_path / "set-v0"),
        "data convert": document(
            "data", "convert", tmp_path / "set-v0", tmp_path / "set.hdf5"
        ),
    }
    for table, keys in found.items():
        optional = {"success"} | PROMISE if table == "eval" else set()
        assert set(keys) == keys_on_the_page(table) - optional, table


def test_a_run_folder_holds_what_the_page_lists(place: Path) -> None:
    found = re.search(r"^\| file \| holds .*\n\|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found
    patterns = re.findall(r"^\| `([^`]+)`", found[1], re.MULTILINE)
    run = place / "runs" / "pendulum"
    listed = {str(file.relative_to(run)) for p in patterns for file in run.glob(p)}
    assert files_in(run) == listed
    assert all(list(run.glob(pattern)) for pattern in patterns)


def test_the_logs_hold_what_the_page_lists(place: Path) -> None:
    run = place / "runs" / "pendulum"
    for name in ("metrics", "eval"):
        found = re.search(rf"^`{name}\.jsonl`: (.*?)(?:\n\n|\n`)", PAGE, re.M | re.S)
        assert found
        listed = set(re.findall(r"`(\w+)`", found[1])) - {"success"} - PROMISE
        assert listed <= set(lines_of(run / f"{name}.jsonl")[-1])


COMMANDS = [
    *("envs", "rollout", "train", "eval", "render", "bench", "study"),
    *("data collect", "data info", "data check", "data convert"),
]


def test_every_option_is_on_the_page() -> None:
    for command in COMMANDS:
        name = command.split()[0]
        section = PAGE.split(f"\n## palaestra {name}\n")[1].split("\n## ")[0]
        text = palaestra(*command.split(), "--help").out
        text = text.split("Options:")[1].split("Examples:")[0]
        options = set(re.findall(r"(--[a-z-]+)", text)) - {"--help"}
        for option in options:
            assert option in section, f"{command} {option}"


def test_every_family_is_on_the_page() -> None:
    """Those of the environments, and those of ``bench``."""
    row = re.search(r"^\| `family` \| (.*) \|$", PAGE, re.MULTILINE)
    assert row
    rows = document("envs", "--no-speed")["envs"]
    assert re.findall(r"`(\w+)`", row[1]) == sorted({row["family"] for row in rows})

    text = palaestra("bench", "--help").out.split("Families:")[1]
    families = re.findall(r"^  (\w+): ", text, re.MULTILINE)
    listed = re.search(r"`NAME` is a family \((.*?)\)", PAGE, re.DOTALL)
    assert listed
    assert re.findall(r"`([\w-]+)`", listed[1]) == [*families, "python", "--peers"]
