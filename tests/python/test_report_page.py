"""The page of `palaestra reproduce` in a real browser: wide, on a telephone and on paper."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, Pixels, View, chromium, view
from command_line import palaestra

TRAIN = """
[[arm]]
method = "{method}"
task = "{task}"
command = "train"
seeds = 2
options = {{ env = "Pendulum-v1", steps = 400, set = {{ "sac.hidden" = "8,8", \
"sac.batch_size" = 8, learning_starts = 50, updates_per_step = 0.5, evaluate_every = 100, \
evaluate_episodes = 2, "sac.discount" = {discount} }} }}
"""

#: Every kind of thing that a page can show: two tasks, failed runs with a long message, each kind
#: of figure, published points in each, gates with every verdict that a first run can have.
EXPERIMENT = (
    """
name = "demo"
title = "A demonstration with a title that is long enough for two lines on a telephone"
claim = "Costs $3 & is <b>not</b> bold."
source = "this test"
cpu_s = 1
"""
    + TRAIN.format(method="ours", task="Pendulum-v1", discount=0.9)
    + TRAIN.format(method="ours", task="Pendulum-v1, far-sighted", discount=0.99)
    + TRAIN.format(method="ours $ varied", task="Pendulum-v1", discount=0.5)
    + TRAIN.format(
        method="ours $ varied", task="Pendulum-v1, far-sighted", discount=0.7
    )
    + """
[[arm]]
method = "broken"
task = "Pendulum-v1"
command = "rollout"
seeds = 1
options = { env = "DoubleIntegrator-v0", policy = "\
ARunWithAVeryLongNameThatHasNoPlaceToBreakALineAtAllAnywhere" }

[[arm]]
method = "random"
task = "HalfCheetah-v5"
command = "rollout"
seeds = 2
options = { env = "HalfCheetah-v5", n = 2, steps = 20 }

[[arm]]
method = "random"
task = "FrozenLake-v1"
command = "rollout"
seeds = 2
options = { env = "FrozenLake-v1", n = 2, steps = 20, env-options = "map_name=8x8" }

[[arm]]
method = "random"
task = "CartPole-v1, at full scale alone"
command = "rollout"
seeds = { full = 1 }
options = { env = "CartPole-v1", n = 2, steps = 20 }

[[figure]]
id = "sweep"
kind = "sweep"
title = "Return over the discount"
x = "sac.discount"
y = "final_return"
x_label = "discount"

[[figure]]
id = "asked"
kind = "scatter"
title = "Cost against return"
x = "final_return"
y = "final_return"
y_label = "the same"
diagonal = true

[[figure]]
id = "time"
kind = "scatter"
title = "Return against time"
x = "final_return"
y = "cpu_s"
log_y = true

[[figure]]
id = "nothing"
kind = "bars"
title = "A number that nobody has"
y = "no_such_number"

[[published]]
figure = "return"
task = "Pendulum-v1"
method = "ours"
what = "ours, published"
source = "Figure 1 of a paper, read off"
x = [100, 250, 400]
y = [-1500, -1200, -900]
low = [-1600, -1400, -1000]
high = [-1300, -1000, -850]

[[published]]
figure = "final_return"
task = "Pendulum-v1"
what = "another, published"
source = "Table 2 of a paper"
y = [-1000]
low = [-1100]
high = [-800]

[[published]]
figure = "sweep"
method = "ours"
what = "ours, published"
source = "Figure 4"
x = [0.5, 0.8, 0.99]
y = [-1400, -1300, -1200]

[[gate]]
id = "passes"
kind = "hard"
statement = "Two seeds of two arms end with a number"
source = "this test"
arms = ["ours/Pendulum-v1", "ours $ varied/Pendulum-v1"]
metric = "final_return"
statistic = "highest"
comparison = "<="
threshold = 0
seeds = 2

[[gate]]
id = "fails"
kind = "hard"
statement = "The broken one runs"
source = "this test"
arms = ["broken/Pendulum-v1"]
metric = "steps_per_s"
statistic = "mean"
comparison = ">="
threshold = 1
seeds = 1

[[gate]]
id = "told"
kind = "reported"
statement = "One is better than the other"
source = "a paper"
published = "0.8 of the time"
arms = ["ours/Pendulum-v1"]
against = ["ours $ varied/Pendulum-v1"]
metric = "final_return"
statistic = "improvement"
comparison = ">="
threshold = 0.5
seeds = 2
"""
)

#: What is wrong with a page as it is laid out, in words.
LOOK = """
(() => {
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    wrong.push(`wider than its window: ${root.scrollWidth} > ${root.clientWidth}`);
  if (matchMedia('print').matches)
    for (const part of document.querySelectorAll('.scroll, pre'))
      if (part.scrollWidth > part.clientWidth) wrong.push('cut off on paper: ' + part.className);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size < ids.length) wrong.push('an id is there twice');
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.querySelector(link.getAttribute('href'))) wrong.push('a link leads nowhere');
  for (const image of document.images)
    if (!image.complete || image.naturalWidth === 0) wrong.push('a picture is not there');
  for (const svg of document.querySelectorAll('svg')) {
    const edge = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll('text')].map(
      t => ({name: t.textContent.trim(), box: t.getBoundingClientRect()}));
    words.forEach(({name, box}, i) => {
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 ||
          box.bottom > edge.bottom + 1) wrong.push('cut off: ' + name);
      if (Math.min(box.width, box.height) < 8) wrong.push('too small to read: ' + name);
      for (const other of words.slice(i + 1))
        if (box.left < other.box.right - 1 && other.box.left < box.right - 1 &&
            box.top < other.box.bottom - 1 && other.box.top < box.bottom - 1)
          wrong.push(`on top of each other: ${name}, ${other.name}`);
    });
  }
  return wrong;
})()
"""


def blank(pixels: Pixels) -> bool:
    """Whether there is next to nothing on a picture, in some third of its height."""
    ink = np.any(pixels != pixels[0, 0], axis=2)
    thirds = np.array_split(ink, 3)
    return min(float(part.mean()) for part in thirds) < 0.002


def complaints(opened: View, screenshot: Path) -> list[str]:
    """Everything that is wrong with an open page; call once."""
    found: list[str] = opened.ask(LOOK)
    if blank(opened.screenshot(screenshot)):
        found.append("blank")
    opened.collect()
    asked = [u for u in opened.requests[1:] if not u.startswith("data:")]
    return found + opened.complaints + [f"asks for {url}" for url in asked]


def printed(pdf: bytes) -> tuple[int, int, int]:
    """Pages, pieces of text and pictures of a PDF file."""
    assert pdf.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    texts = pictures = 0
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(packed)
        except zlib.error:
            continue
        texts += len(re.findall(rb"\bT[jJ]\b", content))
        pictures += len(re.findall(rb"/\w+ Do\b", content))
    return pages, texts, pictures


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about the experiment above."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "demo.toml").write_text(EXPERIMENT)
    result = palaestra(
        *("reproduce", folder / "demo.toml", "--scale", "smoke", "--json"),
        *("--out", folder / "out"),
    )
    assert result.code == 3, result.err
    return folder / "out/report.html"


SIZES = [(1200, "screen"), (768, "screen"), (390, "screen"), (718, "print")]


@pytest.mark.parametrize(("width", "media"), SIZES)
def test_it_looks_right(
    browser: Browser, report: Path, tmp_path: Path, width: int, media: str
) -> None:
    """718 CSS pixels are what the margins leave of A4."""
    with view(browser, report, width, media) as opened:
        assert complaints(opened, tmp_path / "page.png") == []
        assert opened.requests == [report.as_uri()] or all(
            u.startswith("data:") for u in opened.requests[1:]
        )


def test_everything_is_on_it(browser: Browser, report: Path) -> None:
    with view(browser, report, 1200) as opened:
        words: str = opened.ask("document.body.innerText")
        drawn: list[str] = opened.ask(
            "[...document.querySelectorAll('svg')].map(s => s.textContent)"
        )
        images: list[str] = opened.ask("[...document.images].map(i => i.alt)")
        widths: list[int] = opened.ask("[...document.images].map(i => i.naturalWidth)")
    assert "Costs $3 & is <b>not</b> bold." in words
    assert "1 passed, 1 failed, 1 inconclusive" in words
    assert "ours, published: Figure 1 of a paper, read off" in words
    assert 'Nothing to draw of "A number that nobody has"' in words
    assert "accepted: random, zero" in words  # why the broken arm failed
    assert "the harness took" in words
    assert "No picture of DoubleIntegrator-v0" in words
    assert images == ["Pendulum-v1", "HalfCheetah-v5", "FrozenLake-v1"]
    assert all(100 <= width <= 320 for width in widths)
    assert len(drawn) == 6  # a curve for each task, bars, sweep, two scatters
    curve, _, bars, sweep, scatter, times = drawn
    for part in ("Pendulum-v1", "ours, published", "ours $ varied (2 seeds)"):
        assert part in curve
    assert "another, published" in bars
    assert "discount" in sweep
    assert "ours, published" in sweep
    assert "Cost against return" in scatter
    assert "Return against time" in times


def test_it_prints(browser: Browser, report: Path) -> None:
    with view(browser, report, 1200) as opened:
        pages, texts, pictures = printed(opened.pdf())
    assert 2 <= pages <= 8
    assert texts > 100
    assert pictures >= 3


BROKEN = {
    "wider than its window: ": '<div style="width:3000px;height:9px">x</div>',
    "asks for http://example.invalid/a.png": '<img src="http://example.invalid/a.png">',
    "a picture is not there": '<img src="data:image/png;base64,AAAA">',
    "console: oh": "<script>console.error('oh')</script>",
    "exception: Uncaught": "<script>throw new Error('oh')</script>",
    "an id is there twice": '<p id="a">x</p><p id="a">y</p>',
    "a link leads nowhere": '<a href="#nowhere">x</a>',
    "cut off: far out": '<svg width="90" height="50"><text x="80" y="30">far out</text></svg>',
    "too small to read: tiny": '<svg><text x="9" y="30" font-size="4">tiny</text></svg>',
    "on top of each other: a, b": (
        '<svg><text x="9" y="30">a</text><text x="9" y="30">b</text></svg>'
    ),
}


@pytest.mark.parametrize("expected", BROKEN)
def test_a_broken_page_is_noticed(
    browser: Browser, tmp_path: Path, expected: str
) -> None:
    """What the other tests rely on, without which they could not fail."""
    page = tmp_path / "page.html"
    head = "<!doctype html><meta name=viewport content='width=device-width'>"
    page.write_text(head + "words, words, words<br>" * 40 + BROKEN[expected])
    with view(browser, page, 390) as opened:
        found = complaints(opened, tmp_path / "page.png")
    assert any(words.startswith(expected) for words in found), found


def test_a_blank_page_is_noticed(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><body style='height:2000px'><p>One line.")
    with view(browser, page, 1200) as opened:
        assert complaints(opened, tmp_path / "page.png") == ["blank"]
        _, texts, _ = printed(opened.pdf())
    assert texts < 5


def test_what_is_too_wide_for_paper_is_noticed(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    wide = (
        "<div class=scroll style='overflow:auto'><div style='width:900px'>x</div></div>"
    )
    page.write_text("<!doctype html>" + "words, words, words<br>" * 40 + wide)
    with view(browser, page, 718, "print") as opened:
        assert complaints(opened, tmp_path / "page.png") == ["cut off on paper: scroll"]
    with view(browser, page, 718) as opened:
        assert complaints(opened, tmp_path / "page.png") == []


def test_pages_of_training_runs_and_of_several_experiments(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    out = report.parent
    run = out / "arms/ours/Pendulum-v1/seed-0/run"
    page = tmp_path / "report.html"
    result: Any = palaestra("report", out, run, "--out", page)
    assert result.code == 0, result.err
    for width, media in SIZES:
        with view(browser, page, width, media) as opened:
            assert complaints(opened, tmp_path / "page.png") == []
