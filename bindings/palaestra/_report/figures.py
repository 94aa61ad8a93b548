"""What is drawn from runs: curves, bars, sweeps and scatters, with published points among them."""

from __future__ import annotations

import io
import itertools
import re
import textwrap
from typing import Any

from reading import Arm, Section, trimmed_mean
from words import text

# Okabe and Ito: told apart by colour-blind readers and in print
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
#: Inches: at this width letters keep a readable size on a telephone, and two stand side by side.
WIDTH, HEIGHT = 5.0, 3.3

_numbers = itertools.count(1)


def prepare() -> None:
    """Settle how everything is drawn."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "palaestra",
            "font.family": "sans-serif",
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "legend.fontsize": 9,
            "figure.constrained_layout.use": True,
        }
    )


def plain(words: str) -> str:
    """Text that matplotlib shows as it is: a dollar sign begins no formula."""
    return words.replace("$", r"\$")


def heading(words: str) -> str:
    """A title in as many lines as fit a picture's width."""
    return textwrap.fill(plain(words), 46)


def to_svg(figure: Any) -> str:
    """Turn a figure into SVG that stands inside a page, its ids like no other's."""
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    return re.sub(r'(id="|"#|url\(#)', rf"\g<1>f{next(_numbers)}-", drawn)


def figure_of(drawn: str, caption: str, label: str) -> str:
    """A picture with words for those who see it and for those who do not."""
    named = drawn.replace("<svg ", f'<svg role="img" aria-label="{text(label)}" ', 1)
    return f"<figure>{named}<figcaption>{text(caption)}</figcaption></figure>"


def colour_of(section: Section, method: str) -> str:
    """The colour that a method has everywhere on the page; grey for others."""
    methods = section.methods()
    if method not in methods:
        return "#6e7781"
    return COLOURS[methods.index(method) % len(COLOURS)]


def marker_of(section: Section, method: str) -> str:
    """The mark that a method has everywhere on the page; where colours recur, marks differ."""
    methods = section.methods()
    if method not in methods:
        return "*"
    round_, place = divmod(methods.index(method), len(MARKERS))
    return MARKERS[(place + round_) % len(MARKERS)]


def line_of(section: Section, method: str) -> str:
    """The stroke of a method's lines: whole for the first seven, then broken ones."""
    methods = section.methods()
    strokes = ["-", ":", "-."]
    return strokes[methods.index(method) // len(COLOURS) % len(strokes)]


def arms_of(section: Section, figure: dict[str, Any]) -> list[Arm]:
    """The arms that a figure shows."""
    tasks, methods = figure.get("tasks"), figure.get("methods")
    return [
        arm
        for arm in section.arms
        if (not tasks or arm.task in tasks) and (not methods or arm.method in methods)
    ]


def add_legend(drawing: Any, axes: Any) -> None:
    """Say which is which: within the axes, or below them where it would cover what is drawn."""
    _, names = axes.get_legend_handles_labels()
    if len(names) <= 5:
        axes.legend()
        return
    columns = 2 if max(map(len, names)) <= 28 else 1
    width, height = drawing.get_size_inches()
    drawing.set_size_inches(width, height + 0.19 * -(-len(names) // columns))
    drawing.legend(loc="outside lower left", ncols=columns)


def sources(points: list[dict[str, Any]]) -> str:
    """Where published points come from, as a sentence of the caption."""
    named = dict.fromkeys(f"{p['what']}: {p['source']}" for p in points)
    return f" Dashed or hollow: as published ({'; '.join(named)})." if named else ""


def draw_published(axes: Any, section: Section, points: list[dict[str, Any]]) -> None:
    """Draw published points dashed and hollow, in the colour of the method they belong to."""
    for one in points:
        errors = None
        if one["low"]:
            errors = [
                [y - low for y, low in zip(one["y"], one["low"], strict=True)],
                [high - y for y, high in zip(one["y"], one["high"], strict=True)],
            ]
        axes.errorbar(
            one["x"],
            one["y"],
            yerr=errors,
            color=colour_of(section, one["method"]),
            linestyle="--",
            linewidth=1.3,
            elinewidth=0.8,
            marker=marker_of(section, one["method"]),
            markersize=5,
            markerfacecolor="white",
            label=plain(one["what"]),
        )


ENVIRONMENT_STEPS = "environment steps"


def curve_of(
    arm: Arm, figure: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[float], list[tuple[float, ...]]]:
    """The runs' curves, the steps that all of them share, and their values there, by step.

    Runs count the agent's steps. Where the axis says so they become those of the environment.
    """
    times = arm.repeat() if figure["x_label"] == ENVIRONMENT_STEPS else 1
    found = [
        run["curves"][figure["y"]] for run in arm.runs if figure["y"] in run["curves"]
    ]
    found = [
        {"step": [times * step for step in curve["step"]], "value": curve["value"]}
        for curve in found
        if curve["step"]
    ]
    if not found:
        return [], [], []
    shared = set(found[0]["step"]).intersection(*(c["step"] for c in found[1:]))
    steps = sorted(shared)
    at = [dict(zip(c["step"], c["value"], strict=True)) for c in found]
    return found, steps, [tuple(values[step] for values in at) for step in steps]


def scale(axes: Any, figure: dict[str, Any]) -> None:
    """Give the y axis powers of ten where the figure asks for them.

    Within one power of ten the ticks are plain numbers: 1.2, not 1.2 x 10^0.
    """
    from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

    if not figure.get("log_y"):
        return
    axes.set_yscale("log", nonpositive="mask")
    bottom, top = axes.get_ylim()
    if top < 10 * bottom:
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        axes.yaxis.set_minor_locator(NullLocator())


def curves(section: Section, figure: dict[str, Any]) -> list[str]:
    """Draw one picture per task: a line per run, the interquartile mean in bold."""
    import matplotlib.pyplot as plt

    pictures = []
    shown = arms_of(section, figure)
    for task in dict.fromkeys(arm.task for arm in shown):
        drawing, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        published = section.published(figure["id"], task)
        drawn, most = [], 0  # most: points of the longest curve
        for arm in (a for a in shown if a.task == task):
            found, steps, columns = curve_of(arm, figure)
            if not found:
                continue
            colour = colour_of(section, arm.method)
            thin = {"color": colour, "linewidth": 0.6, "alpha": 0.35}
            most = max(most, *(len(run["step"]) for run in found))
            for run in found:  # a run of which only the end was kept is a dot
                mark = "." if len(run["step"]) == 1 else ""
                axes.plot(run["step"], run["value"], marker=mark, **thin)
            low, high = [min(c) for c in columns], [max(c) for c in columns]
            axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
            seeds = f"{len(found)} {'seeds' if len(found) > 1 else 'seed'}"
            middle = [trimmed_mean(list(c)) for c in columns]
            label = plain(f"{arm.method} ({seeds})")
            mark = marker_of(section, arm.method) if len(steps) == 1 else ""
            bold = {"color": colour, "linewidth": 2, "label": label, "marker": mark}
            axes.plot(steps, middle, line_of(section, arm.method), **bold)
            drawn.append(arm.method)
        if not drawn or (most < 2 and not published):
            plt.close(drawing)
            continue
        draw_published(axes, section, published)
        scale(axes, figure)
        axes.set_xlabel(plain(figure["x_label"] or "step"))
        axes.set_ylabel(plain(figure["y_label"] or figure["y"].replace("_", " ")))
        title = f"{figure['title']}: {task}" if figure["title"] else task
        axes.set_title(heading(title))
        axes.grid(alpha=0.25)
        add_legend(drawing, axes)
        caption = (
            "Bold: interquartile mean over seeds, at steps that all have; thin: each seed; "
            "shaded: their range."
        )
        label = f"{title}: {', '.join(drawn)}"
        pictures.append(figure_of(to_svg(drawing), caption + sources(published), label))
    return pictures


def name_beside(words: str) -> str:
    """A name in lines short enough to stand beside a row."""
    import textwrap

    return plain("\n".join(textwrap.wrap(words, 22)) or words)


def bars(section: Section, figure: dict[str, Any]) -> list[str]:
    """Draw the interquartile mean of each arm with its interval, a panel per task."""
    import matplotlib.pyplot as plt

    metric = figure["y"]
    shown = [arm for arm in arms_of(section, figure) if metric in arm.numbers]
    tasks = list(dict.fromkeys(arm.task for arm in shown))
    published = {task: section.published(figure["id"], task) for task in tasks}
    rows = {t: sum(a.task == t for a in shown) + len(published[t]) for t in tasks}
    if not tasks or max(rows.values()) < 2:
        return []
    heights = [0.75 + 0.36 * rows[task] for task in tasks]
    drawing, panels = plt.subplots(
        len(tasks),
        figsize=(WIDTH, 0.1 + sum(heights)),
        height_ratios=heights,
        squeeze=False,
    )
    for task, axes in zip(tasks, panels[:, 0], strict=True):
        names = []
        for arm in (a for a in shown if a.task == task):
            centre = arm.numbers[metric]["interquartile_mean"]
            ends = arm.numbers[metric]["interval"] or [centre, centre]
            row, colour = len(names), colour_of(section, arm.method)
            bar = {"linewidth": 6, "alpha": 0.3, "solid_capstyle": "butt"}
            axes.plot(ends, [row, row], color=colour, **bar)
            mark = {"markersize": 14, "markeredgewidth": 2.5}
            axes.plot([centre], [row], "|", color=colour, **mark)
            names.append(name_beside(arm.method))
        for one in published[task]:
            row, colour = len(names), colour_of(section, one["method"])
            if one["low"]:
                axes.plot(
                    [one["low"][0], one["high"][0]], [row, row], "--", color=colour
                )
            axes.plot(one["y"], [row], "D", color=colour, markerfacecolor="white")
            names.append(name_beside(one["what"]))
        axes.set_yticks(range(len(names)), names, fontsize=9)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_title(heading(task))
        axes.grid(axis="x", alpha=0.25)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[-1, 0].set_xlabel(plain(figure["x_label"] or metric.replace("_", " ")))
    caption = (
        f"{figure['title'] or metric.replace('_', ' ').capitalize()}. Marks: interquartile mean "
        "over seeds; bars: 95 % stratified bootstrap intervals."
    )
    points = [one for task in tasks for one in published[task]]
    label = f"{metric} of each arm with its interval"
    return [figure_of(to_svg(drawing), caption + sources(points), label)]


def sweep_points(
    arms: list[Arm], x: str, y: str
) -> list[tuple[float, float, tuple[float, float]]]:
    """Arms of one method as x, centre of y, and its interval, in order of x."""
    points = []
    for arm in arms:
        at = arm.position(x)
        if at is not None and y in arm.numbers:
            centre = arm.numbers[y]["interquartile_mean"]
            low, high = arm.numbers[y]["interval"] or (centre, centre)
            points.append((at, centre, (low, high)))
    return sorted(points)


def over(section: Section, figure: dict[str, Any]) -> list[str]:
    """Draw a number over another one or over a setting: a point per arm (sweep) or per run."""
    import matplotlib.pyplot as plt

    x, y = figure["x"], figure["y"]
    drawing, axes = plt.subplots(figsize=(WIDTH, WIDTH * 0.8))
    drawn = []
    for method in section.methods():
        arms = [arm for arm in arms_of(section, figure) if arm.method == method]
        look = {
            "color": colour_of(section, method),
            "marker": marker_of(section, method),
            "markersize": 5,
            "label": plain(method),
        }
        if figure["kind"] == "sweep":
            points = sweep_points(arms, x, y)
            if points:
                at, centres, intervals = zip(*points, strict=True)
                errors = [
                    [c - low for c, (low, _) in zip(centres, intervals, strict=True)],
                    [high - c for c, (_, high) in zip(centres, intervals, strict=True)],
                ]
                # an interquartile mean may lie beside its own bootstrap interval by rounding
                errors = [[max(e, 0.0) for e in side] for side in errors]
                axes.errorbar(
                    at, centres, yerr=errors, capsize=2, linewidth=1.6, **look
                )
                drawn.append(method)
            continue
        runs = [
            (run["numbers"][x], run["numbers"][y])
            for arm in arms
            for run in arm.runs
            if x in run["numbers"] and y in run["numbers"]
        ]
        if runs:
            at, values = zip(*runs, strict=True)
            axes.plot(at, values, linestyle="", alpha=0.75, **look)
            drawn.append(method)
    if not drawn:
        plt.close(drawing)
        return []
    published = section.published(figure["id"])
    draw_published(axes, section, published)
    scale(axes, figure)
    if figure["diagonal"]:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        ends = [max(left, bottom), min(right, top)]
        axes.plot(ends, ends, color="#6e7781", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xlabel(plain(figure["x_label"] or x.replace("_", " ")))
    axes.set_ylabel(plain(figure["y_label"] or y.replace("_", " ")))
    axes.set_title(heading(figure["title"]))
    axes.grid(alpha=0.25)
    add_legend(drawing, axes)
    caption = (
        "Interquartile mean over seeds with its 95 % bootstrap interval."
        if figure["kind"] == "sweep"
        else "A point per run."
    )
    if figure["diagonal"]:
        caption += " Dotted: where the two are equal."
    label = f"{figure['title']}: {', '.join(drawn)}"
    return [figure_of(to_svg(drawing), caption + sources(published), label)]


#: Figures that every page has where there is something to draw, like [[figure]] tables.
STANDARD: list[dict[str, Any]] = [
    {
        "id": "return",
        "kind": "curves",
        "title": "",
        "y": "return",
        "x_label": ENVIRONMENT_STEPS,
        "y_label": "mean return of the evaluations",
    },
    {
        "id": "final_return",
        "kind": "bars",
        "title": "Return at the end",
        "y": "final_return",
        "x_label": "return",
    },
]

DRAW = {"curves": curves, "bars": bars, "sweep": over, "scatter": over}


def all_figures(section: Section) -> str:
    """Every figure of a section, side by side where there is room."""
    asked = section.document.get("figures", [])
    parts = [p for figure in STANDARD for p in DRAW[figure["kind"]](section, figure)]
    for figure in asked:
        drawn = DRAW[figure["kind"]](section, figure)
        parts += drawn or [
            f'<p class="soft">Nothing to draw of "{text(figure["title"])}": no run of this '
            f"scale has {text(figure['y'])}"
            f"{text(' and ' + figure['x']) if figure['x'] else ''}.</p>"
        ]
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""
