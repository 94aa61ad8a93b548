"""IQ-Learn from the command line and from Python: beside collected rows, and offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import palaestra
import pytest
from command_line import palaestra as command
from offline_data import balance, write

TINY = [
    *("--agent", "iqlearn", "--steps", 160, "--seed", 3),
    *("--set", "iqlearn.hidden=16", "--set", "iqlearn.batch_size=16"),
    *("--set", "evaluate_every=80", "--set", "evaluate_episodes=2"),
    *("--set", "checkpoint_every=40", "--set", "keep_checkpoints=9"),
]
BESIDE = ["--set", "learning_starts=40", "--set", "n=2"]
FORMS = {
    "online": BESIDE,
    "offline": ["--set", "offline_steps=-1"],
    "both": [*BESIDE, "--set", "offline_steps=60"],
}


@pytest.fixture(scope="module")
def poles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "poles-v0"
    write(path, "CartPole-v1", balance, 10)
    return path


@pytest.fixture(scope="module")
def swings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "swings-v0"
    result = command(
        *("data", "collect", "--env", "Pendulum-v1", "--episodes", 2, "--out", path)
    )
    assert result.code == 0, result.err
    return path


def bits_of(run: Path) -> tuple[bytes, ...]:
    return tuple(
        (run / name).read_bytes()
        for name in ("final.safetensors", "eval.jsonl", "config.toml")
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data", ["poles", "swings"])
def test_threads_and_cuts_do_not_change_a_bit(
    data: str, form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    demonstrations = request.getfixturevalue(data)

    def train(run: Path, *arguments: Any) -> None:
        result = command(
            *("train", "--data", demonstrations, *TINY, *FORMS[form], "--out", run),
            *arguments,
        )
        assert result.code == 0, result.err

    whole, run = tmp_path / "whole", tmp_path / "run"
    train(whole, "--threads", 1)
    train(run, "--threads", 3)
    assert bits_of(run) == bits_of(whole)
    for name in ("final.safetensors", "meta.json", "curve.png"):
        (run / name).unlink()
    newest = sorted((run / "checkpoints").iterdir())
    assert len(newest) >= 3
    for file in newest[1:]:
        file.unlink()
    train(run, "--resume", "--threads", 2)
    assert bits_of(run) == bits_of(whole)
    row = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert np.isfinite(row["expert_reward"])
    assert (row["own_reward"] == 0) == (form == "offline")
    assert ("actor_loss" in row) == (data == "swings")


def test_ten_episodes_alone_teach_it_to_balance(poles: Path, tmp_path: Path) -> None:
    """Offline, with the authors' settings of choices; a random policy stands for 22 steps."""
    run = tmp_path / "run"
    result = command(
        *("train", "--data", poles, "--agent", "iqlearn", "--steps", 3_000),
        *("--set", "offline_steps=-1", "--set", "demonstration_every=20"),
        *("--set", "target_network=false", "--set", "temperature=0.001"),
        *("--set", "hidden=64,64", "--set", "activation=elu", "--set", "batch_size=32"),
        *("--set", "critic_learning_rate=1e-4", "--set", "initialization=uniform"),
        *("--set", "evaluate_every=0", "--set", "evaluate_episodes=20", "--out", run),
    )
    assert result.code == 0, result.err
    evaluation = json.loads((run / "eval.jsonl").read_text().splitlines()[-1])
    assert evaluation["return_mean"] > 450


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("n_step=3", "n_step is 3; accepted: 1"),
        ("data_share=0.5", "data_share is 0.5; accepted: -1"),
        ("value_term=values", "accepted: one of value, value_expert, v0"),
        ("chi2_scale=0", "chi2_scale"),
        ("absorbing=true", "absorbing is true; accepted: false, since actions"),
        ("learn_temperature=true", "learn_temperature is true; accepted: false"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    poles: Path, tmp_path: Path, change: str, message: str
) -> None:
    result = command(
        *("train", "--data", poles, *TINY, "--out", tmp_path / "run", "--set", change)
    )
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "run").exists()


def test_a_loop_of_ones_own_imitates_and_asks_for_the_reward() -> None:
    agent = palaestra.make_agent("iqlearn", "Pendulum-v1", hidden=[8], batch_size=6)

    def rows(count: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
        random = np.random.default_rng(seed)
        return {
            "observation": random.normal(size=(count, 3)).astype(np.float32),
            "next_observation": random.normal(size=(count, 3)).astype(np.float32),
            "action": random.uniform(-2, 2, (count, 1)).astype(np.float32),
            "reward": np.zeros(count, np.float32),
            "discount": np.full(count, 0.99, np.float32),
        }

    agent.imitate(rows(6, 0), rows(4, 1))
    agent.imitate(rows(0, 0), rows(4, 1))  # demonstrations alone
    assert agent.updates == 2
    assert agent.metrics()["own_reward"] == 0
    with pytest.raises(palaestra.UserError, match="the batch has 7 rows"):
        agent.imitate(rows(7, 0), rows(4, 1))
    with pytest.raises(palaestra.UserError, match="learns from demonstrations"):
        agent.update(rows(6, 0))
    assert agent.updates == 2

    steps = rows(200, 2)
    said = agent.judge(steps)
    assert said.shape == (200,)
    ended = agent.judge({**steps, "discount": np.zeros(200, np.float32)})
    half = agent.judge({**steps, "discount": np.full(200, 0.495, np.float32)})
    # r = Q - discount V(s'): linear in the discount
    np.testing.assert_allclose(half, 0.5 * (said + ended), rtol=0, atol=1e-5)
    assert np.abs(said - ended).max() > 1e-2
