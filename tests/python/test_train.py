"""Training, loading and evaluating native agents from Python, beside the `palaestra` command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import palaestra
import pytest
from command_line import palaestra as command
from gymnasium import spaces

#: A run of a fraction of a second.
TINY: dict[str, Any] = {
    "env": "Pendulum-v1",
    "steps": 400,
    "hidden": [8, 8],
    "batch_size": 8,
    "learning_starts": 50,
    "updates_per_step": 0.5,
    "evaluate_every": 150,
    "evaluate_episodes": 2,
    "log_every": 60,
    "checkpoint_every": 64,
}
FINAL = "final.safetensors"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> palaestra.TrainResult:
    """Train once for all tests that only read."""
    return palaestra.train(
        **TINY, out=tmp_path_factory.mktemp("runs") / "tiny", seed=3, threads=1
    )


def test_a_run_is_what_the_command_would_have_written(
    run: palaestra.TrainResult, tmp_path: Path
) -> None:
    """The same weights to the byte, the same evaluations, the same settings, the same files."""
    settings = [f"{key}={value}" for key, value in TINY.items() if key != "env"]
    flags = [part for text in settings for part in ("--set", text)]
    result = command(
        "train", "--env", "Pendulum-v1", "--seed", 3, "--out", tmp_path / "run", *flags
    )
    assert result.code == 0, result.err
    theirs = tmp_path / "run"
    assert (run.run / FINAL).read_bytes() == (theirs / FINAL).read_bytes()
    assert (run.run / "config.toml").read_text() == (theirs / "config.toml").read_text()
    assert (run.run / "eval.jsonl").read_text() == (theirs / "eval.jsonl").read_text()
    assert json.loads((theirs / "meta.json").read_text()).keys() == run.meta.keys()

    def names(folder: Path) -> set[str]:
        return {f.name for f in folder.iterdir() if "tfevents" not in f.name}

    assert names(run.run) == names(theirs)


def test_a_result_reads_its_run(run: palaestra.TrainResult) -> None:
    """Steps, logs, evaluations, metadata, the learning-curve picture."""
    assert run.complete
    assert run.steps == 400
    assert run.meta["complete"] is True
    assert [line["step"] for line in run.evaluations] == [150, 300, 400]
    assert run.return_mean == run.evaluations[-1]["return_mean"]
    assert "critic_loss" in run.metrics[-1]
    assert (run.run / "curve.png").stat().st_size > 1_000


@pytest.mark.parametrize("threads", [1, 3])
def test_a_loaded_agent_evaluates_to_the_numbers_of_the_command(
    run: palaestra.TrainResult, threads: int
) -> None:
    """Returns, lengths and seeds are equal to the last bit, for any number of threads."""
    theirs = command("eval", run.run, "--episodes", 3, "--seed", 5, "--json").json
    mine = run.load(threads=threads).evaluate(3, seed=5)
    assert mine.returns.tolist() == theirs["returns"]
    assert mine.lengths.tolist() == theirs["lengths"]
    assert mine.seeds.tolist() == theirs["seeds"]
    assert mine.return_mean == pytest.approx(theirs["return_mean"], rel=1e-15)
    assert mine.return_std == pytest.approx(theirs["return_std"], rel=1e-12)


def test_mean_actions_replay_the_evaluation(run: palaestra.TrainResult) -> None:
    """A plain Python loop over ``act`` gives the returns that the evaluator found."""
    agent = palaestra.load(run.run)
    expected = agent.evaluate(2)
    for seed, value, length in zip(
        expected.seeds, expected.returns, expected.lengths, strict=True
    ):
        env = palaestra.make_vec("Pendulum-v1", 1, autoreset_mode="Disabled")
        observation, _ = env.reset(seed=[int(seed)])
        total = 0.0
        for _ in range(length):
            observation, reward, _, truncated, _ = env.step(agent.act(observation))
            total += float(reward[0])
        assert truncated.all()
        assert total == pytest.approx(value, rel=1e-9)


def test_the_blocks_of_a_file_are_the_policy(run: palaestra.TrainResult) -> None:
    """NumPy over the weights of ``final.safetensors`` chooses what the agent chooses."""
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(run.run / "final.safetensors", "np") as file:
        names = set(file.keys())
        weight = {
            layer: file.get_tensor(f"agent.actor.{layer}.weight").astype(float)
            for layer in ("hidden.0", "hidden.1", "output")
        }
        bias = {
            layer: file.get_tensor(f"agent.actor.{layer}.bias").astype(float)
            for layer in weight
        }
    assert all(name.startswith("agent.") for name in names - {"steps", "statistics"})
    observations = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    x = observations.astype(float)
    for layer in ("hidden.0", "hidden.1"):
        x = np.maximum(x @ weight[layer] + bias[layer], 0)
    mean = (x @ weight["output"] + bias["output"])[:, :1]
    chosen = palaestra.load(run.run).act(observations)
    np.testing.assert_allclose(chosen, 2 * np.tanh(mean), rtol=1e-4, atol=1e-5)


def test_actions_come_one_or_many_mean_or_drawn(run: palaestra.TrainResult) -> None:
    """Rows are independent; draws differ by row and step, and depend on nothing else."""
    agent, again = palaestra.load(run.run), palaestra.load(run.run, threads=3)
    random = np.random.default_rng(0)
    observations = random.normal(size=(500, 3))
    mean = agent.act(observations)
    assert mean.shape == (500, 1)
    assert mean.dtype == np.float32
    assert (np.abs(mean) <= 2).all()
    np.testing.assert_array_equal(again.act(observations.astype(np.float32)), mean)
    one = agent.act(observations[7])
    assert one.shape == (1,)
    np.testing.assert_array_equal(one, mean[7])
    first, second = (agent.act(observations, "sample") for _ in range(2))
    assert (first != second).mean() > 0.99
    np.testing.assert_array_equal(again.act(observations, "sample"), first)
    np.testing.assert_array_equal(again.act(observations, "sample", step=1), second)
    same_state = np.repeat(observations[:1], 500, axis=0)
    assert len(np.unique(agent.act(same_state, "sample"))) > 490
    actions, state = agent.predict(observations, deterministic=True)
    np.testing.assert_array_equal(actions, mean)
    assert state is None


def test_a_loaded_agent_knows_where_it_comes_from(run: palaestra.TrainResult) -> None:
    """Environment, spaces, settings, file."""
    agent = palaestra.load(run.run)
    assert (agent.name, agent.env_id) == ("sac", "Pendulum-v1")
    assert agent.updates == 175
    assert agent.settings["sac.batch_size"] == 8
    assert agent.settings["sac.hidden"] == [8, 8]
    assert agent.weights == run.run / FINAL
    assert agent.observation_space.shape == (3,)
    assert agent.action_space == spaces.Box(-2.0, 2.0, (1,), np.float32)
    assert repr(agent) == "<Agent sac on Pendulum-v1, 175 updates>"
    checkpoint = sorted((run.run / "checkpoints").iterdir())[0]
    assert palaestra.load(checkpoint).weights == checkpoint


def test_bad_observations_are_refused(run: palaestra.TrainResult) -> None:
    """Shapes, types, numbers, modes: the message says what was expected."""
    agent = palaestra.load(run.run)
    for observation, mode, text in [
        (np.zeros(4), "mean", r"\[4\], expected \[3\] or \[n, 3\]"),
        (np.zeros((2, 2)), "mean", r"\[2, 2\]"),
        (np.full(3, np.nan), "mean", "not finite"),
        ("left", "mean", "expected numbers"),
        (np.zeros(3), "best", "accepted: mean, sample"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            agent.act(observation, mode)
    with pytest.raises(palaestra.UserError, match="CartPole"):
        agent.evaluate(1, env="CartPole-v1")


def test_a_callback_sees_the_run_and_may_stop_it(tmp_path: Path) -> None:
    """A stopped run goes on to the bytes of an unbroken one; the settings must stay."""
    seen: list[palaestra.Progress] = []

    def stop_after_first_evaluation(progress: palaestra.Progress) -> bool:
        seen.append(progress)
        return progress.evaluation is None

    out = tmp_path / "run"
    stopped = palaestra.train(
        **TINY, out=out, seed=3, callback=stop_after_first_evaluation
    )
    assert not stopped.complete
    assert stopped.steps == 150
    assert not (out / FINAL).exists()
    assert seen[-1].total == 400
    assert seen[-1].updates == 50
    assert seen[-1].evaluation is not None
    assert len(seen[-1].evaluation.returns) == 2
    with pytest.raises(palaestra.UserError, match="seed was 3, is now 4"):
        palaestra.train(out=out, seed=4, resume=True)
    config = out / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("\nseed = 3", "\nseed = 4", 1))
    with pytest.raises(palaestra.UserError, match="must have been altered"):
        palaestra.train(out=out, resume=True)
    config.write_text(text)
    done = palaestra.train(out=out, resume=True, threads=2)
    assert done.complete
    whole = palaestra.train(**TINY, out=tmp_path / "whole", seed=3)
    assert (out / FINAL).read_bytes() == (whole.run / FINAL).read_bytes()


def test_an_exception_in_a_callback_ends_the_run_after_a_checkpoint(
    tmp_path: Path,
) -> None:
    """The caller sees his own exception."""

    def fail(progress: palaestra.Progress) -> None:
        if progress.evaluation is not None:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        palaestra.train(**TINY, out=tmp_path / "run", callback=fail)
    assert list((tmp_path / "run/checkpoints").iterdir())


def test_ctrl_c_writes_a_checkpoint_and_raises_keyboard_interrupt(
    tmp_path: Path,
) -> None:
    """A real signal to a real process."""
    code = (
        "import palaestra, sys\n"
        "try:\n"
        "    palaestra.train('Pendulum-v1', steps=10**7, out=sys.argv[1], hidden=[8, 8],\n"
        "                    batch_size=8, evaluate_episodes=0, threads=1, log_every=100)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(out)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GOMP_SPINCOUNT": "0"},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (
        not (out / "metrics.jsonl").exists()
        or (out / "metrics.jsonl").stat().st_size == 0
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "interrupted\n"
    assert palaestra.load(out).weights is not None
    assert json.loads((out / "meta.json").read_text())["complete"] is False


def test_ctrl_c_ends_an_evaluation(run: palaestra.TrainResult) -> None:
    """A signal that comes while episodes run raises KeyboardInterrupt soon."""
    agent = palaestra.load(run.run)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        agent.evaluate(100_000)
    assert time.monotonic() - start < 20
    assert len(agent.evaluate(1).returns) == 1


def test_other_python_threads_run_during_training(tmp_path: Path) -> None:
    """The interpreter lock is free while the run works."""
    worker = threading.Thread(
        target=palaestra.train,
        kwargs={**TINY, "steps": 4_000, "out": tmp_path / "run", "threads": 1},
    )
    ticks = 0
    worker.start()
    while worker.is_alive():
        ticks += 1
        time.sleep(0.002)
    assert ticks > 20
    assert (tmp_path / "run" / FINAL).exists()


def test_bad_settings_are_named_and_leave_no_folder(tmp_path: Path) -> None:
    """Environment, agent, key, value, type; and a folder that is in the way."""
    out = tmp_path / "run"
    good = {**TINY, "out": out}
    for change, text in [
        ({"env": "Pendulm-v1"}, 'did you mean "Pendulum-v1"'),
        ({"env": None}, "env is missing"),
        ({"agent": "sacc"}, 'did you mean "sac"'),
        ({"batchsize": 3}, "batch_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "many"}, "batch_size"),
        ({"sac": {"tau": 2.0}}, "tau"),
        ({"hidden": {1, 2}}, "a list of numbers"),
        ({"env": "CartPole-v1"}, "sac"),
        ({"env_options": {"gravity": 3.0}}, "gravity"),
        ({"config": tmp_path / "absent.toml"}, "absent.toml"),
        ({"env": 5}, "environment id is 5; accepted: a text"),
        ({"agent": 5}, "agent is 5; accepted: a text"),
        ({"threads": 1.5}, "threads is 1.5; accepted: an integer"),
        ({"resume": "a"}, "resume is 'a'; accepted: True or False"),
        ({"callback": 5}, "callback is 5; accepted: a function"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            palaestra.train(**(good | change))
        assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(palaestra.UserError, match=str(out)):
        palaestra.train(**good)
    palaestra.train(**good, force=True)
    assert (tmp_path / "run.1/mine.txt").read_text() == "keep"
    with pytest.raises(palaestra.UserError, match="no run at"):
        palaestra.load(tmp_path / "absent")
    with pytest.raises(palaestra.UserError, match="not a run folder"):
        palaestra.load(tmp_path / "run.1")


def test_options_of_the_environment_reach_the_run(tmp_path: Path) -> None:
    """As keyword arguments of Python; the agent that is loaded has the spaces that follow."""
    option = {"exclude_current_positions_from_observation": False}
    result = palaestra.train(
        **(TINY | {"env": "palaestra/Hopper-v5", "steps": 60, "checkpoint_every": 0}),
        env_options=option,
        out=tmp_path / "run",
    )
    agent = result.load()
    assert agent.observation_space.shape == (12,)
    assert (
        len(agent.evaluate(2, env_options=option).returns)
        == len(agent.evaluate(2).returns)
        == 2
    )


def test_an_agent_learns_in_a_loop_of_ones_own(tmp_path: Path) -> None:
    """Vector environment, replay buffer and agent put together: Q-values of a known answer."""
    settings = {"hidden": [32], "batch_size": 64, "critic_learning_rate": 3e-3}
    agent = palaestra.make_agent("sac", "Pendulum-v1", seed=1, **settings)
    buffer = palaestra.ReplayBuffer(agent.observation_space, agent.action_space, 1_000)
    random = np.random.default_rng(0)
    observation = random.normal(size=(1_000, 3)).astype(np.float32)
    never = np.zeros(1_000, bool)
    # without a future the value of a state is its reward: 3 everywhere
    buffer.extend(
        observation[:-1],
        random.uniform(-2, 2, (999, 1)).astype(np.float32),
        np.full(999, 3.0, np.float32),
        observation[1:],
        never[1:],
        never[1:],
    )
    assert agent.metrics() == {}
    for _ in range(800):
        agent.update(buffer.sample(64, discount=0.0))
    assert agent.updates == 800
    assert agent.metrics()["value"] == pytest.approx(3.0, abs=0.1)

    agent.save(tmp_path / "agent.safetensors")
    other = palaestra.make_agent("sac", "Pendulum-v1", seed=2, **settings)
    assert not np.array_equal(other.act(observation), agent.act(observation))
    other.load(tmp_path / "agent.safetensors")
    np.testing.assert_array_equal(other.act(observation), agent.act(observation))
    for one in (agent, other):
        one.update(buffer.sample(64)._replace(reward=np.ones(64, np.float32)))
    assert other.updates == agent.updates == 801
    with pytest.raises(palaestra.UserError, match="nothing was learnt"):
        agent.update(buffer.sample(64)._replace(discount=np.ones(3, np.float32)))
    with pytest.raises(palaestra.UserError, match="float32"):
        agent.update(buffer.sample(64)._replace(reward=np.ones(64)))
    with pytest.raises(palaestra.UserError, match="of no run"):
        palaestra.make_agent(
            "sac",
            observation_space=spaces.Box(-1, 1, (2,)),
            action_space=spaces.Box(-1, 1, (1,)),
        ).evaluate()
    with pytest.raises(palaestra.UserError, match="give env"):
        palaestra.make_agent("sac")


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    """The argument, its value, what is accepted."""
    make = palaestra.make_agent
    agent = make("sac", "Pendulum-v1", hidden=[8], seed=np.int64(1))
    state, states = np.zeros(3), np.zeros((2, 3))
    pendulum = {"env": "Pendulum-v1"}
    for call, text in [
        (lambda: make(5, "Pendulum-v1"), "name is 5; accepted: a text"),
        (lambda: make("sac", "Pendulum-v1", seed=-1), "seed is -1; accepted: an int"),
        (lambda: make("sac", "Pendulum-v1", threads=1.5), "threads is 1.5; accepted"),
        (lambda: agent.act(state, 5), "mode is 5; accepted: a text"),
        (lambda: agent.act(state, step=1.5), "step is 1.5; accepted: an integer"),
        (lambda: agent.player(1.5), "num_envs is 1.5; accepted: an integer"),
        (lambda: agent.player(2).act(states, begins="a"), "begins is 'a'; accepted"),
        (lambda: agent.player(2).act(states, "a"), "reward is 'a'; accepted: numbers"),
        (lambda: agent.evaluate(1.5, **pendulum), "episodes is 1.5; accepted: an int"),
        (lambda: agent.evaluate(1, **pendulum, seed=-1), "seed is -1; accepted"),
        (lambda: agent.evaluate(1, **pendulum, policy=5), "policy is 5; accepted"),
        (lambda: agent.evaluate(1, **pendulum, env_options=5), "env_options is 5"),
        (lambda: agent.evaluate(1, env=5), "environment id is 5; accepted: a text"),
        (lambda: palaestra.load(tmp_path, threads="a"), "threads is 'a'; accepted"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()
