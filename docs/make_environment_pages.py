"""Write the pages of ``docs/environments`` from the registry, the sources and stored measurements.

    export PYTHONPATH=build/release/python
    .venv/bin/python docs/make_environment_pages.py [--measure [FAMILY ...]] [--passes N]

A page is a family: the notes of ``docs/environment_notes``, then what the registered specs, the
comments above the structs of the tasks and the defaults inside those structs say; nothing is
written twice. Speeds are kept in ``docs/environments/speed.json``; ``--measure`` renews them on
this machine with ``palaestra bench``, of all families or of those named, several times. Pictures
come from ``docs/draw_environments.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import palaestra

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/environments"
SPEEDS = FOLDER / "speed.json"
NOTES = ROOT / "docs/environment_notes"

TITLES = {
    "box2d": "Box2D",
    "classic": "Classic control",
    "dm_control": "DeepMind Control suite",
    "doom": "Doom",
    "goal": "Goal-conditioned",
    "mujoco": "MuJoCo",
    "stochastic": "Stochastic",
}
# what `palaestra bench` calls it
BENCHES = {
    "box2d": "box2d",
    "classic": "envs",
    "dm_control": "dm_control",
    "doom": "envs",
    "goal": "goal",
    "mujoco": "mujoco",
    "stochastic": "envs",
}
FIELDS = ("Observation", "Goal", "Action", "Reward", "Ends", "Options", "Source")


@dataclass
class Task:
    """What the source of a task says about it."""

    file: str
    summary: str
    fields: dict[str, str]
    notes: str
    options: list[tuple[str, str, str]]  # name, default, meaning


def header_of(struct: str, family: str) -> Path:
    """`CartPole` of `classic` is in `envs/classic/cart_pole.h`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z]|\dD)", "_", struct).lower()
    return ROOT / "envs" / family / f"{name}.h"


def structs() -> dict[str, str]:
    """Struct behind each registered id, from the registration lines."""
    files = sorted((ROOT / "envs").glob("*/entries.cc"))
    text = "".join(file.read_text() for file in files)
    lines = re.findall(r'entry<(?:[\w:]+<)?(?:\w+::)*(\w+)>*\(\s*"([^"]+)"', text)
    # one struct for either type of actions: Name<one>, Name<other>
    lines += re.findall(r'entry_by_flag<(\w+)<.*?>\(\s*"([^"]+)"', text, re.DOTALL)
    return {env_id: struct for struct, env_id in lines}


def read_comment(text: str, struct: str) -> tuple[str, dict[str, str], str]:
    """Split the comment above a struct into summary, named fields and further notes."""
    match = re.search(
        rf"((?:^///.*\n)+)(?:^template <.*>\n)?^(?:struct|class) {struct} ",
        text,
        re.MULTILINE,
    )
    assert match, f"struct {struct} has no comment"
    lines = [line.removeprefix("///") for line in match.group(1).splitlines()]
    fields: dict[str, str] = {}
    free: list[str] = []
    current = ""
    for line in lines:
        word = line.split(maxsplit=1)
        if word and word[0] in FIELDS and not line.startswith("  "):
            current = word[0]
            fields[current] = word[1].strip()
        elif current and line.startswith("    "):
            fields[current] += " " + line.strip()
        else:
            current = ""
            free.append(line.strip())
    paragraphs = [" ".join(p.split()) for p in "\n".join(free).split("\n\n")]
    paragraphs = [p for p in paragraphs if p]
    return paragraphs[0], fields, "\n\n".join(paragraphs[1:])


def read_options(text: str, struct: str) -> list[tuple[str, str, str]]:
    """Read the data members with defaults, which are the options by those names."""
    body = text[text.index(f"struct {struct} ") :]
    body = body[: body.index("  struct ")]
    members = re.findall(
        r"^  (?:double|bool|int|Interval) (\w+) = ([^;]+);(?:\s*//\s*(.*))?$",
        body,
        re.MULTILINE,
    )
    clean = {"std::numeric_limits<double>::infinity()": "inf", "{": "(", "}": ")"}
    result = []
    for name, default, meaning in members:
        value = default
        for old, new in clean.items():
            value = value.replace(old, new)
        result.append((name, value, meaning))
    return result


def read_task(env_id: str, family: str) -> Task:
    """Everything that the source says about one id."""
    struct = structs()[env_id]
    file = header_of(struct, family)
    text = file.read_text()
    summary, fields, notes = read_comment(text, struct)
    # where the comment names the options, it does so better than the members
    options = [] if "Options" in fields else read_options(text, struct)
    return Task(str(file.relative_to(ROOT)), summary, fields, notes, options)


def engineering(value: float) -> str:
    """2.5e7 -> `25 M`, three digits."""
    for scale, unit in ((1e6, " M"), (1e3, " k")):
        if value >= scale:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}"


def twin(env_id: str) -> str:
    """The id whose pictures and speed stand for a task that is rewarded by distance instead."""
    return env_id.replace("Dense-", "-")


def speed_cell(env_id: str, speeds: dict[str, Any]) -> str:
    """`57.4 M (95 % of plain loop)`, or a dash where nobody has measured."""
    row = speeds["steps"].get(twin(env_id))
    if row is None:
        return "-"
    share = f"{100 * row['share_of_limit']:.0f} % of {row['limit_name']}"
    return f"{engineering(row['value'])} ({share})"


def cell(text: object) -> str:
    """Text that does not end a table cell."""
    return str(text).replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(c) for c in line) + " |" for line in lines)


def picture(env_id: str) -> str:
    """Name of the picture of a task, relative to the pages: of a suite, one for each domain."""
    suite, slash, task = env_id.partition("/")
    name = f"{suite}/{task.partition('-')[0]}" if slash else twin(env_id)
    return f"images/{name}.svg"


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def section(env_id: str) -> str:
    """Describe one task."""
    spec = palaestra.spec(env_id)
    task = read_task(env_id, spec.family)
    rows = [[name, task.fields[name]] for name in FIELDS if name in task.fields]
    ends = [name for name, _ in rows].index("Ends")
    rows.insert(ends + 1, ["Time limit", f"{spec.time_limit} steps"])
    if spec.info:
        rows.append(["Infos", ", ".join(f"`{name}`" for name in spec.info)])
    rows.append(["Checked by", spec.oracle])
    parts = [
        f"## {env_id}",
        task.summary,
    ]
    if (FOLDER / picture(env_id)).is_file():
        parts.append(f"![{env_id}, five moments of one episode]({picture(env_id)})")
    parts.append(table(["", ""], rows))
    if task.notes:
        parts.append(task.notes)
    if task.options:
        options = [[f"`{n}`", f"`{d}`", m] for n, d, m in task.options]
        parts.append(table(["option", "default", "meaning"], options))
    parts.append(f"Source: [`{task.file}`](../../{task.file}).")
    return "\n\n".join(parts)


def page(family: str, speeds: dict[str, Any]) -> str:
    """Write the page of a family."""
    specs = [palaestra.spec(i) for i in palaestra.env_ids()]
    specs = [s for s in specs if s.family == family]
    rows = [
        [
            f"[{s.id}](#{anchor(s.id)})",
            s.summary,
            f"`{s.observation}`",
            f"`{s.action}`",
            s.time_limit,
            s.oracle,
            speed_cell(s.id, speeds),
        ]
        for s in specs
    ]
    head = ["id", "task", "observation", "action", "limit", "oracle", "steps/s"]
    n = {row["n"] for i, row in speeds["steps"].items() if i in {s.id for s in specs}}
    facts = speeds["families"][family]
    measured = (
        f"Steps per CPU second of one thread, n = {', '.join(map(str, sorted(n)))}, random\n"
        f"actions, automatic resets on; {facts['cpu']}, {facts['compiler']}, load average\n"
        f"{facts['load_average']:.1f}. Again: `palaestra bench {BENCHES[family]}`."
    )
    return (
        "\n\n".join(
            [
                "<!-- made by docs/make_environment_pages.py: edit the sources it reads -->\n"
                f"# {TITLES[family]}",
                (NOTES / f"{family}.md").read_text().strip(),
                table(head, rows),
                measured,
                *[section(s.id) for s in specs],
            ]
        )
        + "\n"
    )


def pages() -> dict[Path, str]:
    """Contents of every page by its path."""
    speeds = json.loads(SPEEDS.read_text())
    families = sorted({palaestra.spec(i).family for i in palaestra.env_ids()})
    result = {FOLDER / f"{family}.md": page(family, speeds) for family in families}
    index = [
        [
            f"[{TITLES[f]}]({f}.md)",
            ", ".join(i for i in palaestra.env_ids() if palaestra.spec(i).family == f),
        ]
        for f in families
    ]
    result[FOLDER / "README.md"] = (
        "<!-- made by docs/make_environment_pages.py: edit the sources it reads -->\n"
        "# Environments\n\n"
        f"{table(['family', 'ids'], index)}\n\n"
        "Every id works in C++ (`envs::make`), on the command line (`palaestra rollout\n"
        "--env ID`), in Python (`palaestra.make_vec(ID, n)`) and in Gymnasium (`palaestra/ID`, a\n"
        "slash inside the id becoming a dot: `palaestra/dm_control.walker-walk`).\n"
        "`palaestra envs` lists them with their speed on the machine at hand.\n"
    )
    return result


def measure(families: list[str], passes: int) -> None:
    """Run the benchmarks of these families and keep what their pages show."""
    binary = os.environ.get("PALAESTRA_BIN", ROOT / "build/release/bin/palaestra")
    speeds = json.loads(SPEEDS.read_text())
    for family in families:
        documents = []
        for _ in range(passes):
            done = subprocess.run(
                [binary, "bench", *step_rows(family), "--json"],
                check=True,
                capture_output=True,
                text=True,
            )
            documents.append(json.loads(done.stdout))
        keep_speeds(speeds, family, middle_of(documents))
    SPEEDS.write_text(json.dumps(speeds, indent=2, sort_keys=True) + "\n")


def step_rows(family: str) -> list[str]:
    """What to ask `palaestra bench` for: the rows that are kept, where it measures those alone."""
    bench = BENCHES[family]
    if bench not in ("dm_control", "mujoco"):
        return [bench]
    ids = [i for i in palaestra.env_ids() if palaestra.spec(i).family == family]
    return [f"{i if i.startswith(bench) else f'{bench}/{i}'}/step" for i in ids]


def middle_of(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Of every row the pass in the middle, by its share of the limit (by its value without one).

    A machine that others share has bad seconds, and a row takes less than two.
    """
    rows, notes = [], {}
    for versions in zip(*(document["rows"] for document in documents), strict=True):
        order = sorted(
            range(len(documents)),
            key=lambda k: versions[k]["share_of_limit"] or versions[k]["value"],
        )
        middle = order[len(order) // 2]
        rows.append(versions[middle])
        name = versions[middle]["name"]
        notes[name] = documents[middle]["notes"][name]
    return documents[-1] | {"rows": rows, "notes": notes}


def keep_speeds(speeds: dict[str, Any], family: str, document: dict[str, Any]) -> None:
    """Put one family's figures in the place of older ones."""
    speeds["families"][family] = {
        "cpu": document["machine"]["cpu"],
        "load_average": document["machine"]["load_average"],
        "compiler": document["program"]["compiler"],
    }
    steps: dict[str, Any] = {}
    for row in document["rows"]:
        head, _, what = row["name"].rpartition("/")
        # mujoco/Hopper-v5/step, but dm_control/walker-walk/step, where all that is the id
        env_id = head if head in palaestra.env_ids() else head.partition("/")[2]
        if palaestra.spec(env_id).family != family:
            continue  # classic and stochastic tasks share a benchmark
        if what == "step" and row["n"] >= steps.get(env_id, row)["n"]:
            keep = ("value", "n", "share_of_limit")
            steps[env_id] = {key: row[key] for key in keep}
            steps[env_id]["limit_name"] = document["notes"][row["name"]]["limit"]
    speeds["steps"] |= steps


def main() -> None:
    """Measure if asked to, then write every page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--measure",
        nargs="*",
        metavar="FAMILY",
        choices=list(BENCHES),
        help="renew the speeds of these families (all) first",
    )
    parser.add_argument(
        "--passes", type=int, default=3, metavar="N", help="of each benchmark (3)"
    )
    arguments = parser.parse_args()
    if arguments.measure is not None:
        measure(arguments.measure or list(BENCHES), arguments.passes)
    for path, text in pages().items():
        path.write_text(text)
        print(path.relative_to(ROOT), file=sys.stderr)


if __name__ == "__main__":
    main()
