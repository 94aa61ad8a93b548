"""`palaestra train`: run folders, exact resume, and what happens when things go wrong."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest
import tomllib
from command_line import (
    BIN,
    TIMES,
    TINY,
    bits_of,
    environment,
    events_of,
    files_in,
    lines_of,
    palaestra,
    train,
)


def test_run_folder(whole_run: Path) -> None:
    """A run folder holds what the contract lists, and nothing else."""
    (events,) = whole_run.glob("events.out.tfevents.*")
    checkpoints = {f"checkpoints/step-000000{step}.safetensors" for step in (384, 400)}
    assert files_in(whole_run) == checkpoints | {
        "config.toml",
        "meta.json",
        "metrics.jsonl",
        "eval.jsonl",
        events.name,
        "final.safetensors",
        "curve.png",
    }
    assert (whole_run / "curve.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    steps = [row["step"] for row in lines_of(whole_run / "metrics.jsonl")]
    assert steps == [60, 120, 180, 240, 300, 360, 400]
    evaluations = lines_of(whole_run / "eval.jsonl")
    assert [row["step"] for row in evaluations] == [150, 300, 400]
    for row in evaluations:
        assert set(row) == {
            *("step", "return_mean", "return_std", "length_mean"),
            *("seeds", "returns", "lengths"),
        }
        assert row["return_mean"] == pytest.approx(sum(row["returns"]) / 2)


def test_metrics_have_returns_losses_and_rates(whole_run: Path) -> None:
    last = lines_of(whole_run / "metrics.jsonl")[-1]
    names = {"step", "updates", "episodes", "return_mean", "length_mean", *TIMES}
    assert names <= set(last)
    assert any("critic" in name for name in last)
    assert any("actor" in name for name in last)
    assert last["updates"] == 175
    assert all(last[name] > 0 for name in TIMES)


def test_meta(whole_run: Path) -> None:
    meta = json.loads((whole_run / "meta.json").read_text())
    assert meta["complete"] is True
    assert meta["steps"] == 400
    assert meta["threads"] == 1
    assert meta["start"] <= meta["end"]
    assert meta["cpu_s"] > 0
    assert len(meta["sessions"]) == 1
    assert meta["machine"]["cpu"]
    assert meta["matrix_kernels"]["isa"] in ("avx2", "avx512")
    for name in ("version", "commit", "compiler", "instruction_set", "mujoco"):
        assert meta[name]


def test_tensorboard(whole_run: Path) -> None:
    """The event file holds the same numbers as the logs, with checksums that agree."""
    (file,) = whole_run.glob("events.out.tfevents.*")
    first, *events = events_of(file)
    assert first.version == "brain.Event:2"
    training = [event for event in events if "updates" in event.values]
    rows = lines_of(whole_run / "metrics.jsonl")
    assert [event.step for event in training] == [row["step"] for row in rows]
    for event, row in zip(training, rows, strict=True):
        for name, value in event.values.items():
            if row[name] is not None:
                assert value == pytest.approx(row[name], rel=1e-6)
    evaluated = [event for event in events if "eval/return_mean" in event.values]
    assert [event.step for event in evaluated] == [150, 300, 400]


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(
    whole_run: Path, tmp_path: Path, threads: int
) -> None:
    assert train(tmp_path / "run", "--threads", str(threads)).code == 0
    assert bits_of(tmp_path / "run") == bits_of(whole_run)


def test_many_environments_and_threads(tmp_path: Path) -> None:
    """Batches large enough to be cut over the threads."""
    runs = []
    for threads in (1, 3):
        run = tmp_path / str(threads)
        extra = ["--n", "600", "--set", "steps=6000", "--set", "updates_per_step=0.01"]
        arguments = [a for a in TINY if a not in ("--steps", "400")]
        result = palaestra(
            *("train", *arguments, *extra, "--out", run, "--threads", str(threads))
        )
        assert result.code == 0, result.err
        runs.append(bits_of(run))
    assert runs[0] == runs[1]


def test_config_fed_back(whole_run: Path, tmp_path: Path) -> None:
    """config.toml says everything: fed back it gives the same bits."""
    config = tomllib.loads((whole_run / "config.toml").read_text())
    assert config["env"] == "Pendulum-v1"
    assert config["sac"]["hidden"] == [8, 8]
    assert config["sac"]["discount"] == 0.99  # a default
    result = palaestra(
        "train", "--config", whole_run / "config.toml", "--out", tmp_path / "again"
    )
    assert result.code == 0, result.err
    assert bits_of(tmp_path / "again") == bits_of(whole_run)
    again = (tmp_path / "again" / "config.toml").read_bytes()
    assert again == (whole_run / "config.toml").read_bytes()


def test_command_line_wins_over_the_file(whole_run: Path, tmp_path: Path) -> None:
    result = palaestra(
        *(
            "train",
            "--config",
            whole_run / "config.toml",
            "--seed",
            "5",
            "--steps",
            "100",
        ),
        *("--set", "tau=0.5", "--out", tmp_path / "run"),
    )
    assert result.code == 0, result.err
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert (config["seed"], config["steps"], config["sac"]["tau"]) == (5, 100, 0.5)


def test_json(tmp_path: Path) -> None:
    result = train(tmp_path / "run", "--json")
    assert result.code == 0
    document = result.json
    assert set(document) == {
        *("run", "env", "agent", "seed", "steps", "complete", "return_mean", "returns"),
        *("cpu_s", "wall_s", "weights", "warnings"),
    }
    assert document["complete"] is True
    assert document["warnings"] == []
    assert Path(document["weights"]).name == "final.safetensors"
    assert (
        document["returns"] == lines_of(tmp_path / "run" / "eval.jsonl")[-1]["returns"]
    )
    # a run that is complete already says the same
    again = train(tmp_path / "run", "--resume", "--json")
    assert again.code == 0
    assert again.json == document
    assert "nothing to do" in again.err


def test_an_existing_folder_is_refused(whole_run: Path) -> None:
    before = {file: (whole_run / file).read_bytes() for file in files_in(whole_run)}
    result = train(whole_run)
    assert result.code == 2
    assert "--resume" in result.err
    assert "--force" in result.err
    assert {
        file: (whole_run / file).read_bytes() for file in files_in(whole_run)
    } == before


def test_force_moves_the_old_folder_aside(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "mine.txt").write_text("precious")
    result = train(run, "--force")
    assert result.code == 0, result.err
    assert (tmp_path / "run.1" / "mine.txt").read_text() == "precious"
    assert "run.1" in result.err
    assert train(run, "--force").code == 0
    assert (tmp_path / "run.2" / "final.safetensors").exists()
    assert (run / "final.safetensors").exists()


def test_force_and_resume_exclude_each_other(tmp_path: Path) -> None:
    assert train(tmp_path / "run", "--force", "--resume").code == 2
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("mine")
    result = train(file)
    assert result.code == 2
    assert "is a file" in result.err
    assert file.read_text() == "mine"


def limited(size: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run with a limit on the size of files: writing beyond it fails as on a full disk."""
    return subprocess.run(
        [BIN, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


def test_a_full_disk(tmp_path: Path) -> None:
    """Exit code 2, and the checkpoints before are whole: with room again the run goes on."""
    run = tmp_path / "run"
    growing = [
        *("--env", "Pendulum-v1", "--steps", "2000", "--set", "updates_per_step=0"),
        *("--set", "sac.hidden=8,8", "--set", "evaluate_episodes=0"),
        *("--set", "checkpoint_every=100"),
    ]
    result = limited(50_000, "train", *growing, "--out", run)
    assert result.returncode == 2, result.stderr
    assert "step-" in result.stderr
    assert "File too large" in result.stderr
    checkpoints = sorted((run / "checkpoints").iterdir())
    assert len(checkpoints) == 2
    assert palaestra("eval", checkpoints[-1], "--episodes", "1").code == 0
    result = palaestra("train", "--resume", "--out", run)
    assert result.code == 0, result.err
    assert palaestra("train", *growing, "--out", tmp_path / "whole").code == 0
    final = (run / "final.safetensors").read_bytes()
    assert final == (tmp_path / "whole" / "final.safetensors").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_really_full_disk(tmp_path: Path) -> None:
    """The same on a file system of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        result = palaestra(
            *(
                "train",
                "--env",
                "Pendulum-v1",
                "--steps",
                "6000",
                "--out",
                disk / "run",
            ),
            *("--set", "updates_per_step=0", "--set", "sac.hidden=8,8"),
            *("--set", "evaluate_episodes=0", "--set", "checkpoint_every=100"),
        )
        assert result.code == 2, result.err
        assert "No space left" in result.err
        newest = max((disk / "run" / "checkpoints").glob("step-*"))
        assert palaestra("eval", newest, "--episodes", "1").code == 0
        assert not [name for name in files_in(disk) if "tmp-" in name]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = train(tmp_path / "file" / "run")
    assert result.code == 2
    assert "file" in result.err


MISTAKES = {
    "environment": (["--env", "Pendulun-v1"], 'did you mean "Pendulum-v1"'),
    "agent": (["--env", "Pendulum-v1", "--agent", "sca"], 'did you mean "sac"'),
    "key": (["--env", "Pendulum-v1", "--set", "sac.tua=1"], 'did you mean "sac.tau"'),
    "key of the trainer": (
        ["--env", "Pendulum-v1", "--set", "learning_start=1"],
        'did you mean "learning_starts"',
    ),
    "value": (["--env", "Pendulum-v1", "--set", "sac.tau=2"], "sac.tau"),
    "type": (["--env", "Pendulum-v1", "--set", "capacity=many"], "capacity"),
    "form": (["--env", "Pendulum-v1", "--set", "tau"], "key=value"),
    "steps": (["--env", "Pendulum-v1", "--steps", "-5"], "steps"),
    "action space": (["--env", "CartPole-v1"], "Discrete(2)"),
    "option": (["--env", "Pendulum-v1", "--env-options", "gg=1"], "gg"),
    "no data": (["--env", "Pendulum-v1", "--agent", "bc"], "accepted: a data set"),
    "no environment": ([], "--env"),
    "no such file": (["--config", "none.toml"], "none.toml"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, tmp_path: Path) -> None:
    """Code 2, a message that helps, and no folder."""
    arguments, message = MISTAKES[name]
    result = palaestra("train", *arguments, "--out", "run", cwd=tmp_path)
    assert result.code == 2
    assert message in result.err
    assert result.err.startswith("palaestra: train: ")
    assert result.out == ""
    assert not list(tmp_path.iterdir())


def test_a_config_file_with_mistakes(tmp_path: Path) -> None:
    """All of them are reported at once, with file and nearest key."""
    config = tmp_path / "c.toml"
    config.write_text('env = "Pendulum-v1"\nstepz = 5\n[sac]\ntau = 7\nhiden = [4]\n')
    result = palaestra("train", "--config", config, "--out", tmp_path / "run")
    assert result.code == 2
    for part in ("c.toml", '"steps"', "tau", '"sac.hidden"'):
        assert part in result.err
    config.write_text("env = = 5\n")
    result = palaestra("train", "--config", config, "--out", tmp_path / "run")
    assert result.code == 2
    assert "c.toml" in result.err
    assert not (tmp_path / "run").exists()


def test_training_that_diverges(tmp_path: Path) -> None:
    """A user's error that names the step and what may help; the run can still be read."""
    run = tmp_path / "run"
    result = train(run, "--set", "sac.critic_learning_rate=1e30")
    assert result.code == 2
    assert "training diverged at step" in result.err
    assert "learning rate" in result.err
    assert not (run / "final.safetensors").exists()
    assert json.loads((run / "meta.json").read_text())["complete"] is False


def test_the_run_tells_when_there_is_no_picture(tmp_path: Path) -> None:
    """A run does not fail for the want of matplotlib."""
    result = train(tmp_path / "run", env={"PALAESTRA_PYTHON": "/bin/false"})
    assert result.code == 0
    assert "no curve.png" in result.err
    assert (tmp_path / "run" / "final.safetensors").exists()
    # and draws it when asked again
    result = train(tmp_path / "run", "--resume")
    assert result.code == 0
    assert (tmp_path / "run" / "curve.png").exists()


def test_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    """Only the run folder and the cache, which holds what Python compiled for the picture."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    (tmp_path / "cwd").mkdir()
    (tmp_path / "tmp").mkdir()
    result = train(
        tmp_path / "run",
        cwd=tmp_path / "cwd",
        env={
            "HOME": str(home),
            "PALAESTRA_CACHE": str(cache),
            "TMPDIR": str(tmp_path / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert result.code == 0
    assert list((cache / "bytecode").rglob("pyplot*.pyc"))
    assert files_in(home) == set()
    assert files_in(tmp_path / "cwd") == set()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("home", "cache", "cwd", "tmp", "run")
    }


def test_pixels_are_learnt_from(tmp_path: Path) -> None:
    """CarRacing's frames, which are kept as bytes (tests/rollout/pixel_replay_test.cc)."""
    run = tmp_path / "run"
    result = palaestra(
        *("train", "--env", "CarRacing-v3", "--steps", 24, "--n", 2, "--out", run),
        *("--set", "hidden=8,8", "--set", "learning_starts=12", "--set", "capacity=60"),
        *("--set", "batch_size=8", "--set", "evaluate_episodes=1"),
    )
    assert result.code == 0, result.err
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert any("critic_loss" in line for line in lines)
