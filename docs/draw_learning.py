"""Draw learning curves of several runs, and of Stable-Baselines3's, into one picture.

    .venv/bin/python docs/draw_learning.py runs/cheetah-* --peer sb3-halfcheetah-*.jsonl \
        --out docs/images/half_cheetah.png

Runs are folders of ``palaestra train``; the peer's files come from
benchmarks/peers/sb3_sac_learning.py; ``--record`` adds the seeds that docs/compare_learning.py
kept. A thin line per seed and a dot at its end; a thick line through the means of steps that all
seeds have, a diamond where that is the last one alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

Curve = dict[int, float]


def curve_of(file: Path) -> Curve:
    """Mean return of each evaluation."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return {
        row["step"]: sum(row["returns"]) / len(row["returns"])
        for row in rows
        if "returns" in row
    }


def draw(axes: plt.Axes, curves: list[Curve], label: str, colour: str) -> None:
    """Add the seeds of one implementation."""
    for curve in curves:
        axes.plot(list(curve), list(curve.values()), color=colour, linewidth=0.7)
        axes.plot(max(curve), curve[max(curve)], "o", color=colour, markersize=4)
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    means = [sum(curve[step] for curve in curves) / len(curves) for step in steps]
    axes.plot(
        steps,
        means,
        color=colour,
        linewidth=2.5,
        marker="D" if len(steps) == 1 else None,
        markersize=10,
        label=f"{label}, {len(curves)} seeds",
    )


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--peer", nargs="*", default=[], type=Path)
    parser.add_argument("--title", default="SAC on HalfCheetah-v5, default settings")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    curves = {
        "palaestra": [curve_of(run / "eval.jsonl") for run in arguments.runs],
        "Stable-Baselines3": [curve_of(file) for file in arguments.peer],
    }
    if arguments.record:
        for row in json.loads(arguments.record.read_text()):
            curve = {int(step): value for step, value in row["curve"].items()}
            curves[row["implementation"]].append(curve)
    for colour, (label, seeds) in enumerate(curves.items()):
        if seeds:
            draw(axes, seeds, label, f"C{colour}")
    axes.set(
        xlabel="environment steps",
        ylabel="mean return of 10 episodes",
        title=arguments.title,
    )
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(arguments.out, dpi=110)


if __name__ == "__main__":
    main()
