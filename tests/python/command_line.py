"""The `palaestra` executable as a black box: how tests run it and read what it leaves."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(
    os.environ.get("PALAESTRA_BIN", ROOT / "build/release/bin/palaestra")
).resolve()

#: Settings that make a run take a fraction of a second.
TINY = [
    *("--env", "Pendulum-v1", "--steps", "400"),
    *("--set", "sac.hidden=8,8", "--set", "sac.batch_size=8"),
    *("--set", "learning_starts=50", "--set", "updates_per_step=0.5"),
    *("--set", "evaluate_every=150", "--set", "evaluate_episodes=2"),
    *("--set", "log_every=60", "--set", "checkpoint_every=64"),
]

#: Members of metrics.jsonl that a clock decides.
TIMES = {"steps_per_s", "cpu_s", "wall_s"}


@dataclass
class Result:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The caller's environment with changes; None takes a variable away."""
    merged = {**os.environ, **(extra or {})}
    return {key: value for key, value in merged.items() if value is not None}


def palaestra(
    *arguments: str | Path | int,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    timeout: float = 120,
) -> Result:
    """Run the command to its end."""
    done = subprocess.run(
        [BIN, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def start(
    *arguments: str | Path | int,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
) -> subprocess.Popen[str]:
    """Start the command and leave it running."""
    return subprocess.Popen(
        [BIN, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def train(out: Path, *arguments: str, **keywords: Any) -> Result:
    """Train the tiny agent; later arguments win where the command lets them."""
    return palaestra("train", *TINY, "--out", out, *arguments, **keywords)


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def metrics_of(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what a clock decides."""
    return [
        {key: value for key, value in row.items() if key not in TIMES}
        for row in lines_of(run / "metrics.jsonl")
    ]


def bits_of(run: Path) -> tuple[bytes, bytes, list[dict[str, Any]]]:
    """Everything of a finished run that must not depend on threads, cuts or load."""
    return (
        (run / "final.safetensors").read_bytes(),
        (run / "eval.jsonl").read_bytes(),
        metrics_of(run),
    )


def examples_in(text: str) -> list[str]:
    """The lines under "Examples:" of a help text, without the name of the program."""
    return re.findall(r"^  palaestra (.*)$", text, re.MULTILINE)


def files_in(folder: Path) -> set[str]:
    """Relative names of all files below a folder."""
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """TFRecord's disguise of a checksum."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The (number, value) pairs of a protocol-buffer message."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            raw = message[position : position + size]
            yield number, struct.unpack("<d" if kind == 1 else "<f", raw)[0]
            position += size
        else:
            assert kind == 2, f"wire type {kind}"
            size = varint()
            yield number, message[position : position + size]
            position += size


@dataclass
class Event:
    """One record of a TensorBoard file."""

    time: float
    step: int
    version: str
    values: dict[str, float]


def events_of(file: Path) -> list[Event]:
    """Read a TensorBoard event file and check every checksum."""
    data, position, found = file.read_bytes(), 0, []
    while position < len(data):
        head = data[position : position + 8]
        (length,) = struct.unpack("<Q", head)
        (head_crc,) = struct.unpack("<I", data[position + 8 : position + 12])
        assert head_crc == masked(crc32c(head))
        body = data[position + 12 : position + 12 + length]
        (body_crc,) = struct.unpack(
            "<I", data[position + 12 + length : position + 16 + length]
        )
        assert body_crc == masked(crc32c(body))
        position += 16 + length
        event = Event(0.0, 0, "", {})
        for number, value in fields(body):
            if number == 1:
                event.time = value
            elif number == 2:
                event.step = value
            elif number == 3:
                event.version = value.decode()
            elif number == 5:
                for _, summary in fields(value):
                    parts = dict(fields(summary))
                    event.values[parts[1].decode()] = parts[2]
        found.append(event)
    return found
