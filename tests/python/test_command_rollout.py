"""`palaestra rollout` and `palaestra eval`: figures, hashes, recordings, bad input."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import json
import re
import resource
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import palaestra as package
import pytest
from command_line import BIN, environment, files_in, palaestra, train

ROLLOUT_KEYS = {
    *("env", "n", "batch_steps", "policy", "seed", "threads"),
    *("steps", "episodes", "return_mean", "length_mean", "diverged"),
    *("cpu_s", "wall_s", "steps_per_s", "hash"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained agent."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(folder).code == 0
    return folder


def rollout(*arguments: str | Path | int, **keywords: Any) -> dict[str, Any]:
    """The JSON document of a rollout that works."""
    result = palaestra("rollout", "--json", *arguments, **keywords)
    assert result.code == 0, result.err
    return result.json


def test_keys() -> None:
    document = rollout("--env", "CartPole-v1", "--n", 16, "--steps", 300)
    assert set(document) == ROLLOUT_KEYS
    assert document["steps"] == 16 * 300
    assert document["episodes"] > 100
    assert 15 < document["return_mean"] < 30  # what a random policy gets
    assert document["length_mean"] == document["return_mean"]
    assert document["cpu_s"] > 0
    rate = document["steps"] / document["wall_s"]
    assert document["steps_per_s"] == pytest.approx(rate)
    assert re.fullmatch("[0-9a-f]{64}", document["hash"])


def test_no_episode_has_no_mean() -> None:
    document = rollout("--env", "Pendulum-v1", "--steps", 10)
    assert document["episodes"] == 0
    assert document["return_mean"] is None


@pytest.mark.parametrize("env_id", package.env_ids())
def test_the_hash_does_not_depend_on_threads(env_id: str) -> None:
    cheap = package.spec(env_id).family in ("classic", "stochastic")
    n, steps = (3000, 60) if cheap else (24, 24)  # an engine's step is dear
    common = ["--env", env_id, "--n", n, "--steps", steps, "--seed", 3]
    hashes = {rollout(*common, "--threads", t)["hash"] for t in (1, 2, 3, 7)}
    assert len(hashes) == 1
    assert rollout(*common[:-1], 4)["hash"] not in hashes


def test_the_hash_of_an_agent_does_not_depend_on_threads(run: Path) -> None:
    common = ["--env", "Pendulum-v1", "--n", 700, "--steps", 50, "--policy", run]
    hashes = {rollout(*common, "--threads", t)["hash"] for t in (1, 2, 3, 7)}
    assert len(hashes) == 1
    assert rollout(*common[:-1], "zero")["hash"] not in hashes
    newest = max((run / "checkpoints").iterdir())
    assert rollout(*common[:-1], newest)["hash"] in hashes  # of the last step


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "Hopper-v5"])
def test_the_hash_is_that_of_the_package(env_id: str) -> None:
    """The zero policy by hand through Python gives the same SHA-256."""
    n, steps, seed = 5, 60, 7
    document = rollout(
        *(
            "--env",
            env_id,
            "--n",
            n,
            "--steps",
            steps,
            "--seed",
            seed,
            "--policy",
            "zero",
        )
    )
    env = package.make_vec(env_id, n, seed=seed)  # starts the first episodes
    space = env.single_action_space
    actions = np.zeros((n, *space.shape), space.dtype)
    digest = hashlib.sha256()
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(actions)
        for column in (observation, reward, terminated, truncated):
            digest.update(np.ascontiguousarray(column).tobytes())
    assert document["hash"] == digest.hexdigest()


class H5:
    """Just enough of the HDF5 library, through ctypes, to read data sets and attributes."""

    def __init__(self, file: Path) -> None:
        name = ctypes.util.find_library("hdf5_serial") or "libhdf5_serial.so.103"
        self.lib = ctypes.CDLL(name)
        for function in (
            *("H5Fopen", "H5Dopen2", "H5Dget_space", "H5Dget_type", "H5Aopen"),
            *("H5Tget_native_type", "H5Aget_type"),
        ):
            getattr(self.lib, function).restype = ctypes.c_int64
        self.lib.H5Tget_size.restype = ctypes.c_size_t
        self.lib.H5open()
        self.file = self.call("H5Fopen", str(file).encode(), 0, 0)

    def call(self, function: str, *arguments: Any) -> int:
        wrapped = [ctypes.c_int64(a) if isinstance(a, int) else a for a in arguments]
        result = getattr(self.lib, function)(*wrapped)
        assert result >= 0, function
        return result

    def __getitem__(self, name: str) -> np.ndarray:
        dataset = self.call("H5Dopen2", self.file, name.encode(), 0)
        space = self.call("H5Dget_space", dataset)
        dims = (ctypes.c_uint64 * 8)()
        rank = self.call("H5Sget_simple_extent_dims", space, dims, None)
        kind = self.call("H5Tget_native_type", self.call("H5Dget_type", dataset), 0)
        letter = {0: "i", 1: "f"}[self.call("H5Tget_class", kind)]
        if letter == "i" and self.call("H5Tget_sign", kind) == 0:
            letter = "u"
        size = self.lib.H5Tget_size(ctypes.c_int64(kind))
        values = np.empty(tuple(dims[:rank]), f"{letter}{size}")
        self.call(
            "H5Dread", dataset, kind, 0, 0, 0, values.ctypes.data_as(ctypes.c_void_p)
        )
        return values

    def attribute(self, name: str) -> bytes:
        handle = self.call("H5Aopen", self.file, name.encode(), 0)
        kind = self.call("H5Aget_type", handle)
        buffer = ctypes.create_string_buffer(self.lib.H5Tget_size(ctypes.c_int64(kind)))
        self.call("H5Aread", handle, kind, buffer)
        return buffer.raw

    def close(self) -> None:
        self.call("H5Fclose", self.file)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "HalfCheetah-v5"])
def test_a_recording(env_id: str, tmp_path: Path) -> None:
    """The file holds every step, to the bit: its hash is the command's."""
    file = tmp_path / "steps.h5"
    n, steps = 3, 230
    document = rollout(
        *("--env", env_id, "--n", n, "--steps", steps, "--record", file, "--seed", 2)
    )
    h5 = H5(file)
    spec = package.spec(env_id)
    names = ("observation", "reward", "terminated", "truncated")
    columns = {name: h5[name] for name in (*names, "action", "reset")}
    digest = hashlib.sha256()
    for t in range(steps):
        for name in names:
            digest.update(np.ascontiguousarray(columns[name][t]).tobytes())
    assert digest.hexdigest() == document["hash"]
    assert columns["observation"].shape == (steps, n, *spec.observation.shape)
    assert columns["action"].shape == (steps, n, *spec.action.shape)
    assert columns["reward"].dtype == np.float64
    # replayed by hand, the actions lead to the same steps
    env = package.make_vec(env_id, n, seed=2)
    first, _ = env._columns()  # making the batch started the first episodes
    assert np.array_equal(h5["first_observation"][0], first)
    for t in range(steps):
        observation, reward, *_ = env.step(columns["action"][t])
        assert np.array_equal(observation, columns["observation"][t])
        assert np.array_equal(reward, columns["reward"][t])
    assert h5.attribute("env") == env_id.encode()
    assert h5.attribute("autoreset") == b"NextStep"
    assert int.from_bytes(h5.attribute("seed"), "little") == 2
    h5.close()
    assert files_in(tmp_path) == {"steps.h5"}


def test_a_recording_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "steps.h5"
    file.write_text("mine")
    result = palaestra("rollout", "--env", "Pendulum-v1", "--record", file, "--json")
    assert result.code == 2
    assert "steps.h5" in result.err
    assert result.out == ""
    assert file.read_text() == "mine"
    assert files_in(tmp_path) == {"steps.h5"}
    result = palaestra(
        "rollout", "--env", "Pendulum-v1", "--record", tmp_path / "none" / "a.h5"
    )
    assert result.code == 2
    assert "a.h5" in result.err


def test_a_recording_on_a_full_disk(tmp_path: Path) -> None:
    arguments = ["--n", "500", "--steps", "2000", "--record", tmp_path / "a.h5"]
    result = subprocess.run(
        [BIN, "rollout", "--env", "Pendulum-v1", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (300_000, 300_000)
        ),
    )
    assert result.returncode == 2, result.stderr
    assert "a.h5" in result.stderr
    assert "full" in result.stderr
    assert files_in(tmp_path) == set()


def test_text_for_people() -> None:
    result = palaestra("rollout", "--env", "CartPole-v1", "--n", 4, "--steps", 200)
    assert result.code == 0
    document = rollout("--env", "CartPole-v1", "--n", 4, "--steps", 200)
    for name in ("steps", "episodes", "return_mean", "cpu_s", "wall_s", "steps_per_s"):
        assert re.search(rf"^{name} +\S", result.out, re.MULTILINE)
    assert document["hash"] in result.out


MISTAKES = {
    "environment": (["--env", "CartPol-v1"], 'did you mean "CartPole-v1"'),
    "n": (["--env", "CartPole-v1", "--n", "0"], "--n is 0"),
    "steps": (["--env", "CartPole-v1", "--steps", "0"], "--steps is 0"),
    "steps in all": (
        ["--env", "CartPole-v1", "--n", "4", "--steps", str(2**63 - 1)],
        "--steps is 9223372036854775807; accepted: 1 to 2305843009213693951",
    ),
    "no number": (["--env", "CartPole-v1", "--n", "many"], "--n"),
    "policy": (["--env", "CartPole-v1", "--policy", "best"], "random, zero"),
    "option": (
        ["--env", "Pendulum-v1", "--env-options", "gravity=1"],
        'has no option "gravity"; accepted: g\n',
    ),
    "no environment": ([], "--env"),
    "threads": (["--env", "CartPole-v1", "--threads", "-3"], "-3"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    arguments, message = MISTAKES[name]
    result = palaestra("rollout", *arguments)
    assert result.code == 2, result.err
    assert message in result.err
    assert result.out == ""


def test_a_policy_for_another_environment(run: Path) -> None:
    result = palaestra("rollout", "--env", "Hopper-v5", "--policy", run)
    assert result.code == 2
    assert "Hopper-v5" in result.err
    result = palaestra("rollout", "--env", "CartPole-v1", "--policy", run)
    assert result.code == 2
    assert "Discrete(2)" in result.err


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    for arguments in (
        ["eval", tmp_path],
        ["eval", tmp_path / "none"],
        ["rollout", "--env", "Pendulum-v1", "--policy", tmp_path],
    ):
        result = palaestra(*arguments)
        assert result.code == 2
        assert str(tmp_path) in result.err


def test_a_model_file_that_is_not_there(tmp_path: Path) -> None:
    """Only MuJoCo tasks need it; the message says what was looked for and how to install it."""
    env = {"PALAESTRA_GYMNASIUM_DIR": str(tmp_path)}
    for command in (
        ["rollout", "--env", "HalfCheetah-v5"],
        ["train", "--env", "HalfCheetah-v5", "--out", tmp_path / "run"],
    ):
        result = palaestra(*command, env=env)
        assert result.code == 2, result.err
        assert "half_cheetah.xml" in result.err
        assert "pip install" in result.err
        assert not (tmp_path / "run").exists()
    assert palaestra("rollout", "--env", "CartPole-v1", env=env).code == 0


def test_a_model_file_of_ones_own(tmp_path: Path) -> None:
    """As text among the options; what does not suit is the user's mistake, and none of ours."""
    arguments = ["--env", "Walker2d-v5", "--n", 2, "--steps", 9]
    plain = rollout(*arguments)
    other = rollout(*arguments, "--env-options", "xml_file=walker2d.xml,frame_skip=4")
    assert other["hash"] != plain["hash"]
    (tmp_path / "no_model.xml").write_text("<mujoco")
    for name, message in (
        (tmp_path / "none.xml", "there is no such file"),
        (tmp_path / "no_model.xml", "no_model.xml"),
        ("inverted_pendulum.xml", "2 positions"),
    ):
        result = palaestra("rollout", *arguments, "--env-options", f"xml_file={name}")
        assert result.code == 2, result.err
        assert message in result.err


def test_eval_keys(run: Path) -> None:
    result = palaestra("eval", run, "--episodes", 7, "--json")
    assert result.code == 0, result.err
    document = result.json
    assert set(document) == {
        *("run", "weights", "env", "agent", "policy", "mode"),
        *("seed", "episodes"),
        *("return_mean", "return_std", "length_mean", "returns", "lengths", "seeds"),
    }
    returns = np.array(document["returns"])
    assert document["episodes"] == len(returns) == 7
    assert document["return_mean"] == pytest.approx(returns.mean())
    assert document["return_std"] == pytest.approx(returns.std())
    assert document["lengths"] == [200] * 7
    assert document["length_mean"] == 200
    assert Path(document["weights"]).name == "final.safetensors"


def test_eval_is_the_same_for_any_threads_and_longer_for_more_episodes(
    run: Path,
) -> None:
    few = palaestra("eval", run, "--episodes", 3, "--json", "--threads", 1).json
    many = palaestra("eval", run, "--episodes", 40, "--json", "--threads", 3).json
    assert many["returns"][:3] == few["returns"]
    other = palaestra("eval", run, "--episodes", 3, "--json", "--seed", 1).json
    assert other["returns"] != few["returns"]


def test_eval_of_checkpoints_and_other_environments(run: Path) -> None:
    first, *_, last = sorted((run / "checkpoints").iterdir())
    a, b, c = (
        palaestra("eval", what, "--episodes", 3, "--json").json["returns"]
        for what in (first, last, run)
    )
    assert a != b
    assert b == c
    easy = palaestra(
        "eval", run, "--env-options", "g=1", "--episodes", 3, "--json"
    ).json
    assert easy["returns"] != c
    same = palaestra(
        "eval", run, "--env", "Pendulum-v1", "--episodes", 3, "--json"
    ).json
    assert same["returns"] == c
    result = palaestra("eval", run, "--env", "MountainCarContinuous-v0")
    assert result.code == 2
    assert "MountainCarContinuous-v0" in result.err


def test_eval_mistakes(run: Path) -> None:
    assert palaestra("eval").code == 2
    result = palaestra("eval", run, "--episodes", 0)
    assert result.code == 2
    assert "--episodes is 0" in result.err
    result = palaestra("eval", run, "--env", "Pendulum-v2")
    assert result.code == 2
    assert "Pendulum-v1" in result.err


def test_eval_text_for_people(run: Path) -> None:
    result = palaestra("eval", run, "--episodes", 2)
    for name in (
        "env",
        "episodes",
        "return_mean",
        "return_std",
        "length_mean",
        "returns",
    ):
        assert re.search(rf"^{name} +\S", result.out, re.MULTILINE)


def test_a_changed_configuration_is_noticed(run: Path, tmp_path: Path) -> None:
    """Weights that do not fit the settings beside them are refused."""
    copy = tmp_path / "run"
    copy.mkdir()
    (copy / "final.safetensors").write_bytes((run / "final.safetensors").read_bytes())
    config = (run / "config.toml").read_text()
    (copy / "config.toml").write_text(re.sub(r"hidden = .*", "hidden = [4, 4]", config))
    result = palaestra("eval", copy)
    assert result.code == 2, result.err
    assert json.dumps(result.out) == '""'
