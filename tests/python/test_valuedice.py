"""ValueDICE from the command line: same bits for any threads and cut, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tomllib
from command_line import palaestra as command
from offline_data import write

TINY = [
    *("--seed", 3, "--set", "hidden=16", "--set", "batch_size=16"),
    *("--set", "evaluate_every=60", "--set", "evaluate_episodes=2"),
    *("--set", "checkpoint_every=30", "--set", "keep_checkpoints=9"),
]
ARGUMENTS: dict[str, list[Any]] = {
    "valuedice": [*("--steps", 120), *("--set", "learning_starts=40", "--set", "n=2")],
    "valuedice_offline": ["--steps", 120],
}
BOTH = pytest.mark.parametrize("agent", list(ARGUMENTS))


def lean(observation: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Push the cart under its pole: it falls all the same, but late."""
    angle, turning = observation[1], observation[3]
    return np.array([np.clip(2 * angle + 0.3 * turning, -3, 3)], np.float32)


@pytest.fixture(scope="module")
def poles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three demonstrations that end early, so that there are absorbing states."""
    path = tmp_path_factory.mktemp("data") / "poles-v0"
    write(path, "InvertedPendulum-v5", lean, 3)
    return path


def train(agent: str, poles: Path, run: Path, *arguments: Any) -> Any:
    return command(
        *("train", "--agent", agent, "--data", poles, *TINY, *ARGUMENTS[agent]),
        *("--out", run, *arguments),
    )


def bits_of(run: Path) -> tuple[bytes, ...]:
    return tuple(
        (run / name).read_bytes()
        for name in ("final.safetensors", "eval.jsonl", "config.toml")
    )


@BOTH
def test_neither_threads_nor_cuts_change_a_bit(
    agent: str, poles: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(agent, poles, whole, "--threads", 1).code == 0
    assert train(agent, poles, cut, "--threads", 3).code == 0
    assert bits_of(cut) == bits_of(whole)
    for name in ("final.safetensors", "meta.json", "curve.png"):
        (cut / name).unlink()
    newest = sorted((cut / "checkpoints").iterdir())
    assert len(newest) >= 3
    for file in newest[1:]:
        file.unlink()
    result = train(agent, poles, cut, "--resume", "--threads", 2)
    assert result.code == 0, result.err
    assert bits_of(cut) == bits_of(whole)

    row = json.loads((whole / "metrics.jsonl").read_text().splitlines()[-1])
    assert row["kl_estimate"] == -row["objective"]
    rows = 32 if agent == "valuedice" else 16
    assert 1 <= row["effective_rows"] <= rows


def test_a_run_has_the_defaults_of_the_authors(poles: Path, tmp_path: Path) -> None:
    for agent in ARGUMENTS:
        run = tmp_path / agent
        assert train(agent, poles, run).code == 0
        settings = tomllib.loads((run / "config.toml").read_text())
        assert settings["normalize_observations"] is True
        assert settings[agent]["absorbing"] is True
        if agent == "valuedice":
            assert settings["updates_per_step"] == 5
            assert settings["offline_steps"] == 0
            assert settings[agent]["replay_share"] == 0.1
        else:
            assert settings["offline_steps"] == -1
            assert settings[agent]["replay_share"] == 0


@pytest.mark.parametrize(
    ("agent", "change", "message"),
    [
        ("valuedice", "offline_steps=10", "offline_steps is 10; accepted: 0"),
        ("valuedice", "discount=1", "discount is 1; accepted: below 1"),
        ("valuedice", "replay_share=1", "replay_share is 1; accepted: below 1"),
        ("valuedice", "replay_share=2", "replay_share"),
        ("valuedice_offline", "replay_share=0.1", "replay_share is 0.1; accepted: 0"),
        ("valuedice_offline", "offline_steps=0", "offline_steps is 0; accepted: -1"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    poles: Path, tmp_path: Path, agent: str, change: str, message: str
) -> None:
    result = train(agent, poles, tmp_path / "run", "--set", change)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "run").exists()
