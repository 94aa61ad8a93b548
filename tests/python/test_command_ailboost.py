"""`palaestra train --agent ailboost`: two policies of a run, warnings, and the same bits."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path
from typing import Any

import palaestra as package
import pytest
from command_line import BIN, bits_of, environment, lines_of, palaestra

#: A run of a fraction of a second: five rounds of 50 + 20 steps, ten control steps each.
TINY = [
    *("--set", "learning_starts=50", "--set", "wrap.action_repeat=10"),
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


def boost(
    demos: Path, run: Path, *arguments: Any, agent: str = "ailboost", steps: int = 400
) -> Any:
    return palaestra(
        *("train", "--agent", agent, "--data", demos, "--steps", steps, *TINY),
        *("--out", run, *arguments),
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


def test_drawn_actions_are_evaluated_beside_mean_ones(
    demos: Path, whole: Path, tmp_path: Path
) -> None:
    """Both ways of both policies, and none of it in what is learnt."""
    line = lines_of(whole / "eval.jsonl")[-1]
    ways = ["", "sampled/", "ensemble/", "ensemble/sampled/"]
    assert len({tuple(line[f"{way}returns"]) for way in ways}) == len(ways)
    plain = boost(demos, tmp_path / "plain", "--set", "evaluate_sampled=false")
    assert plain.code == 0, plain.err
    alone = lines_of(tmp_path / "plain" / "eval.jsonl")[-1]
    assert alone == {key: line[key] for key in line if "sampled/" not in key}
    final = "final.safetensors"
    assert (tmp_path / "plain" / final).read_bytes() == (whole / final).read_bytes()


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
        result = boost(demos, cut, "--resume", steps=steps)
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
    again = boost(demos, tmp_path / "few", "--resume", "--json")
    (warning,) = again.json["warnings"]
    assert f"warning: {warning}" in result.err
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


def test_the_warning_is_of_learners_that_there_are(demos: Path, tmp_path: Path) -> None:
    """The first policy is gone where two learners, or the rows of two, are kept."""
    for name, setting in (("learners", "max_learners=2"), ("rows", "capacity=40")):
        result = boost(demos, tmp_path / name, "--set", setting)
        assert result.code == 0, result.err
        assert "the oldest of the 2 learners that are kept then has 95 %" in result.err
        assert "first policy" not in result.err
        last = lines_of(tmp_path / name / "metrics.jsonl")[-1]
        assert last["learners"] == 2
        assert last["oldest_mass"] == pytest.approx(0.95)


def test_a_run_begins_with_its_rounds(demos: Path, tmp_path: Path) -> None:
    """For people, where results for people go; whether or not there are enough of them."""
    line = "ailboost: 5 rounds of 70 steps, 5 learners kept; 2 / alpha = 2.2, 5 / alpha = 5.6\n"
    many = ("--set", "alpha=0.9")
    plain = boost(demos, tmp_path / "plain", *many)
    assert plain.code == 0, plain.err
    assert plain.out.startswith(line)
    machine = boost(demos, tmp_path / "machine", *many, "--json")
    assert machine.json["complete"]
    assert line in machine.err
    quiet = boost(demos, tmp_path / "quiet", *many, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    control = boost(demos, tmp_path / "control", agent="ailboost_uniform")
    assert control.out.startswith(
        "ailboost_uniform: 5 rounds of 70 steps, 5 learners kept, all weighted alike\n"
    )


@pytest.mark.parametrize("key", ["round_steps", "samples_per_round"])
@pytest.mark.parametrize("value", ["0", "1000000000000", "9223372036854775807"])
def test_rounds_that_no_run_has_are_refused(
    key: str, value: str, demos: Path, tmp_path: Path
) -> None:
    result = boost(demos, tmp_path / "run", "--set", f"{key}={value}")
    assert result.code == 2
    assert (
        f"ailboost.{key} is {value}; accepted: integer, 1 to 1000000000" in result.err
    )
    assert not (tmp_path / "run").exists()


def test_rounds_without_the_memory_are_blamed_by_name(
    demos: Path, tmp_path: Path
) -> None:
    eight = 8 << 30
    command = [
        *(
            BIN,
            "train",
            "--agent",
            "ailboost",
            "--data",
            demos,
            "--steps",
            "100",
            *TINY,
        ),
        *("--set", "round_steps=1000000000", "--out", tmp_path / "run"),
    ]
    result = subprocess.run(
        [str(word) for word in command],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (eight, eight)),
    )
    assert result.returncode == 2, result.stderr
    assert "round_steps is 1000000000: there is not enough memory" in result.stderr
    assert "capacity" not in result.stderr


@pytest.mark.parametrize(
    ("agent", "others"), [("ailboost", ()), ("dac", ("discriminator.loss=rkl",))]
)
def test_advice_on_the_discriminator_works_as_typed(
    agent: str, others: tuple[str, ...], demos: Path, tmp_path: Path
) -> None:
    """What a message tells to set is set as it stands, and then the run begins."""

    def run(*settings: str) -> Any:
        return palaestra(
            *("train", "--agent", agent, "--data", demos, "--steps", 40),
            *("--set", "wrap.action_repeat=10", "--set", "evaluate_episodes=0"),
            *("--set", "learning_starts=20", "--set", "sac.hidden=8"),
            *("--set", "discriminator.hidden=8", "--out", tmp_path / "run"),
            *(word for setting in settings for word in ("--set", setting)),
        )

    wrong = (*others, "discriminator.reward=gail")
    result = run(*wrong)
    assert result.code == 2
    assert 'discriminator.reward is "gail"' in result.err
    advice = result.err.strip().rsplit("accepted with it: ", 1)[1]
    assert advice == "discriminator.loss=js"
    result = run(*wrong, advice)
    assert result.code == 0, result.err


def test_demonstrations_are_needed(tmp_path: Path) -> None:
    result = palaestra(
        *("train", "--agent", "ailboost", "--env", "Pendulum-v1", "--steps", 100),
        *("--out", tmp_path / "run"),
    )
    assert result.code == 2
    assert "data is missing" in result.err
    assert not (tmp_path / "run").exists()
