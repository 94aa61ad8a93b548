"""Agents that learn from recorded episodes alone, act from histories and promise a return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from command_line import palaestra as command
from offline_data import write
from palaestra import curve

TINY: dict[str, dict[str, Any]] = {
    "doc": {"hidden": [16], "latent": 4, "batch_size": 16, "bank_windows": 64},
    "doc_transformer": {
        "context": 3,
        "future": 2,
        "width": 8,
        "layers": 1,
        "hidden": [8],
        "latent": 4,
        "batch_size": 8,
        "bank_windows": 64,
    },
    "decision_transformer": {"context": 3, "width": 8, "layers": 1, "batch_size": 8},
    "return_bc": {"hidden": [16], "batch_size": 16},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes of random steps over slippery ice."""
    path = tmp_path_factory.mktemp("data") / "lake-v0"
    random = np.random.default_rng(3)
    write(path, "FrozenLake-v1", lambda _: int(random.integers(4)), 30)
    return path


@pytest.fixture(scope="module", params=sorted(TINY))
def run(
    request: pytest.FixtureRequest,
    lake: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> palaestra.TrainResult:
    """One short run of each agent."""
    return palaestra.train(
        data=lake,
        agent=request.param,
        steps=40,
        out=tmp_path_factory.mktemp("runs") / request.param,
        seed=3,
        threads=1,
        evaluate_episodes=3,
        **TINY[request.param],
    )


def test_what_is_promised_is_said_everywhere(run: palaestra.TrainResult) -> None:
    """In the run's log, by the command and in Python: the same numbers, mean actions or draws."""
    line = run.evaluations[-1]
    assert line["promised_mean"] == pytest.approx(np.mean(line["promised"]))
    assert line["gap"] == pytest.approx(line["promised_mean"] - line["return_mean"])
    agent = run.load()
    for mode in ("mean", "sample"):
        told = command(
            *("eval", run.run, "--episodes", 20, "--seed", 7, "--mode", mode, "--json")
        ).json
        result = agent.evaluate(20, seed=7, mode=mode)
        assert told["mode"] == mode
        assert told["returns"] == result.returns.tolist()
        assert result.promised is not None
        assert told["promised"] == result.promised.tolist()
        assert told["gap"] == pytest.approx(result.gap)
        assert told["lengths"] == result.lengths.tolist()
    assert "gap" in command("eval", run.run, "--episodes", 2).out
    with pytest.raises(palaestra.UserError, match="mode is"):
        agent.evaluate(2, mode="median")


def test_the_curve_shows_the_promise_beside_the_return(
    run: palaestra.TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last point of each line is the last evaluation's."""
    figures: list[Any] = []
    monkeypatch.setattr("matplotlib.pyplot.close", figures.append)
    curve.draw(run.run)
    lines = {line.get_label(): line for line in figures[0].axes[0].get_lines()}
    last = run.evaluations[-1]
    for label, key in {
        "evaluation mean": "return_mean",
        "promised when the episodes began": "promised_mean",
    }.items():
        x, y = lines[label].get_data()
        assert (x[-1], y[-1]) == (last["step"], pytest.approx(last[key]))


def test_what_is_asked_for(run: palaestra.TrainResult, lake: Path) -> None:
    """Asked for a return they promise the best of the data; DoC promises its own value."""
    best = max(episode.rewards.sum() for episode in palaestra.data.open_data_set(lake))
    promised = run.load().evaluate(5).promised
    assert promised is not None
    if run.load().name in ("decision_transformer", "return_bc"):
        assert (promised == best).all()
    else:
        assert np.isfinite(promised).all()
        assert (promised != best).any()


def test_a_player_goes_on_as_an_evaluation_does(run: palaestra.TrainResult) -> None:
    """By hand in the loop of Gymnasium, from the same seeds: equal returns and promises."""
    agent = run.load()
    result = agent.evaluate(4, seed=0)  # counts steps from 0, as a player does
    assert result.promised is not None
    for episode, seed in enumerate(result.seeds):
        env = gymnasium.make("palaestra/FrozenLake-v1")
        player = agent.player(4)  # candidates for a latent are drawn by row
        observation, _ = env.reset(seed=int(seed))
        reward, total, length, done = 0.0, 0.0, 0, False
        while not done:
            # a first observation is one by default; what comes after is not
            actions = player.act(np.full(4, observation), np.full(4, reward))
            action = actions[episode]
            observation, reward, terminated, truncated, _ = env.step(action)
            total, length, done = total + reward, length + 1, terminated or truncated
        assert total == result.returns[episode]
        assert length == result.lengths[episode]
        assert player.promised is not None
        assert player.promised[episode] == result.promised[episode]


def test_many_episodes_at_once(run: palaestra.TrainResult) -> None:
    """Rows do not know of each other, and begin when they are told to."""
    agent = run.load(threads=2)
    together, single = agent.player(100), agent.player()
    random = np.random.default_rng(0)
    for step in range(6):
        observations = random.integers(16, size=100)
        rewards = random.normal(size=100)
        begins = np.full(100, step == 0)
        begins[::3] |= step == 4
        actions = together.act(observations, rewards, begins)
        assert actions.shape == (100,)
        assert single.act(observations[0], rewards[0], begins[0]) == actions[0]
        if step == 0:
            assert (agent.act(observations) == actions).all()


def test_what_a_player_is_not_told_is_an_error(run: palaestra.TrainResult) -> None:
    agent = run.load()
    player = agent.player(2)
    player.act(np.array([0, 1]))
    for message, arguments in {
        "reward is missing": ([0, 1],),
        "reward has shape": ([0, 1], [0.0]),
        "not finite": ([0, 1], [0.0, np.nan]),
        "there are 3 observations": ([0, 1, 2], [0.0, 0.0]),
        "begins has shape": ([0, 1], [0.0, 0.0], [True]),
    }.items():
        with pytest.raises(palaestra.UserError, match=message):
            player.act(*arguments)
    with pytest.raises(palaestra.UserError, match="num_envs is 0"):
        agent.player(0)
    with pytest.raises(palaestra.UserError, match="learns from windows"):
        agent.update(
            {
                "observation": np.zeros((1, 1), np.float32),
                "action": np.zeros((1, 1), np.float32),
                "reward": np.zeros(1, np.float32),
                "discount": np.zeros(1, np.float32),
                "next_observation": np.zeros((1, 1), np.float32),
            }
        )


def test_an_agent_without_a_history_plays_too() -> None:
    """It promises nothing, and does what it does at any observation."""
    agent = palaestra.make_agent("bc", "CartPole-v1", hidden=[8])
    player = agent.player(3)
    observations = np.random.default_rng(0).normal(size=(3, 4))
    assert (player.act(observations) == agent.act(observations)).all()
    assert player.promised is None
    result = agent.evaluate(2, env="CartPole-v1")
    assert result.promised is None
    assert result.gap is None


def test_refusals(lake: Path, tmp_path: Path) -> None:
    """Without a data set, with another one's scale, and half online."""
    for agent in TINY:
        for message, arguments in {
            "learns from returns of whole episodes": {"env": "FrozenLake-v1"},
            "normalize_observations is true": {
                "data": lake,
                "normalize_observations": True,
            },
            "offline_steps is 3": {"data": lake, "offline_steps": 3},
        }.items():
            with pytest.raises(palaestra.UserError, match=message):
                palaestra.train(agent=agent, out=tmp_path / "run", **arguments)
            assert not (tmp_path / "run").exists()
    untrained = palaestra.make_agent("doc", "FrozenLake-v1")
    with pytest.raises(palaestra.UserError, match="before it has seen a data set"):
        untrained.act(0)


def test_a_data_set_that_says_nothing_of_returns(lake: Path, tmp_path: Path) -> None:
    """A reward that is no number is refused by name."""
    import shutil

    import h5py

    path = tmp_path / "broken-v0"
    shutil.copytree(lake, path)
    with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
        del file["episode_3/rewards"]
    metadata = json.loads((path / "data" / "metadata.json").read_text())
    assert metadata["total_episodes"] == 30
    with pytest.raises(palaestra.UserError, match="reward"):
        palaestra.train(data=path, agent="doc", out=tmp_path / "run")
