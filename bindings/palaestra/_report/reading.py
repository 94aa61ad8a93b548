"""What the page says of experiments and runs, read from their folders."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Arm:
    """One method on one task, with all its runs."""

    method: str
    task: str
    numbers: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    options: list[str] = field(default_factory=list)

    def option(self, name: str) -> str:
        """Value of `--name VALUE` on the command line, or nothing."""
        pairs = zip(self.options, self.options[1:], strict=False)
        return next((value for key, value in pairs if key == f"--{name}"), "")

    def position(self, name: str) -> float | None:
        """Where the arm stands on an axis: the centre of a number, or a setting."""
        if name in self.numbers:
            return self.numbers[name]["interquartile_mean"]
        for word in self.options:
            key, _, value = word.partition("=")
            if key == name:
                try:
                    return float(value)
                except ValueError:
                    return None
        return None

    def repeat(self) -> int:
        """Steps of the environment in one of the agent's: its actions may be repeated."""
        for word in self.options:
            _, found, value = word.partition("action_repeat=")
            if found and (digits := value.split(",")[0]).isdigit():
                return int(digits)
        return 1


@dataclass
class Section:
    """What the page says of one experiment, or of runs of ``palaestra train``."""

    name: str
    title: str
    arms: list[Arm]
    document: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    def published(self, figure: str, task: str | None = None) -> list[dict[str, Any]]:
        """Points that others published, of a figure and, where it is drawn by task, of a task."""
        return [
            points
            for points in self.document.get("published", [])
            if points["figure"] == figure and task in (None, points["task"])
        ]

    def methods(self) -> list[str]:
        """Every method once, in order: their colours."""
        return list(dict.fromkeys(arm.method for arm in self.arms))

    def run_folders(self, arm: Arm) -> Iterator[tuple[Any, Path]]:
        """Seeds and folders of an arm's finished trainings."""
        for run in arm.runs:
            folder = Path(run.get("folder", ""))
            if not run.get("folder"):
                seed = f"seed-{run['seed']}"
                folder = self.folder / "arms" / arm.method / arm.task / seed / "run"
            if not run["problem"] and (folder / "final.safetensors").exists():
                yield run["seed"], folder


def read_experiment(folder: Path) -> Section:
    """Read the results of ``palaestra reproduce``."""
    document = json.loads((folder / "results.json").read_text())
    arms = [
        Arm(a["method"], a["task"], a["numbers"], a["runs"], a.get("options", []))
        for a in document["arms"]
    ]
    return Section(document["name"], document["title"], arms, document, folder)


def setting(run: Path, key: str) -> str:
    """One value of a run's config.toml, as it is written there."""
    for line in (run / "config.toml").read_text().splitlines():
        name, _, value = line.partition("=")
        if name.strip() == key:
            return value.partition("#")[0].strip().strip('"')
    return "?"


def read_runs(folders: list[Path]) -> Section:
    """Put runs of ``palaestra train`` together by agent and environment."""
    arms: dict[tuple[str, str], Arm] = {}
    for folder in folders:
        key = (setting(folder, "agent"), setting(folder, "env"))
        repeated = f"action_repeat={setting(folder, 'action_repeat')}"
        arm = arms.setdefault(key, Arm(*key, options=["--env", key[1], repeated]))
        file = folder / "eval.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        rows = [json.loads(line) for line in lines if line.strip()]
        meta = folder / "meta.json"
        facts = json.loads(meta.read_text()) if meta.exists() else {}
        run: dict[str, Any] = {
            "seed": setting(folder, "seed"),
            "command": f"palaestra train --config {folder}/config.toml --out OUT",
            "folder": str(folder),
            "problem": "" if rows else f"{folder} was never evaluated",
            "cpu_s": facts.get("cpu_s", 0.0),
            "numbers": {},
            "curves": {},
        }
        for key in rows[-1] if rows else []:
            policy, found, rest = key.rpartition("return_mean")
            if found and not rest and policy[-1:] in ("", "/"):
                run["numbers"][f"{policy}final_return"] = rows[-1][key]
                run["curves"][f"{policy}return"] = {
                    "step": [row["step"] for row in rows],
                    "value": [row[key] for row in rows],
                }
        arm.runs.append(run)
    for arm in arms.values():
        names = {name: None for r in arm.runs for name in r["numbers"]}
        for name in names:
            finals = [r["numbers"][name] for r in arm.runs if name in r["numbers"]]
            arm.numbers[name] = {
                "runs": len(finals),
                "mean": statistics.fmean(finals),
                "median": statistics.median(finals),
                "interquartile_mean": trimmed_mean(finals),
                "interval": None,
            }
    return Section("runs", "Training runs", list(arms.values()))


def trimmed_mean(values: list[float]) -> float:
    """Mean without the lowest and the highest quarter."""
    ordered = sorted(values)
    drop = len(ordered) // 4
    return statistics.fmean(ordered[drop : len(ordered) - drop])
