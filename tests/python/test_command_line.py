"""What all commands share: help, version, JSON, exit codes, progress; and `palaestra envs`."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import (
    BIN,
    TINY,
    environment,
    examples_in,
    palaestra,
    start,
    train,
)

COMMANDS = ["envs", "rollout", "train", "eval", "bench", "data"]


def test_help_on_every_level() -> None:
    """Each help text says how the command is used and gives two or three examples."""
    top = palaestra("--help")
    assert top.code == 0
    for command in COMMANDS:
        assert re.search(rf"^ +{command} ", top.out, re.MULTILINE)
        result = palaestra(command, "--help")
        assert result.code == 0
        assert result.err == ""
        assert len(examples_in(result.out)) in (2, 3), command
        assert "Options:" in result.out
    assert len(examples_in(top.out)) == 3


def test_help_of_train_lists_every_setting() -> None:
    text = palaestra("train", "--help").out
    for setting in ("steps", "n_step", "sac.hidden", "sac.target_entropy"):
        assert re.search(rf"^  {re.escape(setting)} = ", text, re.MULTILINE)


def test_examples_work_as_typed(tmp_path: Path) -> None:
    """Every example of every help text, in the order of reading; those of bench are too long."""
    ran = set()
    data = [["data"], *(["data", c] for c in ("collect", "info", "check", "convert"))]
    for command in ([], ["train"], ["eval"], ["rollout"], ["envs"], *data):
        for line in examples_in(palaestra(*command, "--help").out):
            if line in ran:
                continue
            result = palaestra(*shlex.split(line), cwd=tmp_path)
            assert result.code == 0, f"{line}: {result.err}"
            if "--json" in line:
                json.loads(result.out)
            ran.add(line)
    assert len(ran) >= 20
    assert (tmp_path / "runs/pendulum/final.safetensors").exists()


def test_version() -> None:
    result = palaestra("--version")
    assert result.code == 0
    first, *rest = result.out.splitlines()
    assert re.fullmatch(r"palaestra \d+\.\d+\.\d+", first)
    text = "\n".join(rest)
    assert re.search(r"^commit ([0-9a-f]{12}(-dirty)?|unknown)$", text, re.MULTILINE)
    assert re.search(r"^compiler (GCC|clang) \d", text, re.MULTILINE)
    assert re.search(r"^instruction set x86-64-v3", text, re.MULTILINE)
    assert re.search(r"^MuJoCo 3\.17\.0$", text, re.MULTILINE)
    assert re.search(r"^Box2D 2\.4\.1$", text, re.MULTILINE)


def test_version_as_a_document(tmp_path: Path) -> None:
    for arguments in (["--version", "--json"], ["--json", "--version"]):
        result = palaestra(*arguments)
        assert result.code == 0
        assert {"version", "commit", "compiler", "mujoco", "box2d"} <= set(result.json)
    file = tmp_path / "version.json"
    assert palaestra("--version", f"--json={file}").out == ""
    assert json.loads(file.read_text())["mujoco"] == "3.17.0"


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    """On standard output exactly one document; everything for people goes to standard error."""
    run = tmp_path / "run"
    for command in (
        ["envs", "--no-speed"],
        ["rollout", "--env", "Pendulum-v1", "--steps", "20"],
        ["train", *TINY, "--out", run, "--force"],
        ["eval", run, "--episodes", "2"],
        ["report", run, "--out", tmp_path / "report.html"],
    ):
        for place in (["--json", *command], [*command, "--json"]):
            result = palaestra(*place)
            assert result.code == 0, result.err
            document, end = json.JSONDecoder().raw_decode(result.out)
            assert isinstance(document, dict)
            assert result.out[end:] == "\n"


def test_json_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    common = ["rollout", "--env", "Pendulum-v1", "--steps", "20"]
    result = palaestra(*common, f"--json={file}")
    assert result.code == 0
    assert result.out == ""
    assert json.loads(file.read_text())["steps"] == 20


def test_json_where_there_is_no_folder(tmp_path: Path) -> None:
    """That is said before the work, not after it."""
    started = time.monotonic()
    result = palaestra(
        *("rollout", "--env", "HalfCheetah-v5", "--n", 64, "--steps", 100_000_000),
        f"--json={tmp_path}/no/result.json",
        timeout=20,
    )
    assert result.code == 2
    assert "no folder" in result.err
    assert time.monotonic() - started < 10


def test_standard_output_that_cannot_be_written() -> None:
    envs = ["envs", "--no-speed"]
    for arguments in (envs, [*envs, "--json"], ["--help"], ["--version"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [BIN, *arguments],
                env=environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 2
        assert "standard output" in done.stderr


MISTAKES = {
    "no command": ([], "no command"),
    "command": (["trian"], 'did you mean "train"'),
    "option": (["rollout", "--evn", "Pendulum-v1"], 'did you mean "--env"'),
    "argument": (["eval", "a", "b"], '"b" is one too many'),
    "threads": (["envs", "--threads", "-1"], "-1"),
    "seed": (["envs", "--seed", "x"], '--seed is "x"; accepted: a whole number'),
    "negative": (["envs", "--seed", "-1"], "--seed is -1; accepted: 0 or more"),
    "fraction": (
        ["rollout", "--env", "Pendulum-v1", "--n", "1.5"],
        '--n is "1.5"; accepted',
    ),
    "pattern": (["envs", "Pendulun"], 'did you mean "Pendulum"'),
    "family": (["envs", "clasic"], 'did you mean "classic"'),
    "command with options": (["trian", "--env", "x"], 'unknown command "trian"'),
    "command with help": (["trian", "--help"], 'unknown command "trian"'),
    "command's command": (["data", "colect", "--help"], 'did you mean "collect"'),
    "nothing given": (["train", "--out", ""], "--out is empty"),
    "empty number": (["rollout", "--env", "Pendulum-v1", "--n", ""], '--n is ""'),
    "another base": (["rollout", "--env", "Pendulum-v1", "--n", "0x10"], "0x10"),
    "too large": (["envs", "--seed", "9" * 20], "a whole number below 2^63"),
    "policy": (
        ["rollout", "--env", "Pendulum-v1", "--policy", "randm"],
        'did you mean "random"',
    ),
    "mode": (["eval", "a", "--mode", "sampel"], 'did you mean "sample"'),
    "picture": (["render", "CartPole-v", "--out", "a.png"], "CartPole-v1"),
    "picture's pace": (
        ["render", "CartPole-v1", "--out", "a.gif", "--every", "0"],
        "--every is 0; accepted: 1 or more",
    ),
    "benchmark": (["bench", "reply"], 'did you mean "replay"'),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_end_with_code_2(name: str) -> None:
    arguments, message = MISTAKES[name]
    result = palaestra(*arguments)
    assert result.code == 2, result.err
    assert message in result.err
    assert result.err.startswith("palaestra: ")
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_an_interrupted_command_ends_with_code_130() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(
            *("rollout", "--env", "Pendulum-v1", "--n", 1000, "--steps", 100_000_000)
        )
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert out == ""
        assert "interrupted" in err


def test_no_progress_bar_off_a_terminal(tmp_path: Path) -> None:
    """Plain text, and in a short run no progress at all."""
    result = train(tmp_path / "run")
    assert result.code == 0
    assert "\r" not in result.err
    assert "\x1b" not in result.err + result.out
    assert "left" not in result.err
    assert "400 steps" in result.out


def test_quiet(tmp_path: Path) -> None:
    result = train(tmp_path / "run", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    again = train(tmp_path / "run", "--resume", "--quiet")
    assert (again.code, again.out, again.err) == (0, "", "")
    refused = train(tmp_path / "run", "--quiet")
    assert refused.code == 2
    assert refused.err != ""  # an error is no remark


def on_a_terminal(arguments: list[str | Path], env: dict[str, str | None]) -> str:
    """What the command writes to standard error when that is a terminal."""
    try:
        master, slave = pty.openpty()
    except OSError as error:  # a container without /dev/pts
        pytest.skip(f"no terminal can be made here: {error}")
    process = subprocess.Popen(
        [BIN, *map(str, arguments)],
        env=environment({"TERM": "xterm", "NO_COLOR": None, **env}),
        stdout=subprocess.DEVNULL,
        stderr=slave,
        stdin=subprocess.DEVNULL,
    )
    os.close(slave)
    text = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            piece = os.read(master, 65536) if ready else b""
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            break
        text += piece
    os.close(master)
    assert process.wait(timeout=60) == 0
    return text.decode()


@pytest.fixture(scope="module")
def bar() -> str:
    arguments = ["rollout", "--env", "HalfCheetah-v5", "--n", "64", "--steps", "1500"]
    return on_a_terminal([*arguments], {})


def test_progress_bar_on_a_terminal(bar: str) -> None:
    """One bar, drawn over itself, with rate and time left, and gone at the end."""
    assert "█" in bar
    assert re.search(r"[\d,]+/96,000 steps  [\d.]+ ?[kM]?/s  \d+ s left", bar)
    assert "\x1b[36m" in bar
    assert "\n" not in bar
    assert bar.endswith("\r\x1b[K")


def test_colours_and_dumb_terminals() -> None:
    arguments = ["rollout", "--env", "HalfCheetah-v5", "--n", "64", "--steps", "1000"]
    plain = on_a_terminal([*arguments], {"NO_COLOR": "1"})
    assert "█" in plain
    assert "\x1b[3" not in plain
    assert "\x1b[36m" in on_a_terminal([*arguments], {"NO_COLOR": ""})
    assert on_a_terminal([*arguments], {"TERM": "dumb"}) == ""
    assert on_a_terminal([*arguments, "--quiet"], {}) == ""


ENV_KEYS = {
    *("id", "family", "origin", "summary", "observation", "action", "time_limit"),
    *("observation_space", "action_space", "deterministic", "oracle", "info"),
    "render_fps",
    *("goal", "goal_widths"),
    "steps_per_s",
}


def test_envs() -> None:
    result = palaestra("envs", "--json")
    assert result.code == 0
    rows = result.json["envs"]
    ids = [row["id"] for row in rows]
    assert ids == sorted(ids)
    assert {"CartPole-v1", "Pendulum-v1", "HalfCheetah-v5", "Hopper-v5"} <= set(ids)
    for row in rows:
        assert set(row) == ENV_KEYS
        assert row["steps_per_s"] > 0
        assert row["oracle"]
    by_id = {row["id"]: row for row in rows}
    cheetah = by_id["HalfCheetah-v5"]
    assert cheetah["family"] == "mujoco"
    assert cheetah["origin"].startswith("gymnasium")
    assert cheetah["observation_space"]["shape"] == [17]
    assert cheetah["observation_space"]["low"] == [None] * 17
    assert cheetah["action_space"]["high"] == [1.0] * 6
    assert cheetah["time_limit"] == 1000
    assert by_id["CartPole-v1"]["action_space"] == {
        "kind": "discrete",
        "dtype": "int64",
        "n": 2,
    }


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            "pendulum",
            {
                "InvertedDoublePendulum-v5",
                "InvertedPendulum-v5",
                "Pendulum-v1",
                "dm_control/pendulum-swingup",
            },
        ),
        ("*Car?*-v1", {"CartPole-v1"}),
        ("*nCar*-v?", {"MountainCar-v0", "MountainCarContinuous-v0"}),
        ("mountaincar-v?", {"MountainCar-v0"}),
        (
            "classic",
            {
                "Acrobot-v1",
                "CartPole-v1",
                "MountainCar-v0",
                "MountainCarContinuous-v0",
                "Pendulum-v1",
            },
        ),
    ],
)
def test_envs_pattern(pattern: str, expected: set[str]) -> None:
    rows = palaestra("envs", pattern, "--json", "--no-speed").json["envs"]
    assert {row["id"] for row in rows} == expected
    assert all(row["steps_per_s"] is None for row in rows)


def test_envs_for_people() -> None:
    result = palaestra("envs", "Hopper-v5")
    assert result.code == 0
    for part in (
        "Hopper-v5",
        "gymnasium",
        "time limit",
        "1,000 steps",
        "steps/s",
        "oracle",
    ):
        assert part in result.out
