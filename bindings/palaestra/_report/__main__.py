"""Print one page about experiments and runs: ``python .../palaestra/_report DIR...``.

A DIR is the folder of ``palaestra reproduce`` (results.json) or ``palaestra train`` (eval.jsonl).
The page needs nothing beside itself: styles and pictures are in it. Needs matplotlib and nothing
of the package, so the ``palaestra`` command runs it by path, with `--program` for the pictures of
environments, which it draws.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import figures
from pictures import gallery
from reading import Section, read_experiment, read_runs
from style import STYLE
from words import duration, interval, number, ranges, share, text

#: Rows of the table of arms that are shown without being asked for.
MOST_ROWS = 40
#: Claims that stand above the figures; where there are more, the figures come first.
MOST_CLAIMS = 12


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict {text(verdict.replace(" ", "-"))}">{text(verdict)}</span>'


def expected(gate: dict[str, Any]) -> str:
    """What a gate asks for: `>= 2,500`, `== 0.5 ± 0.05`."""
    within = gate.get("tolerance") or 0
    slack = f" ± {number(within)}" if within else ""
    fails_at = gate.get("fails_at")
    failure = "" if fails_at is None else f", fails at {number(fails_at)}"
    return f"{gate['comparison']} {number(gate['threshold'])}{slack}{failure}"


def gates_table(section: Section) -> str:
    """List claims, what was measured and what became of them."""
    rows = []
    gates = section.document.get("gates", [])
    published = any(gate.get("published") for gate in gates)
    for gate in gates:
        spread = interval(gate["interval"])
        measured = number(gate["measured"]) + (f" ({spread})" if spread else "")
        why = f'<span class="why">{text(gate["why"])}</span>' if gate["why"] else ""
        source = f'<span class="why">{text(gate["source"])}</span>'
        cells = [
            ("", badge(gate["verdict"])),
            ("", text(gate["statement"]) + source + why),
            ("kind", text(gate["kind"])),
            ("measured", text(measured)),
            ("expected", text(expected(gate))),
            ("published", text(gate.get("published") or "")),
            ("seeds", text(len(gate["seeds"]))),
        ]
        cells = [cell for cell in cells if cell[0] != "published" or published]
        rows.append(
            "<tr>"
            + "".join(f'<td data-name="{n}">{c}</td>' for n, c in cells)
            + "</tr>"
        )
    if not rows:
        return ""
    names = ["", "claim", "kind", "measured (95 %)", "expected", "published", "seeds"]
    head = "".join(f"<th>{n}</th>" for n in names if n != "published" or published)
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
    table = (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    if len(rows) > MOST_ROWS:  # more than anybody reads through: folded away
        summary = f"All {len(rows)} numbers of {len(section.arms)} arms"
        return f"<h3>Arms</h3><details><summary>{summary}</summary>{table}</details>"
    return f"<h3>Arms</h3>{table}"


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


def warnings(section: Section) -> str:
    """Say once each what trainings warned of, and whose."""
    whose: dict[str, dict[str, None]] = {}
    for arm in section.arms:
        for run in arm.runs:
            if warning := run.get("texts", {}).get("warnings"):
                whose.setdefault(warning, {})[f"{arm.method}, {arm.task}"] = None
    notes = [
        f'<p class="warning"><b>{text("; ".join(arms))}</b>: {text(warning)}</p>'
        for warning, arms in whose.items()
    ]
    return "<h3>Warnings</h3>" + "".join(notes) if notes else ""


def commands(section: Section) -> str:
    """Fold away the command behind every number, the settings and the machine."""
    lines = [product["command"] for product in section.document.get("products", [])]
    lines += [
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
    numbers = sorted({run["seed"] for arm in section.arms for run in arm.runs})
    own = document.get("harness_cpu_s")
    words = [
        f"scale {document['scale']}",
        f"seeds {ranges(numbers)}",
        f"{duration(document['cpu_s'])} of CPU in {duration(document['wall_s'])}",
        f"the harness took {share(own, document['cpu_s'])} of that" if own else "",
        str(machine.get("cpu", "")),
        f"commit {program.get('commit', '?')}",
    ]
    return f'<p class="soft">{text(" · ".join(w for w in words if w))}</p>'


def body(section: Section, alone: bool, program: str) -> str:
    """Write everything about one experiment; the only one has its title above already."""
    document = section.document
    parts = [f'<section id="{text(section.name)}">']
    if not alone:
        parts.append(f"<h2>{text(section.title)}</h2>")
    if document:
        parts.append(f'<p class="claim">{text(document["claim"])}</p>')
        parts.append(f'<p class="soft">After {text(document["source"])}</p>')
    claims = gates_table(section)
    drawn = [failures(section), warnings(section), figures.all_figures(section)]
    many = len(document.get("gates", [])) > MOST_CLAIMS
    parts += (
        [facts(section), *drawn, claims] if many else [facts(section), claims, *drawn]
    )
    parts.append(gallery(section, program))
    parts += [arms_table(section), commands(section), "</section>"]
    return "\n".join(p for p in parts if p)


def page(sections: list[Section], program: str) -> str:
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
{"".join(body(s, len(sections) == 1, program) for s in sections)}
</body></html>
"""


def page_about(folders: list[Path], program: str) -> str:
    """Write the page about some folders."""
    figures.prepare()
    experiments = [f for f in folders if (f / "results.json").exists()]
    runs = [f for f in folders if f not in experiments]
    sections = [read_experiment(folder) for folder in experiments]
    if runs:
        sections.append(read_runs(runs))
    return page(sections, program)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--program", default="", help="palaestra, which draws environments"
    )
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    written = page_about(arguments.folders, arguments.program)
    sys.stdout.buffer.write(written.encode())


if __name__ == "__main__":
    main()
