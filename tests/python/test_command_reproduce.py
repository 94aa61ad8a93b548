"""`palaestra reproduce` and `palaestra report`: gates, resuming, failures, the page."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, environment, lines_of, palaestra, start, train
from demo_experiments import Page, arm, gate, reproduce, training, write


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
        tmp_path, arm("one"), arm("two", wrap="resize=8,8"), arm("three"),
        gate(), gate(id="others", arms=["one/CartPole", "three/CartPole"]),
        gate(id="told", kind="reported", statistic="mean", metric="steps_per_s",
             arms=["two/CartPole"], comparison=">="),
    )  # fmt: skip
    result = reproduce(file, "--out", tmp_path / "out")
    assert result.code == 3
    gates = {g["id"]: g for g in result.json["gates"]}
    assert gates["same"]["verdict"] == "failed"
    assert gates["same"]["measured"] is None
    assert "uint8 images" in gates["same"]["why"]
    assert gates["others"]["passed"]
    assert gates["told"]["verdict"] == "inconclusive"
    page = Page(tmp_path / "out/report.html")
    assert (
        "two, CartPole, seed 0 failed: exit code 2: palaestra: rollout: " in page.text
    )
    assert "Two rollouts are one <b>" in page.text  # escaped, so that it is seen


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("CartPole-v1", "CartPole-v2", "arm two/CartPole: unknown environment"),
        ("threads = 3", "thread = 3", "thread"),
    ],
)
def test_a_slip_in_an_arm_is_told_before_anything_runs(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    file = write(
        tmp_path, arm("one"), arm("two", threads=3).replace(right, wrong), gate()
    )
    result = reproduce(file, "--out", tmp_path / "out")
    assert result.code == 2
    assert said in result.err
    assert right.split(" ")[0] in result.err  # the nearest name
    assert not (tmp_path / "out").exists()


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


def test_a_report_replaces_pages_alone(tmp_path: Path) -> None:
    """A settings file or a device that --out names by mistake stays what it is."""
    run, page = tmp_path / "run", tmp_path / "page.html"
    assert train(run).code == 0
    for _ in range(2):
        result = palaestra("report", run, "--out", page, "--json")
        assert result.code == 0
        assert result.json == {"out": str(page), "folders": [str(run)]}
    config = (run / "config.toml").read_text()
    for out, message in (
        (run / "config.toml", "no page"),
        (run, "a folder"),
        (tmp_path / "nowhere" / "page.html", "no folder"),
        ("", "--out is empty"),
        ("/dev/full", "No space left"),
    ):
        refused = palaestra("report", run, "--out", out)
        assert refused.code == 2
        assert message in refused.err
    assert (run / "config.toml").read_text() == config
    assert Path("/dev/full").is_char_device()


def test_an_experiment_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    file = write(tmp_path, arm("one"), arm("two"), gate())
    result = reproduce(file, "--out", tmp_path)
    assert result.code == 2
    assert "--force moves aside" in result.err
    assert (tmp_path / "mine").read_text() == "mine"


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
