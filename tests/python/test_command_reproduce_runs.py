"""`palaestra reproduce` when runs are killed, crash, or need something made before them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import BIN, palaestra, start
from demo_experiments import Page, arm, gate, reproduce, training, write


def processes_about(out: Path) -> list[int]:
    """Ids of the processes whose command line names a folder."""
    found = subprocess.run(
        ["pgrep", "-f", f"^[^ ]*palaestra train .*{out}"],
        check=False,
        capture_output=True,
        text=True,
    )
    return [int(word) for word in found.stdout.split()]


def running_children(process: subprocess.Popen[str]) -> int:
    """How many children of a process run a program of their own."""
    count = 0
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for child in children.read_text().split() if children.exists() else ():
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # waited for just now
            continue
        # one that has ended has no words left; one that has not begun has its parent's
        count += b"rollout" in words
    return count


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
    wait_until(
        lambda: len({p.parent for p in out.glob("arms/**/step-*.safetensors")}) == 2
    )
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


def test_short_runs_keep_every_core_busy(tmp_path: Path) -> None:
    """A run begins when one ends, not when all have."""
    out = tmp_path / "out"
    many = arm("one").replace("seeds = 2", "seeds = 60")
    file = write(tmp_path, many + gate(arms=["one/CartPole"], kind="reported"))
    process = start("reproduce", file, "--out", out, "--threads", "2")
    most = 0
    while process.poll() is None:
        ended = len(list(out.glob("arms/**/result.json")))
        most = max(most, running_children(process) if ended > 5 else 0)
    assert process.returncode == 0
    assert most == 2


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
options = {{ env = "CartPole-v1", steps = 1 }}

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


def cloning_gate() -> str:
    """Met by whatever a pendulum does."""
    return gate(
        arms=["cloning/Pendulum"],
        metric="final_return",
        statistic="mean",
        comparison="<=",
        threshold=0,
    ).replace("seeds = 2", "seeds = 1")


def test_products_are_made_once_before_the_arms(tmp_path: Path) -> None:
    """An expert and what it did: kept by --resume, made again where a command has changed."""
    out = tmp_path / "out"

    def run(seed: int, episodes: int, *arguments: str) -> Any:
        file = write(tmp_path, products(seed, episodes), cloning_gate())
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


def test_products_are_made_side_by_side(tmp_path: Path) -> None:
    """As many as there are cores; the second begins before or after the first has ended."""
    two = "".join(
        f"""
[[product]]
name = "{name}"
command = "train"
options = {{ env = "Pendulum-v1", steps = 600, set = {{ hidden = 8, evaluate_episodes = 1 }} }}

[[arm]]
method = "{name}"
task = "Pendulum"
command = "rollout"
options = {{ env = "Pendulum-v1", policy = "@{name}", n = 2, steps = 20 }}
seeds = 1
"""
        for name in ("one", "two")
    )
    file = write(
        tmp_path, two, gate(arms=["one/Pendulum"]).replace("seeds = 2", "seeds = 1")
    )
    for threads in (1, 2):
        out = tmp_path / f"out-{threads}"
        assert reproduce(file, "--out", out, "--threads", threads).code == 0
        made = out / "products"
        begun = (made / "two.output.txt").stat().st_mtime_ns
        ended = (made / "one/final.safetensors").stat().st_mtime_ns
        assert (begun < ended) == (threads == 2)


def test_nothing_is_left_of_a_product_that_is_made_again(tmp_path: Path) -> None:
    """Not even where another product fails before what was made of it is made again."""
    others = """
[[product]]
name = "others-v0"
command = "data collect"
options = {{ env = "Pendulum-v1", episodes = {episodes} }}

[[arm]]
method = "cloning others"
task = "Pendulum"
command = "train"
options = {{ agent = "bc", data = "@others-v0", steps = 50, set = {{ hidden = 8 }} }}
seeds = 1
"""
    demonstrations = '[[product]]\nname = "demos-v0"'
    out = tmp_path / "out"

    def run(seed: int, episodes: int) -> int:
        text = products(seed).replace(
            demonstrations, others.format(episodes=episodes) + demonstrations
        )
        file = write(tmp_path, text, cloning_gate())
        return reproduce(file, "--out", out, "--threads", 1, "--resume").code

    def returns() -> Any:
        result = out / "arms/cloning/Pendulum/seed-0/result.json"
        return json.loads(result.read_text())["numbers"]["final_return"]

    assert run(5, 1) == 0
    of_first = returns()
    # others-v0 fails when there is a new expert and no new demos-v0
    assert run(6, 0) == 2
    assert run(6, 1) == 0
    assert returns() != of_first


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
