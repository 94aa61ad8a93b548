"""`palaestra train --data`: offline runs, exact resume, and runs that go on collecting."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tomllib
from command_line import (
    Result,
    bits_of,
    files_in,
    lines_of,
    palaestra,
    start,
)
from offline_data import balance, walk, write
from palaestra import data
from safetensors import safe_open

#: A run of a fraction of a second.
TINY = [
    *("--agent", "bc", "--steps", "400", "--set", "hidden=8", "--set", "batch_size=16"),
    *("--set", "evaluate_every=150", "--set", "evaluate_episodes=2"),
    *("--set", "log_every=60", "--set", "checkpoint_every=64"),
]
NO_PICTURE = {"PALAESTRA_PYTHON": "/bin/false"}


@pytest.fixture(scope="module")
def poles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve episodes of a law that balances a pole."""
    path = tmp_path_factory.mktemp("data") / "poles-v0"
    write(path, "CartPole-v1", balance, 12)
    return path


@pytest.fixture(scope="module")
def swings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random torques on a pendulum."""
    path = tmp_path_factory.mktemp("data") / "swings-v0"
    result = palaestra(
        *("data", "collect", "--env", "Pendulum-v1", "--episodes", 4, "--out", path)
    )
    assert result.code == 0, result.err
    return path


@pytest.fixture(scope="module")
def whole(poles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run on one thread."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    result = clone(poles, run, "--threads", "1")
    assert result.code == 0, result.err
    return run


def clone(path: Path, run: Path, *arguments: Any, **keywords: Any) -> Result:
    return palaestra(
        "train", "--data", path, *TINY, "--out", run, *arguments, **keywords
    )


def settings_of(run: Path) -> dict[str, Any]:
    return tomllib.loads((run / "config.toml").read_text())


def test_a_run_folder_of_an_offline_run(whole: Path, poles: Path) -> None:
    """Steps are updates; the settings hold path and hash of the data and their environment."""
    config = settings_of(whole)
    assert config["env"] == "CartPole-v1"
    assert config["data"] == str(poles)
    assert palaestra("data", "info", poles, "--json").json["steps"] == 12 * 500
    digest = hashlib.sha256((poles / "data" / "main_data.hdf5").read_bytes())
    assert config["data_sha256"] == digest.hexdigest()
    rows = lines_of(whole / "metrics.jsonl")
    assert [row["step"] for row in rows] == [60, 120, 180, 240, 300, 360, 400]
    assert [row["updates"] for row in rows] == [row["step"] for row in rows]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert [row["step"] for row in lines_of(whole / "eval.jsonl")] == [150, 300, 400]
    assert (whole / "curve.png").exists()
    # no rows in it: those are read again
    assert max(f.stat().st_size for f in whole.glob("checkpoints/*")) < 20_000


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(
    whole: Path, poles: Path, tmp_path: Path, threads: int
) -> None:
    assert clone(poles, tmp_path / "run", "--threads", threads).code == 0
    assert bits_of(tmp_path / "run") == bits_of(whole)


def test_config_fed_back(whole: Path, tmp_path: Path) -> None:
    """config.toml alone gives the same bits."""
    again = tmp_path / "again"
    result = palaestra("train", "--config", whole / "config.toml", "--out", again)
    assert result.code == 0, result.err
    assert bits_of(again) == bits_of(whole)
    assert (again / "config.toml").read_text() == (whole / "config.toml").read_text()


def test_a_file_that_has_changed(whole: Path, poles: Path, tmp_path: Path) -> None:
    """Neither a run from its own settings nor a resumed one takes other data for the same."""
    run, copy = tmp_path / "run", tmp_path / "poles-v0"
    shutil.copytree(whole, run)
    shutil.copytree(poles, copy)
    # moved, it is still the same
    moved = palaestra("train", "--out", run, "--resume", "--data", copy, "--steps", 450)
    assert moved.code == 0, moved.err
    assert settings_of(run)["data"] == str(copy)
    with h5py.File(copy / "data" / "main_data.hdf5", "a") as file:
        file["episode_0/rewards"][3] = 7.0
    before = {file: (run / file).read_bytes() for file in files_in(run)}
    for arguments in (
        ["--out", run, "--resume", "--steps", 500],
        ["--config", run / "config.toml", "--out", tmp_path / "new"],
    ):
        result = palaestra("train", *arguments)
        assert result.code == 2, result.err
        assert "is not the one of this run" in result.err
        assert settings_of(run)["data_sha256"] in result.err
    assert {file: (run / file).read_bytes() for file in files_in(run)} == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("trial", range(3))
def test_kill_9_at_a_random_moment(
    tmp_path: Path, whole: Path, poles: Path, trial: int
) -> None:
    """Killed again and again, the run ends with the bytes of the unbroken one."""
    run, moments = tmp_path / "run", random.Random(trial)
    kills = 0
    for _ in range(8):
        before = set(run.glob("checkpoints/step-*"))
        process = start(
            *("train", "--data", poles, *TINY, "--out", run, "--resume"),
            *("--threads", 1 + trial),
            env=NO_PICTURE,
        )
        deadline = time.monotonic() + moments.uniform(0.02, 0.2)
        while (
            process.poll() is None
            and time.monotonic() < deadline
            and set(run.glob("checkpoints/step-*")) <= before
        ):
            time.sleep(0.0005)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.communicate()
    result = clone(poles, run, "--resume", env=NO_PICTURE)
    assert result.code == 0, result.err
    assert kills > 0
    assert bits_of(run) == bits_of(whole)


def test_a_clone_balances_the_pole(poles: Path, tmp_path: Path) -> None:
    """Learnt from twelve episodes, evaluated, rolled out, drawn: choices all the way."""
    run = tmp_path / "run"
    result = palaestra(
        *("train", "--data", poles, "--agent", "bc", "--steps", 1500, "--out", run),
        *("--set", "hidden=64,64", "--set", "evaluate_episodes=0"),
        env=NO_PICTURE,
    )
    assert result.code == 0, result.err
    evaluation = palaestra("eval", run, "--episodes", 20, "--json").json
    assert evaluation["env"] == "CartPole-v1"
    assert evaluation["return_mean"] > 480  # a random policy stands for 22 steps
    rolled = [
        palaestra(
            *("rollout", "--env", "CartPole-v1", "--policy", run, "--n", 70, "--json"),
            *("--steps", 300, "--threads", threads),
        ).json
        for threads in (1, 3)
    ]
    assert rolled[0]["hash"] == rolled[1]["hash"]
    assert rolled[0]["episodes"] < 7
    picture = palaestra("render", run, "--steps", 5, "--out", tmp_path / "a.png")
    assert picture.code == 0, picture.err
    collected = palaestra(
        *("data", "collect", "--env", "CartPole-v1", "--policy", run, "--noise", 0.1),
        *("--episodes", 2, "--out", tmp_path / "clones-v0", "--json"),
    )
    assert collected.json["return_mean"] > 100


def test_a_clone_finds_its_way_over_the_lake(tmp_path: Path) -> None:
    """States and actions that are counted; the options of the environment come with the data."""
    path, run = tmp_path / "ways-v0", tmp_path / "run"
    episodes = write(path, "FrozenLake-v1", walk, 3, is_slippery=False)
    assert all(episode["rewards"].sum() == 1 for episode in episodes)
    result = palaestra(
        *("train", "--data", path, "--agent", "bc", "--steps", 300, "--out", run),
        *("--set", "hidden=32", "--set", "learning_rate=0.01", "--json"),
        env=NO_PICTURE,
    )
    assert result.code == 0, result.err
    assert settings_of(run)["env_options"] == "is_slippery=false"
    assert result.json["return_mean"] == 1
    assert palaestra("eval", run, "--episodes", 5, "--json").json["return_mean"] == 1


def test_the_best_episodes_teach_the_better_policy(tmp_path: Path) -> None:
    """Half of the episodes go the way, half of them do not: best_share tells them apart."""
    path = tmp_path / "mixed-v0"
    good = write(tmp_path / "good-v0", "FrozenLake-v1", walk, 5, is_slippery=False)
    bad = write(
        tmp_path / "bad-v0", "FrozenLake-v1", lambda _: 2, 20, is_slippery=False
    )  # against the wall until time is up
    opened = data.open_data_set(tmp_path / "good-v0")
    data.write_minari(
        path,
        [*bad, *good],
        observation_space=opened.observation_space,
        action_space=opened.action_space,
        metadata={
            "palaestra": {"env": "FrozenLake-v1", "env_options": "is_slippery=false"}
        },
    )
    returns = []
    for share in (1, 0.2):
        result = palaestra(
            *("train", "--data", path, "--agent", "bc", "--steps", 300, "--json"),
            *("--set", "hidden=32", "--set", "learning_rate=0.01"),
            *("--set", f"best_share={share}", "--out", tmp_path / str(share)),
            env=NO_PICTURE,
        )
        assert result.code == 0, result.err
        returns.append(result.json["return_mean"])
    assert returns == [0, 1]


def test_normalised_observations_come_with_the_agent(
    swings: Path, tmp_path: Path
) -> None:
    """Mean and deviation are in the file, NumPy's over the data, and needed by nothing else."""
    run = tmp_path / "run"
    result = clone(swings, run, "--set", "normalize_observations=true", env=NO_PICTURE)
    assert result.code == 0, result.err
    rows = np.concatenate(
        [episode.observations[:-1] for episode in data.open_data_set(swings)]
    ).astype(float)
    with safe_open(run / "final.safetensors", "np") as file:
        np.testing.assert_allclose(
            file.get_tensor("agent.observation_mean"),
            rows.mean(0),
            rtol=1e-5,
            atol=1e-6,
        )
        np.testing.assert_allclose(
            file.get_tensor("agent.observation_deviation"), rows.std(0), rtol=1e-5
        )
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    evaluations = [
        palaestra("eval", where, "--episodes", 3, "--json").json["returns"]
        for where in (run, moved)
    ]
    assert evaluations[0] == evaluations[1]


WARM = [
    *("--agent", "sac", "--steps", "300", "--set", "offline_steps=100"),
    *("--set", "hidden=8,8", "--set", "batch_size=16", "--set", "learning_starts=20"),
    *("--set", "evaluate_every=150", "--set", "evaluate_episodes=2"),
    *("--set", "checkpoint_every=40", "--set", "log_every=50"),
]


@pytest.mark.parametrize("share", [-1, 0, 0.5])
def test_offline_first_then_online(swings: Path, tmp_path: Path, share: float) -> None:
    """SAC goes on from a data set; cut anywhere, by more steps or kill -9, to the same bits."""
    arguments = ["train", "--data", swings, *WARM, "--set", f"data_share={share}"]
    whole, run, shorter = (tmp_path / name for name in ("whole", "run", "shorter"))
    result = palaestra(*arguments, "--out", whole, "--threads", 2, env=NO_PICTURE)
    assert result.code == 0, result.err
    last = lines_of(whole / "metrics.jsonl")[-1]
    assert (last["step"], last["updates"], last["episodes"]) == (300, 100 + 180, 1)
    process = start(*arguments, "--out", run, env=NO_PICTURE)
    while process.poll() is None and not list(run.glob("checkpoints/step-*")):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert palaestra(*arguments, "--out", run, "--resume", env=NO_PICTURE).code == 0
    assert bits_of(run) == bits_of(whole)
    # what ended offline goes on online
    offline = ["100" if a == "300" else a for a in arguments]
    assert palaestra(*offline, "--out", shorter, env=NO_PICTURE).code == 0
    result = palaestra(
        "train", "--out", shorter, "--resume", "--steps", 300, env=NO_PICTURE
    )
    assert result.code == 0, result.err
    assert bits_of(shorter)[0] == bits_of(whole)[0]


def test_an_environment_that_is_not_here(swings: Path, tmp_path: Path) -> None:
    """A run learns, is not evaluated, and can be tried where its spaces fit."""
    path, run = tmp_path / "mars-v0", tmp_path / "run"
    shutil.copytree(swings, path)
    metadata = json.loads((path / "data" / "metadata.json").read_text())
    metadata["palaestra"] = {"env": "Mars-v9"}
    (path / "data" / "metadata.json").write_text(json.dumps(metadata))
    result = clone(path, run, env=NO_PICTURE)
    assert result.code == 0, result.err
    assert "names no environment that is known" in result.err
    assert lines_of(run / "eval.jsonl") == []
    result = palaestra("eval", run)
    assert result.code == 2
    assert "--env is missing" in result.err
    assert palaestra("render", run, "--out", tmp_path / "a.png").code == 2
    result = palaestra("eval", run, "--env", "Pendulum-v1", "--episodes", 2, "--json")
    assert result.code == 0, result.err
    assert len(result.json["returns"]) == 2
    wrong = palaestra("eval", run, "--env", "CartPole-v1")
    assert wrong.code == 2


def test_data_that_cannot_be_learnt_from(
    poles: Path, swings: Path, tmp_path: Path
) -> None:
    """Each is refused with code 2 before there is a run folder."""

    def refusal(path: Path, *arguments: Any) -> str:
        run = tmp_path / "run"
        result = clone(path, run, *arguments)
        assert result.code == 2, result.err
        assert not run.exists()
        return result.err

    assert "nowhere" in refusal(tmp_path / "nowhere")
    assert "are Box(" in refusal(poles, "--env", "Pendulum-v1")
    assert "those of CartPole-v1 are" in refusal(swings, "--env", "CartPole-v1")
    assert "n is 4; accepted: 1" in refusal(poles, "--n", 4)
    assert "did you mean" in refusal(poles, "--set", "best_shares=0.5")
    # nothing in it; and a number that is none
    empty, broken = tmp_path / "empty.hdf5", tmp_path / "broken-v0"
    with h5py.File(empty, "w") as file:
        file["observations"] = np.zeros((0, 3), np.float32)
        file["actions"] = np.zeros((0, 1), np.float32)
        file["rewards"] = np.zeros(0, np.float32)
        file["terminals"] = np.zeros(0, bool)
    message = refusal(empty, "--env", "Pendulum-v1")
    assert "empty.hdf5" in message
    # steps, but none whose next observation is known
    with h5py.File(empty, "a") as file:
        for name in list(file):
            del file[name]
        file["observations"] = np.zeros((2, 3), np.float32)
        file["actions"] = np.zeros((2, 1), np.float32)
        file["rewards"] = np.zeros(2, np.float32)
        file["terminals"] = np.zeros(2, bool)
        file["timeouts"] = np.ones(2, bool)
    message = refusal(empty, "--env", "Pendulum-v1")
    assert "no step whose next observation is known" in message
    shutil.copytree(swings, broken)
    with h5py.File(broken / "data" / "main_data.hdf5", "a") as file:
        file["episode_2/rewards"][7] = np.nan
    assert "column reward of episode 2" in refusal(broken)
    # half of a file
    whole = (swings / "data" / "main_data.hdf5").read_bytes()
    (broken / "data" / "main_data.hdf5").write_bytes(whole[: len(whole) // 2])
    assert "main_data.hdf5" in refusal(broken)


def test_an_agent_that_needs_numbers_says_so(poles: Path, tmp_path: Path) -> None:
    result = palaestra(
        "train", "--data", poles, "--agent", "sac", "--out", tmp_path / "run"
    )
    assert result.code == 2
    assert "Discrete(2)" in result.err


def test_a_run_that_stops_early(swings: Path, tmp_path: Path) -> None:
    """Random torques cannot be foretold: the fit to three episodes soon is worse on the fourth."""
    careful = [
        *("--set", "held_out=0.25", "--set", "held_out_every=20"),
        *("--set", "held_out_patience=3", "--set", "learning_rate=0.01"),
        *("--set", "hidden=32", "--set", "log_every=20", "--set", "evaluate_every=150"),
    ]
    runs = [tmp_path / "run", tmp_path / "again"]
    for run, threads in zip(runs, (1, 3), strict=True):
        result = palaestra(
            *("train", "--data", swings, "--agent", "bc", "--steps", 5000),
            *(*careful, "--out", run, "--threads", threads, "--json"),
        )
        assert result.code == 0, result.err
        assert result.json["complete"]
        assert 0 < result.json["steps"] < 5000
    assert bits_of(runs[0]) == bits_of(runs[1])

    rows = lines_of(runs[0] / "metrics.jsonl")
    losses = [row["held_out_loss"] for row in rows]
    assert rows[-1]["step"] == result.json["steps"]
    assert losses[-1] > min(losses)
    assert rows[-1]["loss"] < losses[-1]
    evaluations = lines_of(runs[0] / "eval.jsonl")
    assert evaluations[-1]["step"] == rows[-1]["step"]
    # the policy is that of the smallest loss; what was trained on lies beside it
    with safe_open(runs[0] / "final.safetensors", "np") as file:
        actor = [
            file.get_tensor(name).ravel()
            for name in file.keys()  # noqa: SIM118  (no mapping)
            if name.startswith("agent.actor.")
        ]
        trained = file.get_tensor("agent.trained")
    assert sum(block.size for block in actor) == trained.size
    assert np.sort(np.concatenate(actor)).tolist() != np.sort(trained).tolist()

    before = bits_of(runs[0])
    assert palaestra("train", "--out", runs[0], "--resume").code == 0
    assert bits_of(runs[0]) == before


def test_held_out_means_nothing_to_a_run_that_collects(
    swings: Path, tmp_path: Path
) -> None:
    result = palaestra(
        *("train", "--data", swings, "--steps", 300, "--set", "offline_steps=100"),
        *("--set", "held_out=0.25", "--out", tmp_path / "run"),
    )
    assert result.code == 2
    assert "held_out is 0.25; accepted: 0" in result.err
    assert not (tmp_path / "run").exists()
