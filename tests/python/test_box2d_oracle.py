"""Gymnasium's Box2D tasks, recorded afresh and rebuilt by ours: see tests/golden."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import palaestra
import pytest
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SEEDS = range(100, 104)  # none that the kept recordings have

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
sys.path.insert(0, str(GOLDEN))
import make_box2d_transcripts as recorder  # noqa: E402


@pytest.mark.parametrize("hardcore", [False, True])
def test_fresh_walkers_stand_where_ours_do(tmp_path: Path, hardcore: bool) -> None:
    """Record new seeds under the kept names and let the tests of C++ follow them."""
    tests = Path(os.environ["PALAESTRA_BIN"]).parent / "envs_tests"
    if not tests.is_file():
        pytest.skip("only the developer's build has C++ tests")
    kept = load_file(GOLDEN / "box2d" / "BipedalWalker.safetensors")
    name = "hardcore" if hardcore else "plain"
    env = recorder.make("BipedalWalker-v3", hardcore=hardcore)
    for k, seed in enumerate(SEEDS):
        fresh = recorder.transcript(env, seed, recorder.seeded_policy(env, seed), 5)
        kept |= recorder.parts_of(f"{name}{k}", fresh)
    save_file(kept, tmp_path / "BipedalWalker.safetensors")
    result = subprocess.run(
        [tests, "-tc=box2d transcript: the walker*"],
        env={**os.environ, "PALAESTRA_BOX2D_RECORDINGS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # the horizon of the best recording is one of those that were replaced
    failures = [line for line in result.stdout.splitlines() if "ERROR" in line]
    assert re.search(r"test cases: +1 \|", result.stdout), result.stdout
    assert all("max_element" in line for line in failures), result.stdout


def test_spaces_are_the_original_s() -> None:
    """Compare observation and action spaces, and the time limit, with Gymnasium's."""
    for env_id in palaestra.env_ids():
        spec = palaestra.spec(env_id)
        if spec.family != "box2d" or not spec.origin.startswith("gymnasium"):
            continue
        theirs = gymnasium.make(env_id, disable_env_checker=True)
        ours = gymnasium.make(f"palaestra/{env_id}", disable_env_checker=True)
        assert ours.observation_space == theirs.observation_space, env_id
        assert ours.action_space == theirs.action_space, env_id
        assert spec.time_limit == gymnasium.spec(env_id).max_episode_steps


@pytest.mark.parametrize(
    ("env_id", "options"),
    [
        ("LunarLander-v3", {"continuous": True, "enable_wind": True}),
        ("BipedalWalker-v3", {"hardcore": True}),
        ("CarRacing-v3", {"continuous": False, "domain_randomize": True}),
        ("CarRacing-v3", {"lap_complete_percent": 0.5}),
    ],
)
def test_the_original_s_options_are_taken(
    env_id: str, options: dict[str, bool]
) -> None:
    """Make both with the same keywords and step both with the same action."""
    theirs = gymnasium.make(env_id, disable_env_checker=True, **options)
    ours = gymnasium.make(f"palaestra/{env_id}", disable_env_checker=True, **options)
    assert ours.action_space == theirs.action_space
    theirs.action_space.seed(1)
    for env in (ours, theirs):
        env.reset(seed=1)
    for _ in range(3):
        action = theirs.action_space.sample()
        a, b = ours.step(action), theirs.step(action)
        assert a[0].shape == b[0].shape
        assert a[0].dtype == b[0].dtype


def test_a_reset_keeps_colours_like_the_original_s() -> None:
    """``options={"randomize": False}`` keeps what the episode before was painted in."""

    def field(env: gymnasium.Env, options: dict[str, bool] | None) -> tuple[int, ...]:
        pixels = env.reset(seed=3, options=options)[0][:84].reshape(-1, 3)
        pixels = pixels[pixels.any(axis=1)]  # black lies beyond the field
        colors, counts = np.unique(pixels, axis=0, return_counts=True)
        return tuple(colors[counts.argmax()])

    for env_id in ("CarRacing-v3", "palaestra/CarRacing-v3"):
        env = gymnasium.make(env_id, domain_randomize=True, disable_env_checker=True)
        first = field(env, None)
        env.reset(seed=5)
        other = field(env, {"randomize": False})
        assert first != other, env_id
        assert field(env, {"randomize": False}) == other, env_id
        assert field(env, {"randomize": True}) == first, env_id
        plain = gymnasium.make(env_id, disable_env_checker=True)
        assert field(plain, {"randomize": False}) == field(plain, None), env_id


def test_pixels_are_views_of_the_batch() -> None:
    """A batch of pictures is handed out as uint8 without a copy."""
    env = palaestra.make_vec("CarRacingFixed289-v0", 2, seed=1)
    first, _ = env.reset()
    assert first.dtype == np.uint8
    assert first.shape == (2, 64, 64, 3)
    copy = first.copy()
    action = np.zeros((2, 3), dtype=np.float32)
    second = env.step(action)[0]
    assert np.shares_memory(first, second)
    assert (copy != second).any()


def test_a_row_is_restored_by_taking_its_steps_again() -> None:
    """Save a car in the middle of its drive, go on, return and go on again."""
    env = palaestra.make_vec("CarRacing-v3", 2, seed=3)
    env.reset()
    random = np.random.default_rng(1)

    def drive(steps: int) -> np.ndarray:
        for _ in range(steps):
            action = random.uniform([-1, 0, 0], [1, 1, 0.2], (2, 3)).astype(np.float32)
            pixels = env.step(action)[0]
        return pixels.copy()

    drive(20)
    state = env.get_state([0])
    random = np.random.default_rng(2)
    first = drive(10)[0]
    env.set_state([0], state)
    random = np.random.default_rng(2)
    assert (drive(10)[0] == first).all()
