"""`palaestra train --agent ailboost`: two policies of a run, warnings, and the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import palaestra as package
import pytest
from command_line import bits_of, lines_of, palaestra

#: A run of a fraction of a second: five rounds of 50 + 20 steps, ten control steps each.
TINY = [
    *(
        "--steps",
        "400",
        "--set",
        "learning_starts=50",
        "--set",
        "wrap.action_repeat=10",
    ),
    *("--set", "updates_per_step=1", "--set", "round_steps=50"),
    *("--set", "samples_per_round=20", "--set", "discriminator_steps=5"),
    *("--set", "sac.hidden=8", "--set", "sac.batch_size=8"),
    *("--set", "discriminator.hidden=8", "--set", "discriminator.batch_size=8"),
    *("--set", "evaluate_every=150", "--set", "evaluate_episodes=3"),
    *("--set", "log_every=60", "--set", "checkpoint_every=64"),
]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of random torques, ten control steps each."""
    path = tmp_path_factory.mktemp("data") / "demos-v0"
    result = palaestra(
        *("data", "collect", "--env", "Pendulum-v1", "--wrap", "action_repeat=10"),
        *("--episodes", 2, "--out", path),
    )
    assert result.code == 0, result.err
    return path


@pytest.fixture(scope="module")
def whole(demos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run on one thread."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    result = boost(demos, run, "--threads", "1")
    assert result.code == 0, result.err
    return run


def boost(demos: Path, run: Path, *arguments: Any, agent: str = "ailboost") -> Any:
    return palaestra(
        *("train", "--agent", agent, "--data", demos, *TINY, "--out", run, *arguments)
    )


def test_both_policies_are_evaluated(whole: Path) -> None:
    """In one line, from the same seeds; the last line is that of the last policy, as ever."""
    lines = lines_of(whole / "eval.jsonl")
    assert [line["step"] for line in lines] == [150, 300, 400]
    for line in lines:
        assert len(line["ensemble/returns"]) == len(line["returns"]) == 3
        assert line["ensemble/lengths"] == line["lengths"] == [20, 20, 20]
    assert lines[-1]["ensemble/returns"] != lines[-1]["returns"]
    last = lines_of(whole / "metrics.jsonl")[-1]
    # 50 at random, then 20 + 50 a round: five rounds end before step 400
    assert last["rounds"] == last["learners"] == 5
    assert last["discriminator_updates"] == 25
    assert last["oldest_mass"] == pytest.approx(0.95**4)
    assert last["effective_learners"] == pytest.approx(
        1 / (0.95**8 + sum((0.05 * 0.95**age) ** 2 for age in range(4)))
    )
    assert last["discriminator_kl_bound"] == pytest.approx(
        1 - last["discriminator_divergence"]
    )
    assert (whole / "curve.png").exists()


def test_any_policy_is_evaluated_by_name(whole: Path) -> None:
    """The command and the package agree, and all four ways to act differ."""
    returns = {}
    agent = package.load(whole)
    assert agent.policies == ["ensemble"]
    for policy in ("", "ensemble"):
        for mode in ("mean", "sample"):
            result = palaestra(
                *("eval", whole, "--episodes", 6, "--json"),
                *(("--policy", policy) if policy else ()),
                *("--mode", mode),
            )
            assert result.code == 0, result.err
            assert result.json["policy"] == policy
            assert result.json["mode"] == mode
            theirs = agent.evaluate(6, policy=policy, mode=mode)
            assert theirs.returns.tolist() == result.json["returns"]
            returns[policy, mode] = tuple(result.json["returns"])
    assert len(set(returns.values())) == 4


def test_a_policy_that_there_is_not(whole: Path) -> None:
    result = palaestra("eval", whole, "--policy", "ensembel")
    assert result.code == 2
    assert 'did you mean "ensemble"?' in result.err
    with pytest.raises(package.UserError, match="no policy"):
        package.load(whole).evaluate(1, policy="best")


def test_the_same_bytes_for_any_threads_and_cuts(
    demos: Path, whole: Path, tmp_path: Path
) -> None:
    three = tmp_path / "three"
    assert boost(demos, three, "--threads", "3").code == 0
    assert bits_of(three) == bits_of(whole)
    cut = tmp_path / "cut"
    for steps in (83, 131, 290, 400):
        result = boost(demos, cut, "--steps", steps, "--resume")
        assert result.code == 0, result.err
    whole_final = (whole / "final.safetensors").read_bytes()
    assert (cut / "final.safetensors").read_bytes() == whole_final


def test_too_few_rounds_are_warned_of(demos: Path, tmp_path: Path) -> None:
    """Five rounds are fewer than 2 / 0.05; the control has no such weights."""
    result = boost(demos, tmp_path / "few")
    assert "warning: ailboost: 5 rounds of 70 steps are fewer than 2 / alpha = 40" in (
        result.err
    )
    assert "alpha >= 5 / rounds" in result.err
    assert "81 % of the ensemble" in result.err  # 0.95^4
    assert "rounds" not in boost(demos, tmp_path / "many", "--set", "alpha=0.9").err
    control = boost(demos, tmp_path / "control", agent="ailboost_uniform")
    assert control.code == 0, control.err
    assert "warning" not in control.err
    with pytest.warns(UserWarning, match="fewer than 2 / alpha"):
        package.train(
            data=demos,
            agent="ailboost",
            steps=100,
            out=tmp_path / "python",
            learning_starts=50,
            discriminator_steps=1,
            evaluate_episodes=0,
        )


def test_demonstrations_are_needed(tmp_path: Path) -> None:
    result = palaestra(
        *("train", "--agent", "ailboost", "--env", "Pendulum-v1", "--steps", 100),
        *("--out", tmp_path / "run"),
    )
    assert result.code == 2
    assert "data is missing" in result.err
    assert not (tmp_path / "run").exists()
