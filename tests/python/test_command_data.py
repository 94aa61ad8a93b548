"""`palaestra data`: collect, info, check, convert; bad files, full disks, bad arguments."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import minari
import numpy as np
import palaestra as package
import pytest
from command_line import BIN, environment, files_in, palaestra, start, train
from data_sets import ACTION, BOX, made_up, same
from palaestra import data


def run(*arguments: str | Path | int) -> Any:
    """The JSON document of a command that works."""
    result = palaestra("data", *arguments, "--json")
    assert result.code == 0, result.err
    return result.json


def collect(out: Path, *arguments: str | Path | int) -> Any:
    return run("collect", "--out", out, *arguments)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(folder).code == 0
    return folder


ENVIRONMENTS = ["CartPole-v1", "Pendulum-v1", "HalfCheetah-v5", "MountainCar-v0"]


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_collected_episodes_can_be_replayed(env_id: str, tmp_path: Path) -> None:
    """Gymnasium's door to the environment, seeded as the data set says, gives the same steps."""
    document = collect(
        tmp_path / "set-v0", "--env", env_id, "--episodes", 2, "--seed", 3
    )
    read = minari.MinariDataset(tmp_path / "set-v0" / "data")
    assert read.total_episodes == document["episodes"] == 2
    assert read.total_steps == document["steps"]
    seeds = [facts["seed"] for facts in read.storage.get_episode_metadata(range(2))]
    env = read.recover_environment()
    assert env.spec is not None
    assert env.spec.id == f"palaestra/{env_id}"
    assert env.observation_space == read.observation_space
    assert env.action_space == read.action_space
    returns = []
    for episode, seed in zip(read, seeds, strict=True):
        observation, _ = env.reset(seed=seed)
        assert np.array_equal(observation, episode.observations[0])
        for t in range(len(episode)):
            observation, reward, terminated, truncated, info = env.step(
                episode.actions[t]
            )
            assert np.array_equal(observation, episode.observations[t + 1])
            assert reward == episode.rewards[t]
            assert terminated == episode.terminations[t]
            assert truncated == episode.truncations[t]
            for name, values in (episode.infos or {}).items():
                assert info[name] == values[t + 1]
        assert terminated or truncated
        returns.append(episode.rewards.sum())
    assert document["return_mean"] == pytest.approx(np.mean(returns))
    assert data.open_data_set(tmp_path / "set-v0").check()["good"]


def test_the_bytes_depend_on_the_seed_alone(tmp_path: Path) -> None:
    """Neither on threads nor on how many environments run at the same time."""
    hashes = set()
    folders = []
    for threads, n in ((1, 1), (2, 5), (3, 16), (7, 64)):
        out = tmp_path / f"set_{n}" / "same-v0"
        out.parent.mkdir()
        document = collect(
            out, "--env", "CartPole-v1", "--steps", 300, "--threads", threads, "--n", n,
            "--noise", 0.3, "--policy", "zero",
        )  # fmt: skip
        hashes.add(document["hash"])
        folders.append((out / "data" / "metadata.json").read_bytes())
        file = (out / "data" / "main_data.hdf5").read_bytes()
        assert hashlib.sha256(file).hexdigest() == document["hash"]
        assert 300 <= document["steps"] < 500
    assert len(hashes) == 1
    assert len(set(folders)) == 1
    other = collect(
        tmp_path / "other-v0", "--env", "CartPole-v1", "--steps", 300, "--seed", 1
    )
    assert other["hash"] not in hashes


def test_more_episodes_add_to_the_same_first_ones(tmp_path: Path) -> None:
    for episodes in (3, 9):
        collect(
            tmp_path / f"{episodes}.h5", "--env", "Acrobot-v1", "--episodes", episodes
        )
    few, many = (data.open_data_set(tmp_path / f"{n}.h5") for n in (3, 9))
    assert len(many) == 9
    for a, b in zip(few, many[:3], strict=True):
        assert same(a.observations, b.observations)
        assert same(a.actions, b.actions)


def test_a_trained_policy_with_noise(trained: Path, tmp_path: Path) -> None:
    """Without noise the actions are the agent's own; with it they are near, and in the space."""
    arguments = ["--env", "Pendulum-v1", "--policy", trained, "--episodes", 2]
    plain = collect(tmp_path / "plain-v0", *arguments)
    collect(tmp_path / "noisy-v0", *arguments, "--noise", 0.2)
    agent = package.load(trained)
    episodes = [data.open_data_set(tmp_path / f"{n}-v0") for n in ("plain", "noisy")]
    clean, noisy = (
        [(e.actions, agent.act(e.observations[:-1])) for e in one] for one in episodes
    )
    for actions, chosen in clean:
        assert np.array_equal(actions, chosen)
    added = np.concatenate([(a - c)[np.abs(a) < 2] for a, c in noisy])
    assert np.abs(np.concatenate([a for a, _ in noisy])).max() <= 2
    assert 0.25 < added.std() < 0.55  # 0.2 of half of [-2, 2], where it was not clipped
    origin = episodes[0].metadata["palaestra"]
    assert origin["run"]["agent"] == "sac"
    assert origin["run"]["mode"] == "mean"
    assert (origin["run"]["seed"], origin["run"]["steps"]) == (0, 400)
    assert origin["run"]["updates"] == agent.updates
    weights = (trained / "final.safetensors").read_bytes()
    assert origin["run"]["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    config = (trained / "config.toml").read_bytes()
    assert origin["run"]["config_sha256"] == hashlib.sha256(config).hexdigest()
    assert plain["policy"] == str(trained)
    assert str(trained) not in json.dumps(episodes[0].metadata)


def test_the_training_of_a_policy_is_on_record(tmp_path: Path) -> None:
    """Of a checkpoint its own steps, and the seed of its run, not that of the collection."""
    run_folder = tmp_path / "run"
    assert train(run_folder, "--seed", "7").code == 0
    checkpoint = sorted((run_folder / "checkpoints").glob("*.safetensors"))[0]
    steps = int(checkpoint.stem.removeprefix("step-"))
    assert 0 < steps < 400
    for name, policy, expected in (
        ("whole", run_folder, 400),
        ("cut", checkpoint, steps),
    ):
        out = tmp_path / f"{name}-v0"
        collect(
            out,
            "--env",
            "Pendulum-v1",
            "--policy",
            policy,
            "--episodes",
            1,
            "--seed",
            3,
        )
        origin = data.open_data_set(out).metadata["palaestra"]
        assert origin["seed"] == 3
        assert origin["run"]["seed"] == 7
        assert origin["run"]["steps"] == expected
        assert origin["run"]["mode"] == "mean"


def test_provenance_and_reference_scores(tmp_path: Path) -> None:
    out = tmp_path / "set-v0"
    collect(
        out, "--env", "Pendulum-v1", "--env-options", "g=9.81", "--episodes", 2, "--seed", 5,
        "--noise", 0.5, "--reference=-1600,-150",
    )  # fmt: skip
    origin = data.open_data_set(out).metadata["palaestra"]
    assert origin["env"] == "Pendulum-v1"
    assert origin["env_options"] == "g=9.81"
    assert origin["policy"] == "random"
    assert (origin["seed"], origin["noise"], origin["time_limit"]) == (5, 0.5, 200)
    assert origin["version"] == package.__version__
    assert origin["commit"] in palaestra("--version").out
    info = run("info", out)
    assert info["metadata"]["palaestra"] == origin
    score = (info["return_mean"] + 1600) / 1450
    assert info["score_mean"] == pytest.approx(score)
    loaded = minari.MinariDataset(out / "data")
    normalized = minari.get_normalized_score(loaded, np.array([info["return_mean"]]))
    assert normalized[0] == pytest.approx(score)
    env = loaded.recover_environment()
    assert env.unwrapped.spec.kwargs["g"] == 9.81


def test_info(tmp_path: Path) -> None:
    episodes = made_up((5, 1, 12))
    data.write_minari(
        tmp_path / "a", episodes, observation_space=BOX, action_space=ACTION
    )
    info = run("info", tmp_path / "a")
    returns = [e["rewards"].sum() for e in episodes]
    assert info["format"] == "minari"
    assert (info["episodes"], info["steps"]) == (3, 18)
    assert (info["terminated"], info["truncated"], info["cut_off"]) == (2, 1, 0)
    assert (info["length_min"], info["length_max"], info["length_mean"]) == (1, 12, 6)
    assert info["return_mean"] == pytest.approx(np.mean(returns))
    assert info["return_min"] == pytest.approx(min(returns))
    assert info["score_mean"] is None
    assert [c["name"] for c in info["columns"]] == [
        "observation", "action", "reward", "terminated", "truncated", "info/deep/n", "info/x",
    ]  # fmt: skip
    text = palaestra("data", "info", tmp_path / "a").out
    assert "episodes     3\n" in text
    assert "column       observation  float32 [3]  state\n" in text


def test_convert_there_and_back(tmp_path: Path) -> None:
    collect(tmp_path / "a-v0", "--env", "Hopper-v5", "--episodes", 4)
    there = run("convert", tmp_path / "a-v0", tmp_path / "b.hdf5", "--compression", 4)
    assert (there["from"], there["to"], there["episodes"]) == ("minari", "d4rl", 4)
    assert there["losses"]
    back = run("convert", tmp_path / "b.hdf5", tmp_path / "c-v0")
    assert (back["from"], back["to"], back["losses"]) == ("d4rl", "minari", [])
    part = run("convert", tmp_path / "a-v0", tmp_path / "d-v0", "--episodes", "1:3")
    assert part["episodes"] == 2
    a, c, d = (data.open_data_set(tmp_path / f"{name}-v0") for name in "acd")
    for first, second in [*zip(a, c, strict=True), *zip(a[1:3], d, strict=True)]:
        for name in (
            "observations",
            "actions",
            "rewards",
            "terminations",
            "truncations",
        ):
            assert same(getattr(first, name), getattr(second, name))
    assert c.metadata["palaestra"] == a.metadata["palaestra"]
    assert d.metadata["palaestra"]["part"] == [1, 3]
    for name in ("a-v0", "b.hdf5", "c-v0", "d-v0"):
        assert run("check", tmp_path / name)["good"]
    assert minari.MinariDataset(tmp_path / "d-v0" / "data").total_episodes == 2


SPOILS: dict[str, Any] = {
    "observation is not finite": lambda h5: h5["episode_1/observations"].__setitem__(
        (3, 1), np.nan
    ),
    "reward is not finite": lambda h5: h5["episode_1/rewards"].__setitem__(2, np.inf),
    "action is outside of": lambda h5: h5["episode_1/actions"].__setitem__((2, 0), 1.5),
    "truncated before the last step": lambda h5: h5[
        "episode_1/truncations"
    ].__setitem__(2, True),
    "has no rewards": lambda h5: h5.__delitem__("episode_1/rewards"),
    "is called episode_2": lambda h5: h5.__delitem__("episode_1"),
    "says total_episodes": lambda h5: h5.__delitem__("episode_2"),
    "expected are 7 rows": lambda h5: (
        h5.__delitem__("episode_1/observations"),
        h5.create_dataset("episode_1/observations", data=np.zeros((6, 3), np.float32)),
    ),
    "not as in the first episode": lambda h5: (
        h5.__delitem__("episode_1/actions"),
        h5.create_dataset("episode_1/actions", data=np.zeros((6, 2))),
    ),
}


@pytest.mark.parametrize("message", SPOILS)
def test_check_says_what_is_wrong(message: str, tmp_path: Path) -> None:
    data.write_minari(
        tmp_path / "a", made_up((5, 6, 7)), observation_space=BOX, action_space=ACTION
    )
    assert palaestra("data", "check", tmp_path / "a").code == 0
    with h5py.File(tmp_path / "a/data/main_data.hdf5", "a") as h5:
        SPOILS[message](h5)
    result = palaestra("data", "check", tmp_path / "a", "--json")
    assert result.code == 2
    assert message in result.err
    assert not result.json["good"]
    assert any(message in problem for problem in result.json["problems"])


def test_check_of_what_d4rl_files_have_twice(tmp_path: Path) -> None:
    file = tmp_path / "a.hdf5"
    collect(file, "--env", "CartPole-v1", "--episodes", 3)
    with h5py.File(file, "a") as h5:
        h5["next_observations"][2, 1] += 1
    result = palaestra("data", "check", file)
    assert result.code == 2
    assert "episode 0: next_observations at step 2" in result.err


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    collect(tmp_path / "a.hdf5", "--env", "CartPole-v1", "--episodes", 3)
    whole = (tmp_path / "a.hdf5").read_bytes()
    cut = tmp_path / "cut.hdf5"
    for size in (0, 7, 100, 2000, len(whole) - 1):
        cut.write_bytes(whole[:size])
        for command in ("info", "check"):
            result = palaestra("data", command, cut, "--json")
            assert result.code == 2
            assert "cut.hdf5" in result.err
            assert result.out == ""
        result = palaestra("data", "convert", cut, tmp_path / "b-v0")
        assert result.code == 2
        assert not (tmp_path / "b-v0").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    for name in ("a-v0", "a.hdf5"):
        out = tmp_path / name
        first = collect(out, "--env", "CartPole-v1", "--episodes", 2)
        result = palaestra(
            "data", "collect", "--env", "CartPole-v1", "--episodes", 3, "--out", out
        )
        assert result.code == 2
        assert name in result.err
        assert len(data.open_data_set(out)) == 2
        second = collect(out, "--env", "CartPole-v1", "--episodes", 3, "--force")
        assert len(data.open_data_set(out)) == 3
        assert len(data.open_data_set(f"{out}.1")) == 2
        assert first["hash"] != second["hash"]
        assert palaestra("data", "convert", out, f"{out}.1").code == 2
        assert len(data.open_data_set(f"{out}.1")) == 2


@pytest.mark.parametrize("name", ["a-v0", "a.hdf5"])
def test_a_full_disk_leaves_nothing(name: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [
            BIN,
            "data",
            "collect",
            "--env",
            "HalfCheetah-v5",
            "--episodes",
            "4",
            "--out",
            name,
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (200_000, 200_000)
        ),
    )
    assert result.returncode == 2, result.stderr
    assert name in result.stderr
    assert "full" in result.stderr
    assert files_in(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a-v0", "a.hdf5"])
def test_a_killed_process_leaves_nothing_under_the_name(
    name: str, tmp_path: Path
) -> None:
    arguments = ["data", "collect", "--env", "HalfCheetah-v5", "--out", tmp_path / name]
    process = start(*arguments, "--episodes", 100_000)
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size > 0 for p in tmp_path.rglob("*") if p.is_file()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / name).exists()
    assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    assert (
        collect(tmp_path / name, "--env", "CartPole-v1", "--episodes", 1)["episodes"]
        == 1
    )
    # a key press is not a crash: nothing at all is left
    before = set(tmp_path.iterdir())
    process = start(*arguments[:-1], tmp_path / f"b_{name}", "--episodes", 100_000)
    while not set(tmp_path.iterdir()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert set(tmp_path.iterdir()) == before


MISTAKES = {
    "environment": (
        ["collect", "--env", "CartPol-v1", "--episodes", "1", "--out", "a"],
        "CartPole",
    ),
    "how many": (["collect", "--env", "CartPole-v1", "--out", "a"], "one of the two"),
    "both": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--steps",
            "1",
            "--out",
            "a",
        ],
        "one of the two",
    ),
    "policy": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--out",
            "a",
            "--policy",
            "good",
        ],
        "random, zero",
    ),
    "noise": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--out",
            "a",
            "--noise",
            "2",
        ],
        "noise is 2",
    ),
    "format": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--out",
            "a",
            "--format",
            "minary",
        ],
        'did you mean "minari"',
    ),
    "reference": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--out",
            "a",
            "--reference",
            "1",
        ],
        "MIN,MAX",
    ),
    "compression": (
        [
            "collect",
            "--env",
            "CartPole-v1",
            "--episodes",
            "1",
            "--out",
            "a",
            "--compression",
            "12",
        ],
        "compression is 12",
    ),
    "range": (["convert", "none", "b", "--episodes", "3-4"], "A:B"),
    "no file": (["info", "none.hdf5"], "none.hdf5"),
    "no command": ([], "info, check, convert, collect"),
    "another command": (["inof"], 'did you mean "info"'),
    "option": (["check", "x", "--jsn"], 'did you mean "--json"'),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, tmp_path: Path) -> None:
    arguments, message = MISTAKES[name]
    result = palaestra("data", *arguments, cwd=tmp_path)
    assert result.code == 2, result.err
    assert message in result.err
    assert files_in(tmp_path) == set()


def test_an_environment_without_time_limit_is_cut(tmp_path: Path) -> None:
    """Also the flags of a truncation by the time limit."""
    collect(tmp_path / "a-v0", "--env", "Pendulum-v1", "--episodes", 1)
    episode = data.open_data_set(tmp_path / "a-v0")[0]
    limit = gymnasium.spec("palaestra/Pendulum-v1").max_episode_steps
    assert len(episode) == limit
    assert not episode.terminated
    assert episode.truncated
    assert not episode.truncations[:-1].any()
