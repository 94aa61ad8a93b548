"""`palaestra reproduce` and `palaestra report`: gates, resuming, failures, the page."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command_line import BIN, ROOT, environment, lines_of, palaestra, start, train

HEAD = """
name = "demo"
title = "A demonstration"
claim = "Two rollouts are one <b>"
source = "this test"
cpu_s = 1
"""

ROLLOUT = """
[[arm]]
method = "{method}"
task = "CartPole"
command = "rollout"
threads = {threads}
options = {{ env = "{env}", n = 8, steps = 50 }}
seeds = 2
"""

GATE = """
[[gate]]
id = "{id}"
kind = "{kind}"
statement = "{statement}"
source = "this test"
arms = {arms}
metric = "{metric}"
statistic = "{statistic}"
comparison = "{comparison}"
threshold = {threshold}
seeds = 2
"""


def arm(method: str, threads: int = 1, env: str = "CartPole-v1") -> str:
    return ROLLOUT.format(method=method, threads=threads, env=env)


def gate(**changes: Any) -> str:
    values = {
        "id": "same",
        "kind": "hard",
        "statement": "the hashes agree",
        "arms": ["one/CartPole", "two/CartPole"],
        "metric": "hash",
        "statistic": "distinct",
        "comparison": "==",
        "threshold": 1,
        **changes,
    }
    values["arms"] = json.dumps(values["arms"])
    return GATE.format(**values)


def write(folder: Path, *parts: str) -> Path:
    file = folder / "demo.toml"
    file.write_text(HEAD + "".join(parts))
    return file


def reproduce(*arguments: str | Path | int) -> Any:
    return palaestra("reproduce", "--json", "--scale", "smoke", *arguments)


class Page(HTMLParser):
    """What a page shows, and whether it needs anything beside itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(file.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                inside = (value or "").startswith(("#", "data:image/png;base64,"))
                assert inside, f"{tag} {name}={value}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def determinism(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The experiment `determinism` at its smallest."""
    out = tmp_path_factory.mktemp("reproduce") / "determinism"
    return out, reproduce("determinism", "--out", out)


def test_determinism_holds(determinism: tuple[Path, Any]) -> None:
    _, result = determinism
    assert result.code == 0, result.err
    gates = {g["id"]: g for g in result.json["gates"]}
    (done,) = result.json["experiments"]
    assert 0 < done["harness_cpu_s"] < done["cpu_s"]
    assert set(gates) == {"cart_pole", "half_cheetah", "sac"}
    for g in gates.values():
        assert g["kind"] == "hard"
        assert g["passed"] is True
        assert g["verdict"] == "passed"
        assert g["measured"] == 1
        assert g["seeds"] == [0]


def test_the_page_shows_everything_and_needs_nothing(
    determinism: tuple[Path, Any],
) -> None:
    out, _ = determinism
    page = Page(out / "report.html")
    assert page.open == []
    for part in ("3 passed", "SAC's trained weights are the same bytes", "7 threads"):
        assert part in page.text
    assert "palaestra train --env Pendulum-v1" in page.text
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", page.text)


def test_a_run_of_an_experiment_can_be_run_from_its_own_folder(
    determinism: tuple[Path, Any], tmp_path: Path
) -> None:
    out, _ = determinism
    run = out / "arms/7 threads/SAC on Pendulum-v1, 4 rows/seed-0/run"
    again = palaestra("train", "--config", run / "config.toml", "--out", tmp_path / "r")
    assert again.code == 0, again.err
    first, second = (r / "final.safetensors" for r in (run, tmp_path / "r"))
    assert first.read_bytes() == second.read_bytes()


def test_resuming_runs_only_what_has_no_result(
    determinism: tuple[Path, Any], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(determinism[0], out)
    kept = out / "arms/1 thread/CartPole-v1, 256 rows/seed-0/result.json"
    gone = out / "arms/2 threads/CartPole-v1, 256 rows/seed-0/result.json"
    damaged = out / "arms/3 threads/CartPole-v1, 256 rows/seed-0/result.json"
    before = kept.stat().st_mtime_ns
    gone.unlink()
    damaged.write_text(damaged.read_text()[:50])
    first = {f: f.stat().st_mtime_ns for f in out.glob("arms/*/SAC*/*/result.json")}
    refused = reproduce("determinism", "--out", out)
    assert refused.code == 2
    assert "--resume" in refused.err or "not empty" in refused.err
    result = reproduce("determinism", "--out", out, "--resume")
    assert result.code == 0, result.err
    assert kept.stat().st_mtime_ns == before
    assert gone.exists()
    assert json.loads(damaged.read_text())["problem"] == ""
    assert first == {f: f.stat().st_mtime_ns for f in first}


def test_a_failed_arm_fails_its_gate_and_is_on_the_page(tmp_path: Path) -> None:
    file = write(
        tmp_path, arm("one"), arm("two", env="NoSuch-v0"), arm("three"),
        gate(), gate(id="others", arms=["one/CartPole", "three/CartPole"]),
        gate(id="told", kind="reported", statistic="mean", metric="steps_per_s",
             arms=["two/CartPole"], comparison=">="),
    )  # fmt: skip
    result = reproduce(file, "--out", tmp_path / "out")
    assert result.code == 3
    gates = {g["id"]: g for g in result.json["gates"]}
    assert gates["same"]["verdict"] == "failed"
    assert gates["same"]["measured"] is None
    assert "NoSuch-v0" in gates["same"]["why"]
    assert gates["others"]["passed"]
    assert gates["told"]["verdict"] == "inconclusive"
    page = Page(tmp_path / "out/report.html")
    assert (
        "two, CartPole, seed 0 failed: exit code 2: palaestra: rollout: " in page.text
    )
    assert "Two rollouts are one <b>" in page.text  # escaped, so that it is seen


@pytest.mark.parametrize(
    ("kind", "strict", "code"),
    [
        ("hard", False, 3),
        ("provisional", False, 0),
        ("provisional", True, 3),
        ("reported", True, 0),
    ],
)
def test_exit_codes(tmp_path: Path, kind: str, strict: bool, code: int) -> None:
    statistic = {"statistic": "mean", "metric": "steps_per_s", "arms": ["one/CartPole"]}
    missed = gate(kind=kind, comparison="<=", threshold=-1, **statistic)
    file = write(tmp_path, arm("one"), missed)
    flags = ["--strict"] if strict else []
    result = reproduce(file, "--out", tmp_path / "out", *flags)
    assert result.code == code, result.err
    assert "expected <= -1, measured" in result.json["gates"][0]["why"]


def test_fewer_seeds_than_declared_is_a_failure(tmp_path: Path) -> None:
    file = write(tmp_path, arm("one"), arm("two"), gate())
    result = reproduce(file, "--out", tmp_path / "out", "--seeds", 1)
    assert result.code == 3
    assert "1 of 2 runs" in result.json["gates"][0]["why"]


TRAIN = """
[[arm]]
method = "ours"
task = "Pendulum"
command = "train"
seeds = 2
[arm.options]
env = "Pendulum-v1"
steps = {steps}
[arm.options.set]
hidden = "32,32"
evaluate_every = 500
evaluate_episodes = 1
checkpoint_every = 100
"""


def training(folder: Path, steps: int) -> Path:
    """An experiment of two trainings of some seconds."""
    ends = {"metric": "final_return", "statistic": "mean", "comparison": "<="}
    return write(
        folder, TRAIN.format(steps=steps), gate(arms=["ours/Pendulum"], **ends)
    )


def processes_about(out: Path) -> list[int]:
    """Ids of the processes whose command line names a folder."""
    found = subprocess.run(
        ["pgrep", "-f", f"^[^ ]*palaestra train .*{out}"],
        check=False,
        capture_output=True,
        text=True,
    )
    return [int(word) for word in found.stdout.split()]


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_an_experiment_that_is_killed_goes_on(
    tmp_path: Path, sent: signal.Signals
) -> None:
    file, out = training(tmp_path, 2000), tmp_path / "out"
    process = start(
        "reproduce", file, "--scale", "smoke", "--out", out, "--threads", "2"
    )
    wait_until(lambda: list(out.glob("arms/**/step-*.safetensors")))
    assert len(processes_about(out)) == 2
    process.send_signal(sent)
    process.wait(timeout=60)
    if sent == signal.SIGTERM:
        assert process.returncode == 130
    # no process of it is left behind, and not because they had come to their end
    wait_until(lambda: not processes_about(out))
    assert not list(out.glob("arms/**/final.safetensors"))
    result = reproduce(file, "--out", out, "--resume")
    assert result.code == 0, result.err
    for kept in out.glob(
        "arms/**/result.json"
    ):  # what a run cost before it was cut counts too
        meta = json.loads((kept.parent / "run/meta.json").read_text())
        assert len(meta["sessions"]) == 2
        assert json.loads(kept.read_text())["cpu_s"] >= meta["cpu_s"]
    whole = tmp_path / "whole"
    assert reproduce(file, "--out", whole).code == 0
    for seed in (0, 1):
        run = f"arms/ours/Pendulum/seed-{seed}/run/final.safetensors"
        assert (out / run).read_bytes() == (whole / run).read_bytes()


def test_a_run_that_crashes_is_told_and_tried_again(tmp_path: Path) -> None:
    """As a run does that the system kills for memory: the others and the report are whole."""
    file, out = training(tmp_path, 1000), tmp_path / "out"
    process = start(
        "reproduce", file, "--scale", "smoke", "--out", out, "--threads", "2"
    )
    wait_until(lambda: len(list(out.glob("arms/**/step-*.safetensors"))) >= 2)
    os.kill(processes_about(out)[0], signal.SIGKILL)
    assert process.wait(timeout=60) == 3
    page = Page(out / "report.html")
    assert "ours, Pendulum, seed" in page.text
    assert "failed: ended by signal 9" in page.text
    results = json.loads((out / "results.json").read_text())
    assert "ended by signal 9" in results["gates"][0]["why"]
    runs = results["arms"][0]["runs"]
    assert sorted(run["problem"] for run in runs) == ["", "ended by signal 9"]
    result = reproduce(file, "--out", out, "--resume")
    assert result.code == 0, result.err


def test_every_run_is_of_one_program(tmp_path: Path) -> None:
    """Also where another build takes the file's place in the middle, or it is removed."""
    program = tmp_path / "palaestra"
    shutil.copy(BIN, program)
    file, out = training(tmp_path, 400), tmp_path / "out"
    arguments = ["reproduce", file, "--scale", "smoke", "--out", out, "--threads", "1"]
    process = subprocess.Popen(
        [program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: list(out.glob("arms/**/run")))
    program.unlink()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "No picture" not in Page(out / "report.html").text


def test_the_harness_takes_next_to_nothing(tmp_path: Path) -> None:
    """Its own processor time, beside that of the trainings it starts and watches."""
    file, out = training(tmp_path, 10_000), tmp_path / "out"
    process = start(
        "reproduce", file, "--scale", "smoke", "--out", out, "--json", "--quiet"
    )
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    (done,) = json.loads(said)["experiments"]
    kept = json.loads((out / "results.json").read_text())
    assert kept["harness_cpu_s"] == done["harness_cpu_s"]
    assert done["cpu_s"] > 2  # long enough to say something
    assert 0 < done["harness_cpu_s"] < 0.01 * done["cpu_s"]


def test_published_points_are_kept_with_the_results(tmp_path: Path) -> None:
    published = """
[[figure]]
id = "speed"
kind = "bars"
title = "Speed"
y = "steps_per_s"

[[published]]
figure = "speed"
task = "CartPole"
method = "one"
what = "theirs"
source = "Table 1"
y = [12]
"""
    out = tmp_path / "out"
    file = write(tmp_path, arm("one"), arm("two"), published, gate())
    assert reproduce(file, "--out", out).code == 0
    results = json.loads((out / "results.json").read_text())
    assert [f["id"] for f in results["figures"]] == ["speed"]
    assert results["published"] == [
        {
            **{"figure": "speed", "what": "theirs", "source": "Table 1"},
            **{"task": "CartPole", "method": "one"},
            **{"x": [], "y": [12], "low": [], "high": []},
        }
    ]
    assert results["arms"][0]["command"] == "rollout"
    assert results["arms"][0]["options"][:2] == ["--env", "CartPole-v1"]
    page = Page(out / "report.html")
    assert "Speed. Marks" in page.text
    assert "theirs: Table 1" in page.text


def test_list_shows_names_claims_and_cost() -> None:
    result = palaestra("reproduce", "--list", "--json")
    assert result.code == 0
    names = [e["name"] for e in result.json]
    assert names == [
        "ailboost",
        "ailboost_wide",
        "determinism",
        "doc",
        "experts",
        "lipschitz",
        "sac",
        "throughput",
    ]
    for e in result.json:
        assert e["claim"]
        assert e["cost"]["smoke"] <= e["cost"]["quick"] <= e["cost"]["full"]
        assert e["gates"]
    shown = palaestra("reproduce", "--list").out
    assert all(name in shown for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["determinsm"], 'did you mean "determinism"'),
        ([], "which experiment?"),
        (["determinism", "--scale", "tiny"], "accepted: smoke, quick, full"),
        (["determinism", "--seeds", "-1"], "--seeds is -1"),
        (["nothing.toml"], "nothing.toml"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = palaestra("reproduce", *arguments, "--out", tmp_path / "out", cwd=tmp_path)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "out").exists()


def test_another_scale_does_not_resume(tmp_path: Path) -> None:
    file = write(tmp_path, arm("one"), arm("two"), gate())
    assert reproduce(file, "--out", tmp_path / "out").code == 0
    other = palaestra(
        "reproduce", file, "--scale", "quick", "--out", tmp_path / "out", "--resume"
    )
    assert other.code == 2
    assert 'of scale "smoke", not quick' in other.err


PRODUCTS = """
[[product]]
name = "expert"
command = "train"
options = {{ env = "Pendulum-v1", steps = 300, seed = {seed}, set = {{ {tiny}, batch_size = 8 }} }}

[[product]]
name = "demos-v0"
command = "data collect"
options = {{ env = "Pendulum-v1", policy = "@expert", episodes = {episodes} }}

[[product]]
name = "unused"
command = "train"
options = {{ env = "Nowhere-v0", steps = 1 }}

[[arm]]
method = "cloning"
task = "Pendulum"
command = "train"
options = {{ agent = "bc", data = "@demos-v0", steps = 50, set = {{ {tiny} }} }}
seeds = 1
"""


def products(seed: int = 0, episodes: int = 1) -> str:
    tiny = "hidden = 8, evaluate_episodes = 1"
    return PRODUCTS.format(seed=seed, episodes=episodes, tiny=tiny)


def test_products_are_made_once_before_the_arms(tmp_path: Path) -> None:
    """An expert and what it did: kept by --resume, made again where a command has changed."""
    out = tmp_path / "out"

    def run(seed: int, episodes: int, *arguments: str) -> Any:
        file = write(
            tmp_path,
            products(seed, episodes),
            gate(
                arms=["cloning/Pendulum"],
                metric="final_return",
                statistic="mean",
                comparison="<=",
                threshold=0,
            ).replace("seeds = 2", "seeds = 1"),
        )
        result = reproduce(file, "--out", out, *arguments)
        assert result.code == 0, result.err
        return json.loads((out / "results.json").read_text())

    def times() -> dict[str, int]:
        made = {
            name: out / "products" / name for name in ("expert.json", "demos-v0.json")
        }
        measured = out / "arms/cloning/Pendulum/seed-0/result.json"
        return {
            name: file.stat().st_mtime_ns
            for name, file in {**made, "arm": measured}.items()
        }

    first = run(5, 1)
    assert [product["name"] for product in first["products"]] == ["expert", "demos-v0"]
    assert "--policy products/expert" in first["products"][1]["command"]
    assert "--data products/demos-v0" in first["arms"][0]["runs"][0]["command"]
    assert first["products"][0]["command"] in Page(out / "report.html").text
    # typed in the folder, the commands do what they did
    command = first["products"][1]["command"].split()[1:]
    command[-1] = "again-v0"
    assert palaestra(*command, cwd=out).code == 0
    steps = palaestra("data", "info", out / "products/demos-v0", "--json").json["steps"]
    assert steps == 200

    before = times()
    run(5, 1, "--resume")
    assert times() == before
    run(5, 2, "--resume")  # other demonstrations, of the same expert
    middle = times()
    assert middle["expert.json"] == before["expert.json"]
    assert middle["demos-v0.json"] > before["demos-v0.json"]
    assert middle["arm"] > before["arm"]
    steps = palaestra("data", "info", out / "products/demos-v0", "--json").json["steps"]
    assert steps == 400
    run(6, 2, "--resume")  # another expert: everything is made of it
    assert all(later > middle[name] for name, later in times().items())


def test_a_product_that_cannot_be_made(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        products(episodes=0),
        gate(arms=["cloning/Pendulum"]).replace("seeds = 2", "seeds = 1"),
    )
    result = reproduce(file, "--out", tmp_path / "out")
    assert result.code == 2
    assert (
        "needs demos-v0, which could not be made: palaestra: data collect:"
        in result.err
    )


def test_a_report_of_training_runs(tmp_path: Path) -> None:
    runs = [tmp_path / "a", tmp_path / "b"]
    for seed, run in enumerate(runs):
        assert train(run, "--seed", str(seed)).code == 0
    out = tmp_path / "report.html"
    assert palaestra("report", *runs, "--out", out).code == 0
    page = Page(out)
    assert "sac" in page.text
    assert "Pendulum-v1" in page.text
    last = [lines_of(run / "eval.jsonl")[-1]["return_mean"] for run in runs]
    assert f"{sum(last) / 2:,.0f}" in page.text
    bad = palaestra("report", tmp_path, "--out", out)
    assert bad.code == 2
    assert "neither the folder of" in bad.err


def test_the_page_about_it_shows_an_experiment_that_runs(tmp_path: Path) -> None:
    """The examples of docs/reproduce.md, put together, with a published curve."""
    text = (ROOT / "docs/reproduce.md").read_text()
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (whole,) = (b for b in blocks if b.startswith("name ="))
    parts = [b for b in blocks if b.startswith(("[[figure]]", "[[published]]"))]
    assert len(parts) == 2
    file = tmp_path / "mine.toml"
    file.write_text("\n".join([whole, *parts]))
    result = reproduce(file, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    page = Page(tmp_path / "out/report.html")
    assert "plain, published: Figure 3 of the paper, read off by eye" in page.text
    assert "Return over its cost" in page.text
    assert "CPU seconds" in page.text


def test_without_matplotlib_there_are_results_and_a_remark(tmp_path: Path) -> None:
    file = write(tmp_path, arm("one"), arm("two"), gate())
    result = palaestra(
        "reproduce", file, "--scale", "smoke", "--out", tmp_path / "out",
        env={**environment(), "PALAESTRA_PYTHON": "/bin/false"},
    )  # fmt: skip
    assert result.code == 0
    assert "no report" in result.err
    assert (tmp_path / "out/results.json").exists()
