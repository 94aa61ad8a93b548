"""Every example runs, and does what its page says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from oracles import scratch_folder

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "python"


def load(name: str) -> ModuleType:
    """Import one example by its path."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_vector_rollout(capsys: pytest.CaptureFixture[str]) -> None:
    """The feedback law balances the pole most of the time."""
    assert load("vector_rollout").main(num_envs=64, steps=1000) > 300
    assert "episodes" in capsys.readouterr().out


def test_drop_in() -> None:
    """The original's steps, to the tenth decimal."""
    with scratch_folder():
        assert load("drop_in").main(steps=100) <= 1e-10


def test_train_sac(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pendulum ends upright: random torque earns some -1,200."""
    assert load("train_sac").main(str(tmp_path / "run")) > -400
    assert "of 6,000: return" in capsys.readouterr().out
    assert (tmp_path / "run/curve.png").exists()


def test_clone(tmp_path: Path) -> None:
    """The pupil swings up as well as its teacher, from the record alone."""
    teacher, pupil = load("clone").main(str(tmp_path / "clone"))
    assert teacher > -400
    assert pupil > -450


def test_promises(tmp_path: Path) -> None:
    """Asked for 1 it pulls either arm in half of the pulls; DoC pulls the better one."""
    results = load("promises").main(str(tmp_path / "promises"))
    asked, doc = results["return_bc"], results["doc"]
    assert asked.promised is not None
    assert (asked.promised == 1).all()
    assert doc.promised is not None
    assert 0.35 < asked.return_mean < 0.65
    assert doc.return_mean > 0.85
    assert abs(doc.promised.mean() - doc.return_mean) < 0.2


def test_imitate(tmp_path: Path) -> None:
    """The pupil swings up after one episode of its expert, whose rewards it never sees."""
    expert, pupil = load("imitate").main(str(tmp_path / "imitate"))
    assert expert > -400
    assert pupil > -500


def test_own_loop() -> None:
    """The same, with the loop in Python."""
    before, after = load("own_loop").main()
    assert before < -800
    assert after > -400


def test_hindsight() -> None:
    """All goals are reached, where hardly any is by chance."""
    assert load("hindsight").main() > 0.9


def test_every_example_has_a_test() -> None:
    """A new file in the folder needs a test here."""
    tested = {
        name.removeprefix("test_") for name in globals() if name.startswith("test_")
    }
    examples = {file.stem for file in FOLDER.glob("*.py")}
    assert examples
    assert examples <= tested
