"""Experiments of a test's own, and the pages that come of them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from command_line import palaestra

HEAD = """
name = "demo"
title = "A demonstration"
claim = "Two rollouts are one <b>"
source = "this test"
cpu_s = 1
"""

ROLLOUT = """
[[arm]]
method = "{method}"
task = "CartPole"
command = "rollout"
threads = {threads}
options = {{ env = "CartPole-v1", wrap = "{wrap}", n = 8, steps = 50 }}
seeds = 2
"""

GATE = """
[[gate]]
id = "{id}"
kind = "{kind}"
statement = "{statement}"
source = "this test"
arms = {arms}
metric = "{metric}"
statistic = "{statistic}"
comparison = "{comparison}"
threshold = {threshold}
seeds = 2
"""


def arm(method: str, threads: int = 1, wrap: str = "action_repeat=1") -> str:
    return ROLLOUT.format(method=method, threads=threads, wrap=wrap)


def gate(**changes: Any) -> str:
    values = {
        "id": "same",
        "kind": "hard",
        "statement": "the hashes agree",
        "arms": ["one/CartPole", "two/CartPole"],
        "metric": "hash",
        "statistic": "distinct",
        "comparison": "==",
        "threshold": 1,
        **changes,
    }
    values["arms"] = json.dumps(values["arms"])
    return GATE.format(**values)


def write(folder: Path, *parts: str) -> Path:
    file = folder / "demo.toml"
    file.write_text(HEAD + "".join(parts))
    return file


def reproduce(*arguments: str | Path | int) -> Any:
    return palaestra("reproduce", "--json", "--scale", "smoke", *arguments)


class Page(HTMLParser):
    """What a page shows, and whether it needs anything beside itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(file.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                inside = (value or "").startswith(("#", "data:image/png;base64,"))
                assert inside, f"{tag} {name}={value}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


TRAIN = """
[[arm]]
method = "ours"
task = "Pendulum"
command = "train"
seeds = 2
[arm.options]
env = "Pendulum-v1"
steps = {steps}
[arm.options.set]
hidden = "32,32"
evaluate_every = 500
evaluate_episodes = 1
checkpoint_every = 100
"""


def training(folder: Path, steps: int) -> Path:
    """An experiment of two trainings of some seconds."""
    ends = {"metric": "final_return", "statistic": "mean", "comparison": "<="}
    return write(
        folder, TRAIN.format(steps=steps), gate(arms=["ours/Pendulum"], **ends)
    )
