"""Draw a run's learning curve: ``python -m palaestra.curve RUN`` writes ``RUN/curve.png``.

Needs matplotlib and nothing of the package, so the ``palaestra`` command runs it by path.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Read the objects of a JSON-lines file; none where there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


def settings_of(run: Path) -> dict[str, str]:
    """The values of config.toml, as they are written there; none where there is no file."""
    values: dict[str, str] = {}
    config = run / "config.toml"
    for line in config.read_text().splitlines() if config.exists() else []:
        key, _, value = line.partition("=")
        values.setdefault(key.strip(), value.partition("#")[0].strip().strip('"'))
    return values


def title_of(run: Path) -> str:
    """Name environment and agent as config.toml does, or the folder."""
    names = settings_of(run)
    if "env" not in names:
        return run.name
    return f"{names.get('agent', '')} on {names['env']}, seed {names.get('seed', '?')}"


def draw(run: Path) -> Path:
    """Draw returns over steps: evaluations with their spread, training episodes behind them.

    Steps are those of the environment: the agent's times how often its actions are repeated.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    metrics, evaluations = (
        read_lines(run / "metrics.jsonl"),
        read_lines(run / "eval.jsonl"),
    )
    repeat = settings_of(run).get("action_repeat", "")
    times = int(repeat) if repeat.isdigit() else 1
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    training = [row for row in metrics if row.get("return_mean") is not None]
    axes.plot(
        [times * row["step"] for row in training],
        [row["return_mean"] for row in training],
        color="0.6",
        linewidth=1,
        label="training episodes",
    )
    if evaluations:
        steps = [times * row["step"] for row in evaluations]
        returns = [sorted(row["returns"]) for row in evaluations]
        means = [sum(values) / len(values) for values in returns]
        axes.fill_between(
            steps,
            [values[0] for values in returns],
            [values[-1] for values in returns],
            alpha=0.2,
            linewidth=0,
            label=f"range over {len(returns[-1])} evaluation episodes",
        )
        axes.plot(steps, means, marker="o", markersize=3, label="evaluation mean")
        for key in evaluations[-1]:
            if key.endswith("/return_mean"):  # another policy of the agent
                axes.plot(
                    steps,
                    [row[key] for row in evaluations],
                    linestyle="-.",
                    label=key.removesuffix("/return_mean"),
                )
        promises = [row for row in evaluations if "promised_mean" in row]
        if promises:
            axes.plot(
                [times * row["step"] for row in promises],
                [row["promised_mean"] for row in promises],
                linestyle="--",
                color="C1",
                label="promised when the episodes began",
            )
    axes.set_xlabel("environment steps")
    axes.set_ylabel("return")
    axes.set_title(title_of(run))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")
    target = run / "curve.png"
    partial = run / f".curve.{os.getpid()}.png"
    try:
        figure.savefig(partial, dpi=120)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
        plt.close(figure)
    return target


def main() -> int:
    """Draw the run folder named on the command line."""
    parser = argparse.ArgumentParser(prog="palaestra.curve", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder made by `palaestra train`")
    run: Path = parser.parse_args().run
    if not run.is_dir():
        print(f"palaestra.curve: there is no folder {run}", file=sys.stderr)
        return 2
    print(draw(run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
