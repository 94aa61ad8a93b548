"""Draw curves of a `palaestra reproduce` into one picture for a page, a panel each.

    .venv/bin/python docs/draw_experiment.py runs/ailboost --out docs/images/ailboost.png \
        --panel 'return; Pendulum-v1, 1 demonstration; Pendulum: last policy;
            AILBoost, alpha 0.05; uniform weights; DAC' \
        --panel 'ensemble/return; Pendulum-v1, 1 demonstration; Pendulum: ensemble;
            AILBoost, alpha 0.05; AILBoost, alpha 0.1; uniform weights' \
        --panel 'return; walker-walk, 1 demonstration; walker-walk: last policy' \
        --panel 'ensemble/return; walker-walk, 1 demonstration; walker-walk: ensemble'

A panel is a curve of the runs, a task and a title, and perhaps the methods that are shown. Bold:
the interquartile mean over seeds at steps that all have; shaded: their range. A method has one
colour.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

sys.path.insert(
    0, str(Path(__file__).parents[1] / "bindings" / "palaestra" / "_report")
)
from figures import COLOURS
from reading import Arm, trimmed_mean

Curve = dict[float, float]


def curves_of(arm: dict[str, Any], name: str) -> list[Curve]:
    """That curve of every run that has it, by steps of the environment."""
    times = Arm("", "", options=arm["options"]).repeat()
    found = [run["curves"][name] for run in arm["runs"] if name in run["curves"]]
    return [
        {times * step: y for step, y in zip(curve["step"], curve["value"], strict=True)}
        for curve in found
    ]


def draw(axes: plt.Axes, curves: list[Curve], label: str, colour: str) -> None:
    """Add a method."""
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    if len(steps) < 2:
        return
    values = [[curve[step] for curve in curves] for step in steps]
    lowest, highest = [min(v) for v in values], [max(v) for v in values]
    axes.fill_between(steps, lowest, highest, color=colour, alpha=0.12, lw=0)
    axes.plot(steps, [trimmed_mean(v) for v in values], color=colour, lw=2, label=label)


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="a folder with results.json")
    parser.add_argument("--panel", action="append", required=True)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    arms = json.loads((arguments.results / "results.json").read_text())["arms"]
    panels = [[part.strip() for part in p.split(";")] for p in arguments.panel]
    rows = -(-len(panels) // arguments.columns)
    figure, grid = plt.subplots(
        rows,
        arguments.columns,
        figsize=(5 * arguments.columns, 3.4 * rows),
        layout="constrained",
        squeeze=False,
    )
    colours: dict[str, str] = {}
    for axes, (curve, task, title, *methods) in zip(grid.flat, panels, strict=False):
        for arm in arms:
            found = curves_of(arm, curve)
            if (
                arm["task"] == task
                and found
                and (not methods or arm["method"] in methods)
            ):
                colour = colours.setdefault(
                    arm["method"], COLOURS[len(colours) % len(COLOURS)]
                )
                draw(axes, found, arm["method"], colour)
        if not axes.lines:
            parser.error(f"nothing to draw of {curve!r} of {task!r}")
        axes.set_title(title, loc="left")
        axes.set(xlabel="environment steps", ylabel="mean return")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(arguments.out, dpi=90)


if __name__ == "__main__":
    main()
