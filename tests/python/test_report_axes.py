"""Axes and titles of the pictures on the page of `palaestra reproduce`."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(__file__).parents[2] / "bindings" / "palaestra" / "_report"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that draws, which is run as a script and belongs to no package."""
    monkeypatch.syspath_prepend(REPORT)
    module: Any = importlib.import_module("figures")
    module.prepare()
    return module


@pytest.mark.parametrize(
    ("values", "powers", "shown"),
    [
        ([0.02, 0.3], True, True),
        ([1.02, 1.18], True, False),
        ([0.02, 0.3], False, False),
    ],
)
def test_powers_of_ten(
    figures: Any, values: list[float], powers: bool, shown: bool
) -> None:
    import matplotlib.pyplot as plt

    drawing, axes = plt.subplots()
    axes.plot(values)
    figures.scale(axes, {"log_y": powers})
    drawing.canvas.draw()
    bottom, top = axes.get_ylim()
    ticks = [
        label.get_text()
        for which in (False, True)
        for place, label in zip(
            axes.yaxis.get_ticklocs(minor=which),
            axes.yaxis.get_ticklabels(minor=which),
            strict=True,
        )
        if bottom <= place <= top and label.get_text()
    ]
    plt.close(drawing)
    assert len(ticks) >= 2
    assert all(("10^" in tick) == shown for tick in ticks)


def test_titles_fit_a_picture(figures: Any) -> None:
    words = "Divergence of the last policy's occupancy from the expert's: walker-walk"
    lines = figures.heading(words).split("\n")
    assert " ".join(lines) == words
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("options", "label", "steps"),
    [
        (
            ["--env", "x", "--set", "wrap.action_repeat=2"],
            "environment steps",
            [20, 40],
        ),
        (["--set", "wrap=action_repeat=4,resize=8"], "environment steps", [40, 80]),
        (["--env", "x"], "environment steps", [10, 20]),
        (["--set", "wrap.action_repeat=2"], "round", [10, 20]),
    ],
)
def test_repeated_actions_are_more_steps(
    figures: Any, options: list[str], label: str, steps: list[int]
) -> None:
    """Runs count the agent's steps; an axis of environment steps shows those."""
    run = {"curves": {"return": {"step": [10, 20], "value": [1.0, 2.0]}}}
    arm = figures.Arm("ours", "task", runs=[run], options=options)
    figure = {"y": "return", "x_label": label}
    found, shared, columns = figures.curve_of(arm, figure)
    assert [curve["step"] for curve in found] == [steps]
    assert shared == steps
    assert columns == [(1.0,), (2.0,)]


def test_warnings_are_told_once(figures: Any) -> None:
    spec = importlib.util.spec_from_file_location("page", REPORT / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    page: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    runs = [
        {"texts": {"warnings": "few <rounds>"}},
        {"texts": {"warnings": "few <rounds>"}},
    ]
    arms = [
        figures.Arm("ours", "task", runs=runs),
        figures.Arm("ours", "another", runs=runs[:1]),
        figures.Arm("theirs", "task", runs=[{"texts": {}}, {}]),
    ]
    shown = page.warnings(figures.Section("demo", "Demo", arms))
    assert shown.count("few &lt;rounds&gt;") == 1
    assert "ours, task; ours, another" in shown
    assert "theirs" not in shown
    assert page.warnings(figures.Section("demo", "Demo", arms[2:])) == ""
