"""`palaestra train` cut and resumed: the same bits, and nothing else taken for the same run."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import palaestra as package
import pytest
from command_line import TINY, bits_of, files_in, palaestra, start, train


def wait_for(condition: Any, process: subprocess.Popen[str]) -> None:
    """Wait until a condition holds or the process ends."""
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_resume_refuses_other_settings(whole_run: Path) -> None:
    for change in (["--set", "tau=0.1"], ["--seed", "9"], ["--n", "2"]):
        result = palaestra("train", "--resume", "--out", whole_run, *change)
        assert result.code == 2
        assert "only steps may grow" in result.err
        key = change[1].split("=")[0] if change[0] == "--set" else change[0][2:]
        assert key in result.err


def test_resume_refuses_a_config_that_was_altered(tmp_path: Path) -> None:
    """The bits would no longer be those that config.toml stands for."""
    run = tmp_path / "run"
    assert train(run).code == 0
    config = run / "config.toml"
    for was, altered in (("seed = 0", "seed = 3"), ("steps = 400", "steps = 300")):
        text = config.read_text()
        assert f"\n{was}" in text
        config.write_text(text.replace(f"\n{was}", f"\n{altered}", 1))
        before = bits_of(run)
        (run / "final.safetensors").rename(run / "kept")
        result = palaestra("train", "--resume", "--out", run)
        assert result.code == 2
        assert f"{altered.partition(' ')[0]} was" in result.err
        (run / "kept").rename(run / "final.safetensors")
        assert bits_of(run) == before
        config.write_text(text)
    assert palaestra("train", "--resume", "--out", run, "--steps", 500).code == 0


def test_a_log_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(run).code == 0
    (run / "metrics.jsonl").unlink()
    result = palaestra("train", "--resume", "--out", run, "--steps", 500)
    assert result.code == 2
    assert "metrics.jsonl" in result.err
    assert not (run / "metrics.jsonl").exists()


def test_more_steps(tmp_path: Path, whole_run: Path) -> None:
    """A shorter run that is given more steps becomes the longer one."""
    run = tmp_path / "run"
    short = ["200" if a == "400" else a for a in TINY]
    assert palaestra("train", *short, "--out", run).code == 0
    result = palaestra("train", "--resume", "--out", run, "--steps", "400")
    assert result.code == 0, result.err
    assert bits_of(run) == bits_of(whole_run)
    assert "going on from step 200" in result.err


LONG = ["40000" if a == "400" else a for a in TINY]
LONG += ["--set", "evaluate_every=10000", "--set", "checkpoint_every=10000"]
NO_PICTURE = {"PALAESTRA_PYTHON": "/bin/false"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C ends with code 130 behind a checkpoint; from there the run goes on unchanged."""
    run = tmp_path / "run"
    process = start("train", *LONG, "--out", run, "--json")
    wait_for(lambda: (run / "metrics.jsonl").exists(), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    document = json.loads(out)
    assert document["complete"] is False
    assert document["steps"] < 40000
    assert Path(document["weights"]).exists()
    assert "--resume" in err
    assert not (run / "final.safetensors").exists()
    assert json.loads((run / "meta.json").read_text())["complete"] is False
    result = palaestra("train", "--resume", "--out", run, env=NO_PICTURE)
    assert result.code == 0, result.err
    unbroken = palaestra("train", *LONG, "--out", tmp_path / "whole", env=NO_PICTURE)
    assert unbroken.code == 0
    assert bits_of(run) == bits_of(tmp_path / "whole")
    assert len(json.loads((run / "meta.json").read_text())["sessions"]) == 2


@pytest.mark.parametrize("trial", range(4))
def test_kill_9_at_a_random_moment(tmp_path: Path, whole_run: Path, trial: int) -> None:
    """Killed again and again, the run ends with the bytes of the unbroken one."""
    run, moments = tmp_path / "run", random.Random(trial)
    kills = 0
    arguments = ["train", *TINY, "--out", run, "--resume", "--threads", 1 + trial % 3]
    for _ in range(10):
        before = set(run.glob("checkpoints/step-*"))
        process = start(*arguments, env=NO_PICTURE)
        deadline = time.monotonic() + moments.uniform(0.005, 0.15)
        while (
            process.poll() is None
            and time.monotonic() < deadline
            # on a machine that is fast the run may be over before that moment
            and set(run.glob("checkpoints/step-*")) <= before
        ):
            time.sleep(0.0005)
        if process.poll() is None:
            process.kill()
            kills += 1
            process.communicate()
            continue
        process.communicate()
        assert process.returncode == 0
    result = train(run, "--resume")
    assert result.code == 0, result.err
    assert kills > 0
    assert bits_of(run) == bits_of(whole_run)
    assert (run / "curve.png").exists()
    assert not [name for name in files_in(run) if "tmp" in name]


def test_two_processes_cannot_write_to_one_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    long = ["200000" if a == "400" else a for a in TINY]
    process = start("train", *long, "--out", run)
    wait_for(lambda: (run / "metrics.jsonl").exists(), process)
    result = palaestra("train", "--resume", "--out", run, "--steps", "300000")
    assert result.code == 2
    assert "another process" in result.err
    assert palaestra("train", *TINY, "--out", run, "--force").code == 2
    process.kill()
    process.communicate()


def damage(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "truncated":
        data = data[: len(data) - 10]
    elif how == "empty":
        data = bytearray()
    else:
        data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "altered", "empty"])
def test_a_damaged_checkpoint(whole_run: Path, tmp_path: Path, how: str) -> None:
    """Exit code 2, the file is named, and nothing is overwritten."""
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    (run / "final.safetensors").unlink()
    newest = run / "checkpoints" / "step-000000400.safetensors"
    damage(newest, how)
    before = {file: (run / file).read_bytes() for file in files_in(run)}
    result = palaestra("train", "--resume", "--out", run)
    assert result.code == 2, result.err
    assert newest.name in result.err
    assert {file: (run / file).read_bytes() for file in files_in(run)} == before
    result = palaestra("eval", run)
    assert result.code == 2
    assert newest.name in result.err


@pytest.mark.parametrize("file", ["meta.json", "eval.jsonl"])
def test_what_cannot_go_on_is_left_as_it_is(
    whole_run: Path, tmp_path: Path, file: str
) -> None:
    """More steps would change config.toml, and a line without a checkpoint be cut."""
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    (run / file).write_text('{"x":1')
    with (run / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"step": 401}\n')
    before = {name: (run / name).read_bytes() for name in files_in(run)}
    result = palaestra("train", "--resume", "--out", run, "--steps", 500)
    assert result.code == 2, result.err
    assert file in result.err
    assert {name: (run / name).read_bytes() for name in files_in(run)} == before


def test_a_run_that_went_on_is_read_where_it_is(tmp_path: Path) -> None:
    """A final.safetensors that more steps have left behind is not the run's agent any more."""
    run = tmp_path / "run"
    assert train(run).code == 0
    final, old, new = (run / "final.safetensors", tmp_path / "old", tmp_path / "new")
    shutil.copy(final, old)
    assert palaestra("train", "--resume", "--out", run, "--steps", 464).code == 0
    shutil.copy(final, new)
    newest = run / "checkpoints" / "step-000000464.safetensors"

    def played(what: Path) -> tuple[list[float], Path]:
        result = palaestra("eval", what, "--episodes", 3, "--json")
        assert result.code == 0, result.err
        return result.json["returns"], Path(result.json["weights"])

    complete, weights = played(run)
    assert weights == final
    shutil.copy(old, final)  # as while the longer run has not ended
    assert played(run) == (complete, newest)
    assert package.load(run).weights == newest
    rollout = ["rollout", "--env", "Pendulum-v1", "--steps", 50, "--json", "--policy"]
    hashes = [palaestra(*rollout, what).json["hash"] for what in (run, newest, final)]
    assert hashes[0] == hashes[1] != hashes[2]
    returns, weights = played(final)  # a file is what was asked for
    assert weights == final
    assert returns != complete
    damage(final, "altered")
    assert palaestra("eval", run).code == 2
    shutil.copy(new, final)
    assert played(run) == (complete, final)


def test_a_damaged_agent(whole_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    damage(run / "final.safetensors", "altered")
    for command in (
        ["eval", run],
        ["rollout", "--env", "Pendulum-v1", "--policy", run],
    ):
        result = palaestra(*command)
        assert result.code == 2
        assert "final.safetensors" in result.err
        assert result.out == ""
