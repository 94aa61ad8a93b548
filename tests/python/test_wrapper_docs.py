"""docs/wrappers.md tells the truth: its examples run, its table is that of the package."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from command_line import ROOT, palaestra
from palaestra import wrappers

PAGE = (ROOT / "docs" / "wrappers.md").read_text()


def blocks(language: str) -> list[str]:
    """Code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_python_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    """As they stand."""
    assert len(blocks("python")) == 1
    for block in blocks("python"):
        exec(compile(block, "wrappers.md", "exec"), {})
    assert "[" in capsys.readouterr().out


def test_commands_run(tmp_path: Path) -> None:
    """In order, in one folder."""
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) >= 5
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "palaestra"
        result = palaestra(*arguments, cwd=tmp_path)
        assert result.code == 0, f"{line}: {result.err}"


def test_cpp_blocks_are_examples_that_are_built_and_run() -> None:
    """Each is the end of a file of examples/cpp."""
    examples = [path.read_text() for path in (ROOT / "examples/cpp").glob("*.cc")]
    assert blocks("cpp")
    for block in blocks("cpp"):
        assert any(example.endswith(block) for example in examples)


def test_the_table_names_every_wrapper_and_its_settings() -> None:
    """Class by class."""
    rows = dict(re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", PAGE, re.MULTILINE))
    kinds = {kind.__name__: kind for kind in wrappers.Wrapper.__subclasses__()}
    assert rows.keys() == kinds.keys()
    for name, kind in kinds.items():
        fields = [field.name for field in dataclasses.fields(kind)]
        named = [item.split("=")[0] for item in rows[name].split(", ") if item]
        assert named == fields, name


def test_a_run_in_wrappers_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Resumed, and from its own config.toml; evaluations use the statistics of training."""
    settings = []
    for setting in (
        "hidden=16,16",
        "evaluate_episodes=2",
        "learning_starts=50",
        "wrap.normalize_observation=true",
        "wrap.normalize_reward=true",
        "wrap.frame_stack=2",
        "wrap.transition_noise=0.5",
        "wrap.reward_noise=0.2",
        "wrap.action_repeat=2",
    ):
        settings += ["--set", setting]
    common = ["train", "--env", "Pendulum-v1", "--n", "2", *settings, "--quiet"]

    def run(*arguments: str) -> None:
        result = palaestra(*arguments, cwd=tmp_path)
        assert result.code == 0, result.err

    run(*common, "--steps", "300", "--out", "whole", "--threads", "2")
    run(*common, "--steps", "150", "--out", "halves")
    run("train", "--out", "halves", "--steps", "300", "--resume", "--quiet")
    run("train", "--config", "whole/config.toml", "--out", "again", "--quiet")
    expected = (tmp_path / "whole/final.safetensors").read_bytes()
    assert (tmp_path / "halves/final.safetensors").read_bytes() == expected
    assert (tmp_path / "again/final.safetensors").read_bytes() == expected

    import palaestra as package

    agent = package.load(tmp_path / "whole")
    assert [wrapper.name for wrapper in agent.wrappers] == [
        "transition_noise",
        "action_repeat",
        "reward_noise",
        "normalize_observation",
        "frame_stack",
        "normalize_reward",
    ]
    evaluation = agent.evaluate(2)
    envs = agent.make_vec(2, autoreset_mode="Disabled")
    observation, _ = envs.reset(seed=evaluation.seeds.tolist())
    before = envs.get_statistics()
    ended = False
    while not ended:
        observation, _, terminated, truncated, info = envs.step(agent.act(observation))
        ended = bool((terminated | truncated).all())
    assert info["episode_return"].tolist() == evaluation.returns.tolist()
    assert envs.get_statistics().tolist() == before.tolist()
    assert before.tolist() == agent.statistics.tolist()
    # the count: 2 first observations, 300 steps, and one first observation a new episode
    assert before[0] >= 302
