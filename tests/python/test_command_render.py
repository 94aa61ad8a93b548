"""`palaestra render`: pictures that other programs open, of what was asked for."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import palaestra as package
import pytest
from command_line import examples_in, files_in, palaestra, start, train
from PIL import Image


def render(*arguments: str | Path | int, **keywords: Any) -> dict[str, Any]:
    """The JSON document of a command that works."""
    result = palaestra("render", *arguments, "--json", **keywords)
    assert result.code == 0, result.err
    return result.json


def pictures_of(file: Path) -> list[np.ndarray]:
    """Every picture of a clip, decoded by somebody else."""
    if file.suffix == ".gif":
        clip = Image.open(file)
        frames = []
        for k in range(clip.n_frames):
            clip.seek(k)
            frames.append(np.array(clip.convert("RGB")))
        return frames
    reader = imageio_ffmpeg.read_frames(str(file))
    width, height = next(reader)["size"]
    return [np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in reader]


def episode(env_id: str, steps: int, **keywords: Any) -> list[np.ndarray]:
    """The pictures of an episode under the policy `zero`."""
    env = package.make_vec(env_id, 1, seed=4, **keywords)
    frames = list(env.render())
    action = np.zeros(env.action_space.shape, env.action_space.dtype)
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(action)
        frames += env.render()
        if terminated[0] or truncated[0]:
            break
    return frames


def test_a_png_is_the_last_state_to_the_bit(tmp_path: Path) -> None:
    """Of N steps, or of the episode's end."""
    file = tmp_path / "a.png"
    options = ("CartPole-v1", "--policy", "zero", "--seed", 4, "--out", file)
    document = render(*options, "--steps", 5)
    expected = episode("CartPole-v1", 5)
    np.testing.assert_array_equal(np.array(Image.open(file)), expected[-1])
    assert document["pictures"] == 1
    assert document["steps"] == 5
    assert document["fps"] is None
    document = render(*options, "--force")
    expected = episode("CartPole-v1", 200)
    assert document["steps"] == len(expected) - 1 < 20
    assert document["return"] == document["steps"]
    assert document["terminated"] is True
    np.testing.assert_array_equal(np.array(Image.open(file)), expected[-1])
    assert files_in(tmp_path) == {"a.png", "a.png.1"}  # what --force moved aside


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_clip_has_a_picture_for_each_step(tmp_path: Path, ending: str) -> None:
    """As many as it says, of that size and speed, showing the episode."""
    file = tmp_path / f"clip.{ending}"
    document = render(
        *("CartPole-v1", "--policy", "zero", "--seed", 4, "--steps", 6, "--out", file)
    )
    expected = episode("CartPole-v1", 6)
    frames = pictures_of(file)
    assert len(frames) == document["pictures"] == len(expected) == 7
    assert document["fps"] == 50
    for mine, theirs in zip(frames, expected, strict=True):
        assert mine.shape == theirs.shape == (400, 600, 3)
        difference = np.abs(mine.astype(int) - theirs.astype(int))
        assert difference.mean() < 1.5  # a film halves the colours' resolution
        if ending == "gif":
            assert difference.max() <= 8
    if ending == "gif":
        assert Image.open(file).info["duration"] == 20  # ms
    else:
        _, seconds = imageio_ffmpeg.count_frames_and_secs(str(file))
        assert seconds == pytest.approx(7 / 50, abs=0.01)
    assert files_in(tmp_path) == {file.name}


def test_a_mujoco_task_is_followed_and_slowed(tmp_path: Path) -> None:
    """125 pictures per second are too many for a GIF: it has every third; sizes are free."""
    file = tmp_path / "hopper.GIF"
    document = render(
        *(
            "Hopper-v5",
            "--steps",
            7,
            "--size",
            "61x40",
            "--seed",
            4,
            "--policy",
            "zero",
        ),
        *("--out", file),
    )
    assert document["pictures"] == 4  # steps 0, 3, 6 and the last
    assert document["fps"] == pytest.approx(125 / 3)
    frames = pictures_of(file.rename(tmp_path / "hopper.gif"))
    tracked = {"camera_name": "track", "width": 61, "height": 40}
    expected = episode("Hopper-v5", 7, **tracked)
    assert [f.shape for f in frames] == [(40, 61, 3)] * 4
    for mine, k in zip(frames, (0, 3, 6, 7), strict=True):
        assert np.abs(mine.astype(int) - expected[k].astype(int)).mean() < 6


def test_sizes_that_film_players_do_not_take(tmp_path: Path) -> None:
    """An odd side gets a border of one pixel."""
    file = tmp_path / "odd.mp4"
    render("Pendulum-v1", "--steps", 3, "--size", "101x77", "--out", file)
    assert {f.shape for f in pictures_of(file)} == {(78, 102, 3)}


def test_a_run_is_shown_by_its_agent(tmp_path: Path) -> None:
    """The run's environment and options; another policy on demand."""
    assert train(tmp_path / "run", "--env-options", "g=5").code == 0
    document = render(tmp_path / "run", "--steps", 4, "--out", tmp_path / "a.png")
    assert document["env"] == "Pendulum-v1"
    assert document["policy"] == "sac"
    other = ("--policy", "zero", "--out", tmp_path / "b.png")
    assert render(tmp_path / "run", "--steps", 4, *other)["policy"] == "zero"
    again = ("--policy", tmp_path / "run", "--env-options", "g=5")
    same = render("Pendulum-v1", "--steps", 4, *again, "--out", tmp_path / "c.png")
    assert same["return"] == document["return"]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "c.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


ERRORS = [
    (("CartPole-v1", "--out", "a.jpg"), "ends in .png, .gif or .mp4"),
    (("CartPole-v1", "--out", "a"), "ends in .png"),
    (("CartPole-v1", "--out", "no/such/a.png"), "there is no folder no/such"),
    (("CartPole-v1", "--out", "taken.gif"), "exists; --force moves it aside"),
    (("CartPol-v1", "--out", "a.png"), 'did you mean "CartPole-v1"'),
    (("somewhere", "--out", "a.png"), "neither an environment"),
    (("CartPole-v1", "--out", "a.png", "--steps", "-1"), "--steps is -1; accepted: 0"),
    (("CartPole-v1", "--out", "a.gif", "--fps", "60"), "--every K leaves pictures out"),
    (("CartPole-v1", "--out", "a.gif", "--fps", "0.5"), "whole number"),
    (("CartPole-v1", "--out", "a.gif", "--every", "-2"), "--every is -2"),
    (("CartPole-v1", "--out", "a.png", "--size", "9"), "WIDTHxHEIGHT"),
    (("CartPole-v1", "--out", "a.png", "--size", "0x20"), "WIDTHxHEIGHT"),
    (("CartPole-v1", "--out", "a.png", "--policy", "best"), "accepted: random, zero"),
    (("Hopper-v5", "--out", "a.png", "--env-options", "camera_name=x"), "camera_name"),
    (("CartPole-v1",), "--out"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_bad_input(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A message that says what is accepted, code 2, and no file."""
    (tmp_path / "taken.gif").write_text("mine")
    result = palaestra("render", *arguments, cwd=tmp_path)
    assert result.code == 2, result.err
    assert message in result.err
    assert files_in(tmp_path) == {"taken.gif"}
    assert (tmp_path / "taken.gif").read_text() == "mine"


def test_without_ffmpeg_a_clip_is_refused_and_a_picture_is_not(tmp_path: Path) -> None:
    """The message names the packages; a broken ffmpeg's own words are passed on."""
    bare = {"PALAESTRA_PYTHON": "/nowhere/python", "PATH": str(tmp_path)}
    clip = ("render", "CartPole-v1", "--steps", "2", "--out", tmp_path / "a.mp4")
    result = palaestra(*clip, env=bare)
    assert result.code == 2
    assert "pip install imageio-ffmpeg" in result.err
    result = palaestra(*clip[:-1], tmp_path / "a.png", env=bare)
    assert result.code == 0, result.err

    fake = tmp_path / "ffmpeg"
    fake.write_text(
        f"#!{shutil.which('sh')}\n"
        '[ "$1" = -version ] && exit 0\n'
        "echo no space left >&2; exit 3\n"
    )
    fake.chmod(0o755)
    result = palaestra(*clip, env={"PALAESTRA_FFMPEG": str(fake)})
    assert result.code == 2
    assert "ffmpeg ended with 3: no space left" in result.err
    assert files_in(tmp_path) == {"a.png", "ffmpeg"}
    result = palaestra(*clip, env={"PALAESTRA_FFMPEG": "/nowhere"})
    assert result.code == 2
    assert "PALAESTRA_FFMPEG" in result.err


def test_an_interrupted_clip_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle."""
    process = start(
        *("render", "Pendulum-v1", "--env-options", "g=1", "--steps", "1000000"),
        *("--out", "long.mp4", "--every", "1", "--size", "2000x2000"),
        cwd=tmp_path,
    )
    while not files_in(tmp_path):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not files_in(tmp_path)


def test_help_and_quiet(tmp_path: Path) -> None:
    """The examples work as typed; --quiet leaves the one line of the result."""
    text = palaestra("render", "--help").out
    for example in examples_in(text):
        if "runs/" not in example:
            result = palaestra(*example.split(), cwd=tmp_path)
            assert result.code == 0, result.err
    result = palaestra(
        "render",
        "CartPole-v1",
        "--steps",
        "1",
        "--out",
        "q.png",
        "--quiet",
        cwd=tmp_path,
    )
    assert result.err == ""
    assert result.out.startswith("q.png: 1 picture of 600 x 400")
