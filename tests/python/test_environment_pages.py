"""The pages of ``docs/environments`` say what the registry and the sources say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import palaestra
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/environments"


def maker() -> dict[str, Any]:
    """Load the script's functions."""
    return runpy.run_path(
        str(ROOT / "docs/make_environment_pages.py"), run_name="maker"
    )


def test_the_committed_pages_are_what_the_script_makes() -> None:
    """Else run it: a task or its comment has changed."""
    made = maker()["pages"]()
    assert {p.name for p in made} == {p.name for p in FOLDER.glob("*.md")}
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name} is out of date"


def test_of_several_measurements_the_middle_one_is_kept() -> None:
    """By the share of the limit, without one by the value; with its own limit's name."""

    def document(k: int, share: float, value: float) -> dict[str, Any]:
        rows = [
            {"name": "a/step", "value": 10.0 * k, "share_of_limit": share},
            {"name": "b/step", "value": value, "share_of_limit": 0.0},
        ]
        notes = {"a/step": {"limit": f"loop {k}"}, "b/step": {"limit": ""}}
        return {"rows": rows, "notes": notes, "machine": k}

    middle = maker()["middle_of"](
        [document(1, 0.9, 5.0), document(2, 1.1, 7.0), document(3, 1.0, 6.0)]
    )
    assert middle["rows"] == [
        {"name": "a/step", "value": 30.0, "share_of_limit": 1.0},
        {"name": "b/step", "value": 6.0, "share_of_limit": 0.0},
    ]
    assert middle["notes"]["a/step"] == {"limit": "loop 3"}
    assert middle["machine"] == 3


def test_the_pages_describe_every_task_with_a_small_picture() -> None:
    """Observation, action, reward, end, source, oracle, speed; links that lead somewhere."""
    for env_id in palaestra.env_ids():
        text = (FOLDER / f"{palaestra.spec(env_id).family}.md").read_text()
        part = text.split(f"\n## {env_id}\n", 1)[1].split("\n## ", 1)[0]
        for word in ("Observation", "Action", "Reward", "Ends", "Source", "Checked by"):
            assert f"| {word} |" in part, f"{env_id} does not say {word}"
        row = next(
            line for line in text.splitlines() if line.startswith(f"| [{env_id}]")
        )
        assert re.search(r"\| [\d.]+ [kM] \(\d+ % of [^|]+\) \|$", row), row
    for page in FOLDER.glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            target = (FOLDER / link).resolve()
            assert target.is_file(), f"{page.name}: {link}"
            if target.suffix == ".svg":
                assert target.stat().st_size < 60_000


def test_the_options_on_the_pages_are_those_that_are_accepted() -> None:
    """Each documented option with its documented default is taken; a made-up one is not."""
    read_task = maker()["read_task"]
    for env_id in palaestra.env_ids():
        task = read_task(env_id, palaestra.spec(env_id).family)
        named = re.findall(r"(\w+) \(([-\d.]+)\)", task.fields.get("Options", ""))
        options: dict[str, Any] = {name: float(value) for name, value in named}
        words = re.findall(r"(\w+) \(([a-z]+)\): or", task.fields.get("Options", ""))
        options |= dict(words)
        for name, default, _ in task.options:
            if default.startswith("("):
                options[name] = tuple(float(v) for v in default.strip("()").split(","))
            else:
                options[name] = {"true": True, "false": False}.get(default, default)
                if not isinstance(options[name], bool):
                    options[name] = float(default)
        assert options or task.fields.get("Options") == "none", env_id
        palaestra.make_vec(env_id, 1, **options)
        with pytest.raises(palaestra.UserError, match="no_such_option"):
            palaestra.make_vec(env_id, 1, no_such_option=1.0)
