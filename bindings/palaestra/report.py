"""Write one page about experiments and runs: ``python -m palaestra.report --out FILE DIR...``.

A DIR is the folder of ``palaestra reproduce`` (results.json) or ``palaestra train`` (eval.jsonl).
The page needs nothing beside itself: styles and pictures are in it. Needs matplotlib and nothing
of the package, so the ``palaestra`` command runs it by path.
"""

from __future__ import annotations

import argparse
import html
import io
import json
import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STYLE = """
:root { --ink: #1b1f24; --soft: #59636e; --line: #d9dee3; --page: #ffffff; --card: #f6f8fa;
  --good: #1a7f37; --bad: #b3261e; --open: #8a6100; --link: #0b57d0; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--page); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-top: .8rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); font-size: .9rem; }
nav a { margin-right: 1rem; } a { color: var(--link); }
.claim { font-size: 1.05rem; }
.verdict { display: inline-block; white-space: nowrap; padding: 0 .55em; border-radius: 1em;
  font-size: .85rem; font-weight: 600; border: 1.5px solid currentColor; }
.passed, .supported { color: var(--good); } .failed, .not-supported { color: var(--bad); }
.inconclusive { color: var(--open); }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.number, th.number { text-align: right; }
td .why { display: block; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .88rem; }
pre { background: var(--card); padding: .7rem; overflow-x: auto; font-size: .82rem; }
details > summary { cursor: pointer; color: var(--link); }
.failure { border-left: 4px solid var(--bad); background: var(--card); padding: .5rem .8rem; }
@media (max-width: 40rem) {
  .gates thead { display: none; } .gates tr { display: block; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  .gates td { display: block; border: 0; padding: .1rem 0; text-align: left; }
  .gates td:not([data-name=""]):not(:empty)::before {
    content: attr(data-name) ": "; color: var(--soft); } }
@media print { body { max-width: none; font-size: 11pt; } details { display: none; }
  h2, figure, tr { break-inside: avoid; } a { color: inherit; text-decoration: none; } }
"""

# Okabe and Ito: told apart by colour-blind readers and in print
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]


@dataclass
class Arm:
    """One method on one task, with all its runs."""

    method: str
    task: str
    numbers: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Section:
    """What the page says of one experiment, or of runs of ``palaestra train``."""

    name: str
    title: str
    arms: list[Arm]
    document: dict[str, Any] = field(default_factory=dict)


def text(value: object) -> str:
    """Escape for HTML."""
    return html.escape(str(value))


def number(value: float | None) -> str:
    """Write as many digits as tell something."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 1e6:
        return f"{value:,.4g}" if size < 1e15 else f"{value:.3e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if size >= 1 or value == 0 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def interval(pair: list[float] | None) -> str:
    """`low to high`, or nothing where the two are one."""
    if pair is None or pair[0] == pair[1]:
        return ""
    return f"{number(pair[0])} to {number(pair[1])}"


# ---- reading -------------------------------------------------------------------------------------


def read_experiment(folder: Path) -> Section:
    """Read the results of ``palaestra reproduce``."""
    document = json.loads((folder / "results.json").read_text())
    arms = [
        Arm(a["method"], a["task"], a["numbers"], a["runs"]) for a in document["arms"]
    ]
    return Section(document["name"], document["title"], arms, document)


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
        arm = arms.setdefault(key, Arm(*key))
        file = folder / "eval.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        rows = [json.loads(line) for line in lines if line.strip()]
        meta = folder / "meta.json"
        facts = json.loads(meta.read_text()) if meta.exists() else {}
        run: dict[str, Any] = {
            "seed": setting(folder, "seed"),
            "command": f"palaestra train --config {folder}/config.toml --out OUT",
            "problem": "" if rows else f"{folder} was never evaluated",
            "cpu_s": facts.get("cpu_s", 0.0),
            "numbers": {},
            "curves": {},
        }
        if rows:
            run["numbers"]["final_return"] = rows[-1]["return_mean"]
            run["curves"]["return"] = {
                "step": [row["step"] for row in rows],
                "value": [row["return_mean"] for row in rows],
            }
        arm.runs.append(run)
    for arm in arms.values():
        finals = [r["numbers"]["final_return"] for r in arm.runs if r["numbers"]]
        if finals:
            arm.numbers["final_return"] = {
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


# ---- pictures ------------------------------------------------------------------------------------


def to_svg(figure: Any) -> str:
    """Turn a figure into SVG that stands inside a page."""
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    drawn = buffer.getvalue()
    return drawn[drawn.index("<svg") :]


def figure_of(drawn: str, caption: str, label: str) -> str:
    """A picture with words for those who see it and for those who do not."""
    named = drawn.replace("<svg ", f'<svg role="img" aria-label="{text(label)}" ', 1)
    return f"<figure>{named}<figcaption>{text(caption)}</figcaption></figure>"


def curve_of(
    runs: list[dict[str, Any]], name: str
) -> tuple[list[float], list[list[float]]]:
    """Steps that all runs share, and their values there, run by run."""
    curves = [run["curves"][name] for run in runs if name in run["curves"]]
    if not curves:
        return [], []
    shared = set(curves[0]["step"]).intersection(*(c["step"] for c in curves[1:]))
    steps = sorted(shared)
    return steps, [
        [dict(zip(c["step"], c["value"], strict=True))[s] for s in steps]
        for c in curves
    ]


def learning_curves(section: Section) -> list[str]:
    """Draw one picture per task: a line per run, the interquartile mean in bold."""
    import matplotlib.pyplot as plt

    pictures = []
    for task in dict.fromkeys(arm.task for arm in section.arms):
        figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
        drawn = []
        for index, arm in enumerate(a for a in section.arms if a.task == task):
            steps, values = curve_of(arm.runs, "return")
            if len(steps) < 2:
                continue
            colour = COLOURS[index % len(COLOURS)]
            columns = list(zip(*values, strict=True))
            for run in values:
                axes.plot(steps, run, color=colour, linewidth=0.6, alpha=0.35)
            low = [min(c) for c in columns]
            high = [max(c) for c in columns]
            axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
            label = (
                f"{arm.method} ({len(values)} {'seeds' if len(values) > 1 else 'seed'})"
            )
            middle = [trimmed_mean(list(c)) for c in columns]
            axes.plot(steps, middle, color=colour, linewidth=2, label=label)
            drawn.append(arm.method)
        if not drawn:
            plt.close(figure)
            continue
        axes.set_xlabel("environment steps")
        axes.set_ylabel("return")
        axes.set_title(task, loc="left", fontsize=11)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)
        caption = (
            "Mean return of the evaluations. Bold: interquartile mean over seeds; thin: each "
            "seed; shaded: their range."
        )
        label = f"Learning curves on {task}: {', '.join(drawn)}"
        pictures.append(figure_of(to_svg(figure), caption, label))
    return pictures


def aggregate_plot(section: Section, metric: str) -> str:
    """Draw the interquartile mean of each arm with its interval, task by task."""
    import matplotlib.pyplot as plt

    arms = [a for a in section.arms if metric in a.numbers]
    if len(arms) < 2:
        return ""
    figure, axes = plt.subplots(
        figsize=(7.2, 0.8 + 0.34 * len(arms)), layout="constrained"
    )
    methods = list(dict.fromkeys(a.method for a in arms))
    for row, arm in enumerate(arms):
        centre = arm.numbers[metric]["interquartile_mean"]
        ends = arm.numbers[metric]["interval"] or [centre, centre]
        colour = COLOURS[methods.index(arm.method) % len(COLOURS)]
        axes.plot(
            ends,
            [row, row],
            color=colour,
            linewidth=6,
            alpha=0.3,
            solid_capstyle="butt",
        )
        axes.plot(
            [centre], [row], "|", color=colour, markersize=14, markeredgewidth=2.5
        )
    axes.set_yticks(
        range(len(arms)), [f"{a.method}, {a.task}" for a in arms], fontsize=9
    )
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlabel(metric.replace("_", " "))
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    caption = (
        "Interquartile mean over seeds; bars: 95 % stratified bootstrap intervals."
    )
    return figure_of(to_svg(figure), caption, f"{metric} of each arm with its interval")


# ---- text ----------------------------------------------------------------------------------------


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict {verdict.replace(" ", "-")}">{text(verdict)}</span>'


def gates_table(section: Section) -> str:
    """List claims, what was measured and what became of them."""
    rows = []
    for gate in section.document.get("gates", []):
        spread = interval(gate["interval"])
        measured = number(gate["measured"]) + (f" ({spread})" if spread else "")
        why = f'<span class="why">{text(gate["why"])}</span>' if gate["why"] else ""
        source = f'<span class="why">{text(gate["source"])}</span>'
        cells = [
            ("", badge(gate["verdict"])),
            ("", text(gate["statement"]) + source + why),
            ("kind", text(gate["kind"])),
            ("measured", text(measured)),
            ("expected", text(f"{gate['comparison']} {number(gate['threshold'])}")),
            ("published", text(gate.get("published") or "")),
            ("seeds", text(len(gate["seeds"]))),
        ]
        rows.append(
            "<tr>"
            + "".join(f'<td data-name="{n}">{c}</td>' for n, c in cells)
            + "</tr>"
        )
    if not rows:
        return ""
    names = ["", "claim", "kind", "measured (95 %)", "expected", "published", "seeds"]
    head = "".join(f"<th>{n}</th>" for n in names)
    return (
        '<h3>Claims</h3><div class="scroll"><table class="gates"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def arms_table(section: Section) -> str:
    """List every arm with the centre and the spread of its numbers."""
    rows = []
    for arm in section.arms:
        cpu = sum(run["cpu_s"] for run in arm.runs)
        for metric, value in arm.numbers.items():
            cells = [
                text(arm.task),
                text(arm.method),
                text(metric.replace("_", " ")),
                *(
                    number(value[key])
                    for key in ("interquartile_mean", "mean", "median")
                ),
                text(interval(value["interval"])),
                text(value["runs"]),
                duration(cpu) if cpu else "-",
            ]
            marks = ["", "", ""] + [' class="number"'] * 6
            rows.append(
                "<tr>"
                + "".join(f"<td{m}>{c}</td>" for m, c in zip(marks, cells, strict=True))
                + "</tr>"
            )
    if not rows:
        return ""
    names = ["task", "method", "number", "IQM", "mean", "median", "95 %", "runs", "CPU"]
    head = "".join(
        f"<th{' class=number' if i > 2 else ''}>{n}</th>" for i, n in enumerate(names)
    )
    return (
        f'<h3>Arms</h3><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def failures(section: Section) -> str:
    """Say which runs failed, and with what message."""
    notes = [
        f'<p class="failure"><b>{text(arm.method)}, {text(arm.task)}, seed '
        f"{text(run['seed'])}</b> failed: {text(run['problem'])}</p>"
        for arm in section.arms
        for run in arm.runs
        if run["problem"]
    ]
    return "<h3>Failed runs</h3>" + "".join(notes) if notes else ""


def commands(section: Section) -> str:
    """Fold away the command behind every number, the settings and the machine."""
    lines = [
        run["command"] for arm in section.arms for run in arm.runs if run["command"]
    ]
    parts = [
        f"<details><summary>Commands</summary><pre>{text(chr(10).join(lines))}</pre></details>"
    ]
    for key, name in (
        ("settings", "Settings"),
        ("program", "Program"),
        ("machine", "Machine"),
    ):
        value = section.document.get(key)
        if value:
            shown = value if isinstance(value, str) else json.dumps(value, indent=1)
            parts.append(
                f"<details><summary>{name}</summary><pre>{text(shown)}</pre></details>"
            )
    return "".join(parts)


def facts(section: Section) -> str:
    """One line on scale, seeds, cost, machine and commit."""
    document = section.document
    if not document:
        return ""
    machine, program = document["machine"], document["program"]
    seeds = sorted({run["seed"] for arm in section.arms for run in arm.runs})
    words = [
        f"scale {document['scale']}",
        f"seeds {', '.join(map(str, seeds))}",
        f"{duration(document['cpu_s'])} of CPU in {duration(document['wall_s'])}",
        str(machine.get("cpu", "")),
        f"commit {program.get('commit', '?')}",
    ]
    return f'<p class="soft">{text(" · ".join(w for w in words if w))}</p>'


def body(section: Section, alone: bool) -> str:
    """Write everything about one experiment; the only one has its title above already."""
    document = section.document
    parts = [f'<section id="{text(section.name)}">']
    if not alone:
        parts.append(f"<h2>{text(section.title)}</h2>")
    if document:
        parts.append(f'<p class="claim">{text(document["claim"])}</p>')
        parts.append(f'<p class="soft">After {text(document["source"])}</p>')
    parts += [facts(section), gates_table(section), failures(section)]
    parts += learning_curves(section)
    metrics = dict.fromkeys(m for arm in section.arms for m in arm.numbers)
    if "final_return" in metrics:
        parts.append(aggregate_plot(section, "final_return"))
    parts += [arms_table(section), commands(section), "</section>"]
    return "\n".join(p for p in parts if p)


def page(sections: list[Section]) -> str:
    """Write the whole page."""
    verdicts = [g["verdict"] for s in sections for g in s.document.get("gates", [])]
    counts = [f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)]
    links = "".join(f'<a href="#{text(s.name)}">{text(s.title)}</a>' for s in sections)
    title = sections[0].title if len(sections) == 1 else "Experiments"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)} - Palaestra</title><style>{STYLE}</style></head><body>
<p class="soft">Palaestra</p><h1>{text(title)}</h1>
<p>{text(", ".join(counts))}</p>
{f"<nav>{links}</nav>" if len(sections) > 1 else ""}
{"".join(body(s, len(sections) == 1) for s in sections)}
</body></html>
"""


def write(folders: list[Path], out: Path) -> None:
    """Write the page about some folders to a file, all of it or nothing."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "palaestra",
            "font.family": "sans-serif",
        }
    )
    experiments = [f for f in folders if (f / "results.json").exists()]
    runs = [f for f in folders if f not in experiments]
    sections = [read_experiment(folder) for folder in experiments]
    if runs:
        sections.append(read_runs(runs))
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        partial.write_text(page(sections), encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    write(arguments.folders, arguments.out)


if __name__ == "__main__":
    main()
