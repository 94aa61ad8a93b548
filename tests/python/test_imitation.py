"""Agents that imitate: `palaestra train --agent dac --data`, and the same from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import palaestra
import pytest
import tomllib
from command_line import palaestra as command
from offline_data import write

TINY = [
    *("--agent", "dac", "--steps", 240, "--seed", 3),
    *("--set", "learning_starts=40", "--set", "n=2", "--set", "data_episodes=2"),
    *("--set", "dac.sac.hidden=16", "--set", "dac.sac.batch_size=16"),
    *(
        "--set",
        "dac.discriminator.hidden=16",
        "--set",
        "dac.discriminator.batch_size=8",
    ),
    *("--set", "evaluate_every=120", "--set", "evaluate_episodes=2"),
    *("--set", "checkpoint_every=60", "--set", "keep_checkpoints=9"),
]


def lean(observation: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Push the cart under its pole: it falls all the same, but late."""
    angle, turning = observation[1], observation[3]
    return np.array([np.clip(2 * angle + 0.3 * turning, -3, 3)], np.float32)


@pytest.fixture(scope="module")
def poles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three demonstrations that end early."""
    path = tmp_path_factory.mktemp("data") / "poles-v0"
    write(path, "InvertedPendulum-v5", lean, 3)
    return path


def train(poles: Path, run: Path, *arguments: Any) -> Any:
    return command("train", "--data", poles, *TINY, "--out", run, *arguments)


@pytest.fixture(scope="module")
def whole(poles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the run that others are compared with."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    result = train(poles, run, "--threads", 1)
    assert result.code == 0, result.err
    return run


def bits_of(run: Path) -> tuple[bytes, ...]:
    return tuple(
        (run / name).read_bytes()
        for name in ("final.safetensors", "eval.jsonl", "config.toml")
    )


def test_the_agent_has_defaults_of_its_own_which_the_run_writes_down(
    whole: Path,
) -> None:
    settings = tomllib.loads((whole / "config.toml").read_text())
    assert settings["offline_steps"] == 0
    assert settings["data_episodes"] == 2
    assert settings["dac"]["absorbing"] is True
    assert settings["dac"]["discriminator"]["loss"] == "js"
    help_text = command("train", "--help").out
    assert "offline_steps = 0 (for this agent)" in help_text
    assert "learning_starts = 1000 (for this agent)" in help_text


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(
    whole: Path, poles: Path, tmp_path: Path, threads: int
) -> None:
    assert train(poles, tmp_path / "run", "--threads", threads).code == 0
    assert bits_of(tmp_path / "run") == bits_of(whole)


RETURNS = [
    *("--set", "n_step=3", "--set", "precondition=true"),
    *("--set", "preconditioner.hidden=8", "--set", "preconditioner.threshold=0.1"),
]


@pytest.mark.parametrize(
    "rewards", [[], ["--set", "rewards=stored", "--set", "absorbing=false"], RETURNS]
)
def test_a_run_that_is_cut_ends_in_the_same_bits(
    poles: Path, tmp_path: Path, rewards: list[str]
) -> None:
    """Cut at its checkpoints, in the middle of episodes."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert train(poles, whole, *rewards).code == 0
    assert train(poles, run, *rewards).code == 0
    for name in ("final.safetensors", "meta.json", "curve.png"):
        (run / name).unlink()
    newest = sorted((run / "checkpoints").iterdir())
    assert len(newest) >= 3
    for file in newest[1:]:
        file.unlink()
    result = train(poles, run, *rewards, "--resume", "--threads", 2)
    assert result.code == 0, result.err
    assert bits_of(run) == bits_of(whole)


def test_what_is_logged(whole: Path) -> None:
    row = json.loads((whole / "metrics.jsonl").read_text().splitlines()[-1])
    for key in (
        "critic_loss",
        "reward",
        "discriminator_loss",
        "discriminator_js_bound",
    ):
        assert np.isfinite(row[key])
    assert row["discriminator_policy_slope_mean"] > 0


def test_returns_of_several_steps_and_scaled_rewards(
    poles: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert train(poles, run, *RETURNS).code == 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").open()]
    scales = [row["reward_scale"] for row in rows if "reward_scale" in row]
    assert all(0.7 <= scale <= 1 for scale in scales)
    assert min(scales) < 1
    assert rows[-1]["dynamics_excess"] > 0
    assert rows[-1]["dynamics_loss"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data_episodes=4", "data_episodes is 4; accepted: 0 (all) to 3"),
        ("offline_steps=10", "offline_steps is 10; accepted: 0"),
        ("data_share=0.5", "data_share is 0.5; accepted: -1"),
        ("dac.rewards=stored", "absorbing is true; accepted: false"),
        (
            "dac.discriminator.penalty=gp",
            "accepted: one of none, wgan, dragan, nagard, bare",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    poles: Path, tmp_path: Path, change: str, message: str
) -> None:
    result = train(poles, tmp_path / "run", "--set", change)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "run").exists()


def test_without_demonstrations_there_is_nothing_to_imitate(tmp_path: Path) -> None:
    result = command(
        *("train", "--env", "Pendulum-v1", "--agent", "dac", "--steps", 10),
        *("--out", tmp_path / "run"),
    )
    assert result.code == 2
    assert "data is empty; accepted: a data set" in result.err


def test_a_loop_of_ones_own_imitates() -> None:
    """Rows of both sides, one number wider than what the agent acts from."""
    agent = palaestra.make_agent(
        "dac",
        "Pendulum-v1",
        sac={"hidden": [8], "batch_size": 6},
        discriminator={"hidden": [8], "batch_size": 4},
    )

    def rows(count: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
        random = np.random.default_rng(seed)
        wide = random.normal(size=(2, count, 4)).astype(np.float32)
        wide[..., -1] = 0
        return {
            "observation": wide[0],
            "next_observation": wide[1],
            "action": random.uniform(-2, 2, (count, 1)).astype(np.float32),
            "reward": np.zeros(count, np.float32),
            "discount": np.full(count, 0.99, np.float32),
        }

    own = rows(6, 0)
    agent.imitate(own, rows(4, 1))
    own["reward"] = agent.judge(own)
    assert own["reward"].shape == (6,)
    assert np.unique(own["reward"]).size == 6
    agent.update(own)
    assert agent.updates == 1
    assert agent.metrics()["reward"] == pytest.approx(own["reward"].mean())
    assert np.isfinite(agent.metrics()["discriminator_loss"])
    with pytest.raises(palaestra.UserError, match="the batch has 5 rows, expected 6"):
        agent.imitate(rows(5, 0), rows(4, 1))
    narrow = {
        key: np.ascontiguousarray(values[:, :3]) if values.ndim > 1 else values
        for key, values in rows(6, 0).items()
    }
    with pytest.raises(palaestra.UserError, match='"observation" of the batch has 18'):
        agent.update(narrow)
    narrow["reward"] = np.arange(6, dtype=np.float32)
    unjudged = palaestra.make_agent("sac", "Pendulum-v1").judge(narrow)
    assert np.array_equal(unjudged, narrow["reward"])
    with pytest.raises(palaestra.UserError, match="imitates no demonstrations"):
        palaestra.make_agent("sac", "Pendulum-v1").imitate(rows(6, 0), rows(4, 1))
    assert agent.updates == 1
