"""Training on recorded data from Python, beside the `palaestra` command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from command_line import palaestra as command
from offline_data import balance, walk, write

TINY: dict[str, Any] = {
    "agent": "bc",
    "steps": 300,
    "hidden": [16],
    "batch_size": 16,
    "evaluate_every": 150,
    "evaluate_episodes": 2,
    "log_every": 60,
    "checkpoint_every": 64,
    "normalize_observations": True,
    "best_share": 0.5,
}


@pytest.fixture(scope="module")
def poles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes of a law that balances a pole."""
    path = tmp_path_factory.mktemp("data") / "poles-v0"
    write(path, "CartPole-v1", balance, 8)
    return path


@pytest.fixture(scope="module")
def run(poles: Path, tmp_path_factory: pytest.TempPathFactory) -> palaestra.TrainResult:
    """Train once for all tests that only read."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return palaestra.train(data=poles, out=out, seed=3, threads=1, **TINY)


def test_a_run_is_what_the_command_would_have_written(
    run: palaestra.TrainResult, poles: Path, tmp_path: Path
) -> None:
    """The same settings, weights and evaluations, to the byte."""
    settings = {key: str(value).lower() for key, value in TINY.items()}
    flags = [part for key in settings for part in ("--set", f"{key}={settings[key]}")]
    agent = flags.index("agent=bc")
    del flags[agent - 1 : agent + 1]
    result = command(
        *("train", "--data", poles, "--agent", "bc", "--seed", 3),
        *("--out", tmp_path / "run", *flags),
    )
    assert result.code == 0, result.err
    for name in ("final.safetensors", "config.toml", "eval.jsonl"):
        assert (run.run / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    assert run.steps == 300
    assert run.metrics[-1]["updates"] == 300


def test_choices_come_one_or_many_as_whole_numbers(run: palaestra.TrainResult) -> None:
    """Gymnasium takes them as they come; draws differ by row and step."""
    agent = run.load()
    assert agent.env_id == "CartPole-v1"
    assert isinstance(agent.action_space, gymnasium.spaces.Discrete)
    observations = np.random.default_rng(1).normal(size=(300, 4))
    actions = agent.act(observations)
    assert actions.shape == (300,)
    assert actions.dtype == np.int64
    assert set(actions.tolist()) == {0, 1}
    one = agent.act(observations[7])
    assert one == actions[7]
    assert agent.action_space.contains(one)
    draws = [agent.act(observations, "sample") for _ in range(2)]
    assert (draws[0] != draws[1]).any()
    env = gymnasium.make("palaestra/CartPole-v1")
    observation, _ = env.reset(seed=1)
    for _ in range(10):
        observation, *_ = env.step(agent.act(observation))
    assert (
        agent.evaluate(3, seed=5).returns.tolist()
        == (
            command("eval", run.run, "--episodes", 3, "--seed", 5, "--json").json[
                "returns"
            ]
        )
    )


def test_states_that_are_counted(tmp_path: Path) -> None:
    """A clone of the way over the lake, from numbers of states to numbers of actions."""
    write(tmp_path / "ways-v0", "FrozenLake-v1", walk, 2, is_slippery=False)
    result = palaestra.train(
        data=tmp_path / "ways-v0",
        agent="bc",
        steps=300,
        out=tmp_path / "run",
        hidden=[32],
        learning_rate=0.01,
        evaluate_episodes=2,
    )
    assert result.return_mean == 1
    agent = result.load()
    assert [agent.act(state) for state in (0, 4, 8, 9, 13, 14)] == [1, 1, 2, 1, 2, 2]
    assert agent.act(np.array([0, 8])).tolist() == [1, 2]
    with pytest.raises(palaestra.UserError, match="16 is no choice"):
        agent.act(16)


def test_a_loop_of_ones_own(poles: Path) -> None:
    """`make_agent` and minibatches of a buffer that a data set has filled."""
    demos = palaestra.data.open_data_set(poles)
    buffer = demos.to_buffer()
    agent = palaestra.make_agent("bc", "CartPole-v1", hidden=[32], seed=1)
    losses = []
    for _ in range(200):
        agent.update(buffer.sample(128))
        losses.append(agent.metrics()["loss"])
    assert losses[-1] < 0.5 * losses[0]
    episode = demos[0]
    wanted = np.asarray(episode.actions)
    assert (agent.act(episode.observations[:-1]) == wanted).mean() > 0.9


def test_resumed_and_moved(poles: Path, tmp_path: Path) -> None:
    """A callback stops the run; it goes on to the bytes of an unbroken one."""
    settings = TINY | {"steps": 4000}
    whole = palaestra.train(data=poles, out=tmp_path / "whole", **settings)
    cut = palaestra.train(
        data=poles, out=tmp_path / "run", callback=lambda _: False, **settings
    )
    assert not cut.complete
    assert cut.steps < 4000
    moved = tmp_path / "moved-v0"
    poles.rename(moved)
    try:
        resumed = palaestra.train(
            data=moved, out=tmp_path / "run", resume=True, threads=2
        )
    finally:
        moved.rename(poles)
    assert resumed.complete
    weights = [r.run / "final.safetensors" for r in (whole, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_what_cannot_work_is_an_error_that_says_why(
    poles: Path, tmp_path: Path
) -> None:
    """Names, spaces, kinds of agents."""
    for message, arguments in {
        "env is missing": {"agent": "bc"},
        "are Box": {"data": poles, "env": "Pendulum-v1", "agent": "bc"},
        "Discrete": {"data": poles, "agent": "sac"},
        "n is 3": {"data": poles, "agent": "bc", "n": 3},
        "data_share is 0.5": {"env": "Pendulum-v1", "data_share": 0.5},
        "nowhere": {"data": tmp_path / "nowhere", "agent": "bc"},
    }.items():
        with pytest.raises(palaestra.UserError, match=message):
            palaestra.train(out=tmp_path / "run", **arguments)
        assert not (tmp_path / "run").exists()
