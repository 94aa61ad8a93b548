"""The DeepMind Control suite step by step beside dm_control's own, from the same state."""

from __future__ import annotations

import functools
import hashlib
import runpy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import palaestra
import pytest
from gymnasium.utils.env_checker import check_env
from oracles import DM_CONTROL_IDS, scratch_folder

TOLERANCE = 1e-10
GOLDEN = Path(__file__).resolve().parents[1] / "golden/dm_control"
every_id = pytest.mark.parametrize("env_id", DM_CONTROL_IDS)
#: bodies with many contacts: fewer of their steps are enough to see every part of them at work
HEAVY = ("humanoid", "quadruped", "swimmer15", "manipulator")

Array = npt.NDArray[np.float64]


def domain_and_task(env_id: str) -> tuple[str, str]:
    """Split ``dm_control/walker-walk`` into ``walker`` and ``walk``."""
    domain, _, task = env_id.removeprefix("dm_control/").partition("-")
    return domain, task


@functools.cache
def theirs_of(env_id: str) -> Any:
    """Make dm_control's environment of that name, once: most of that time goes into textures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "MUJOCO_GL", "disable"
        )  # it asks for no window system when imported
        from dm_control import suite

    domain, task = domain_and_task(env_id)
    with scratch_folder():
        return suite.load(domain, task, task_kwargs={"random": 1})


def ours_of(env_id: str, n: int = 1, **options: Any) -> palaestra.VectorEnv:
    """Make the same environment of this package, which stops at the end of an episode."""
    return palaestra.make_vec(env_id, n, autoreset_mode="Disabled", **options)


def flat(observation: Mapping[str, Any]) -> Array:
    """Flatten dm_control's observation in its own order."""
    return np.concatenate([np.ravel(part) for part in observation.values()])


def episode_numbers(env: Any, env_id: str) -> Array:
    """Read what the original keeps in its model for the length of an episode."""
    domain, task = domain_and_task(env_id)
    model = env.physics.named.model
    if domain == "finger":
        target = np.array(model.site_pos["target", ["x", "z"]])
        return np.zeros(2) if task == "spin" else target
    if domain == "manipulator":
        target = "target_peg" if task.endswith("peg") else "target_ball"
        place = np.array(model.body_pos[target, ["x", "z"]])
        return np.concatenate([place, model.body_quat[target, ["qw", "qy"]]])
    if domain in ("reacher", "swimmer"):
        return np.array(model.geom_pos["target", ["x", "y"]])
    if domain == "fish":
        return np.zeros(3) if task == "upright" else np.array(model.geom_pos["target"])
    if domain == "point_mass":
        return np.array(env.physics.model.wrap_prm)
    return np.zeros(0)


def place(theirs: Any, mine: palaestra.VectorEnv, env_id: str) -> None:
    """Put both into the original's state, the engine's memory of earlier states cleared."""
    state = theirs.physics.get_state()
    with theirs.physics.reset_context():
        theirs.physics.set_state(state)
    mine.set_physics(0, np.concatenate([state, episode_numbers(theirs, env_id)]))


def shown(theirs: Any) -> Array:
    """Observation of the original as it would be made now."""
    return flat(theirs.task.get_observation(theirs.physics))


def random_action(spec: Any, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw an action, now and then outside of the bounds."""
    scale = 1.5 if random.random() < 0.1 else 1.0
    return (scale * random.uniform(spec.minimum, spec.maximum)).astype(np.float32)


@every_id
def test_ten_resets_and_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observation, reward and end of episode agree to 1e-10."""
    theirs, mine = theirs_of(env_id), ours_of(env_id)
    spec = theirs.action_spec()
    random = np.random.default_rng(0)
    heavy = any(name in env_id for name in HEAVY)
    for episode in range(10):
        theirs.reset()
        mine.reset()
        place(theirs, mine, env_id)
        where = f"{env_id}, episode {episode}"
        np.testing.assert_allclose(
            mine._columns()[0][0], shown(theirs), rtol=0, atol=TOLERANCE, err_msg=where
        )
        # one episode to its end, so that the end is compared too
        steps = 1_000 if episode == 0 else 20 if heavy else 100
        for step in range(steps):
            action = random_action(spec, random)
            expected = theirs.step(action)
            actual = mine.step(action[None])
            error = np.abs(actual[0][0] - flat(expected.observation)).max()
            assert error <= TOLERANCE, f"{where}, step {step}"
            assert abs(actual[1][0] - expected.reward) <= TOLERANCE, f"{where}, {step}"
            assert not actual[2][0]
            assert actual[3][0] == expected.last(), f"{where}, step {step}"
        if episode == 0:
            assert expected.last()
            assert expected.discount == 1.0


@every_id
def test_spaces_and_limits_are_those_of_the_original(env_id: str) -> None:
    """Bounds of actions, size of observations, control steps per episode."""
    theirs, spec = theirs_of(env_id), palaestra.spec(env_id)
    action = theirs.action_spec()
    mine = ours_of(env_id)
    space: Any = mine.single_action_space
    np.testing.assert_array_equal(space.low, action.minimum.astype(np.float32))
    np.testing.assert_array_equal(space.high, action.maximum.astype(np.float32))
    sizes = [max(1, int(np.prod(s.shape))) for s in theirs.observation_spec().values()]
    assert mine.single_observation_space.shape == (sum(sizes),)
    assert spec.time_limit == int(np.ceil(theirs._step_limit))
    assert spec.origin == "dm_control 1.0.50"


@every_id
def test_first_states_have_the_original_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov, coordinate by coordinate; fixed seeds, so it cannot flake."""
    from scipy import stats

    episodes = 200
    theirs, mine = theirs_of(env_id), ours_of(env_id, episodes)
    mine.reset(seed=0)
    expected = []
    for _ in range(episodes):
        theirs.reset()
        state = theirs.physics.get_state()
        expected.append(np.concatenate([state, episode_numbers(theirs, env_id)]))
    a = np.array([mine.get_physics(row) for row in range(episodes)])
    b = np.array(expected)
    assert a.shape == b.shape
    for name, of in (
        ("coordinate", lambda x: x),
        ("length of the pair from coordinate", lambda x: np.hypot(x[:, :-1], x[:, 1:])),
    ):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], f"{env_id}: {name} {column}"


@every_id
def test_first_observations_have_the_original_distribution(env_id: str) -> None:
    """What a policy sees first, sensors of forces included."""
    from scipy import stats

    episodes = 100
    theirs, mine = theirs_of(env_id), ours_of(env_id, episodes)
    a = mine.reset(seed=5)[0]
    b = np.array([flat(theirs.reset().observation) for _ in range(episodes)])
    for column in range(a.shape[1]):
        # a number that is 0 but for rounding is above it here and below it there
        x, y = (
            np.where(np.abs(of) < 1e-9, 0, of) for of in (a[:, column], b[:, column])
        )
        assert stats.ks_2samp(x, y).pvalue > 1e-3 / a.shape[1], f"{env_id}: {column}"


@pytest.mark.parametrize("repeat", [2, 3, 7])
@pytest.mark.parametrize("env_id", ["dm_control/walker-walk", "dm_control/cheetah-run"])
def test_repeated_actions_are_what_the_usual_wrapper_makes(
    env_id: str, repeat: int
) -> None:
    """Rewards are summed, the last decision is cut off at the end of the episode."""
    theirs, mine = theirs_of(env_id), ours_of(env_id, action_repeat=repeat)
    assert mine.native_spec.time_limit == -(-1_000 // repeat)
    theirs.reset()
    mine.reset()
    place(theirs, mine, env_id)
    random = np.random.default_rng(1)
    last, decisions = False, 0
    while not last:
        action = random_action(theirs.action_spec(), random)
        reward = 0.0
        for _ in range(repeat):
            expected = theirs.step(action)
            reward += expected.reward
            if expected.last():
                break
        observation, mine_reward, _, truncated, _ = mine.step(action[None])
        np.testing.assert_allclose(
            observation[0], flat(expected.observation), rtol=0, atol=TOLERANCE
        )
        assert abs(mine_reward[0] - reward) <= TOLERANCE
        last = bool(expected.last())
        assert truncated[0] == last
        decisions += 1
    assert decisions == mine.native_spec.time_limit


@every_id
def test_the_models_are_those_that_python_makes(env_id: str) -> None:
    """The table that tests/envs/dm_control_test.cc holds our models against is dm_control's."""
    maker = runpy.run_path(str(GOLDEN.parent / "make_dm_control_tables.py"))
    lines = (GOLDEN / "models.txt").read_text().splitlines()
    stored = [line for line in lines if line.startswith(f"{env_id} ")]
    assert stored == maker["model_lines"](env_id)


def test_the_table_of_tolerances_is_that_of_dm_control() -> None:
    """Likewise for rewards, but for the last bits, which NumPy computes as the CPU allows."""
    maker = runpy.run_path(str(GOLDEN.parent / "make_dm_control_tables.py"))
    stored = (GOLDEN / "tolerance.txt").read_text().splitlines()
    now = maker["tolerance_table"]().splitlines()
    assert [line.split()[:-1] for line in stored] == [line.split()[:-1] for line in now]
    np.testing.assert_allclose(
        [float(line.split()[-1]) for line in stored],
        [float(line.split()[-1]) for line in now],
        rtol=1e-13,
        atol=0,
    )


@every_id
def test_the_checker_of_gymnasium_is_content(env_id: str) -> None:
    """``check_env`` passes, with a word on unbounded observations and lopsided actions at most."""
    their_id = f"palaestra/{env_id.replace('/', '.')}"
    env = gymnasium.make(their_id, disable_env_checker=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=True)
    for warning in caught:
        text = str(warning.message)
        assert "infinity" in text or "symmetric" in text, text
    assert env.spec is not None
    assert env.spec.max_episode_steps == palaestra.spec(env_id).time_limit


def test_ids_of_both_forms_are_understood() -> None:
    """One slash in Gymnasium; in this package also the original's own id."""
    native = palaestra.make_vec("dm_control/cheetah-run", 2, seed=1).reset()[0]
    for form in (
        "dm_control.cheetah-run",
        "palaestra/dm_control.cheetah-run",
        "palaestra/dm_control/cheetah-run",
    ):
        np.testing.assert_array_equal(
            native, palaestra.make_vec(form, 2, seed=1).reset()[0]
        )
        assert palaestra.spec(form).id == "dm_control/cheetah-run"
    many = gymnasium.make_vec("palaestra/dm_control.cheetah-run", 2)
    assert many.reset(seed=1)[0].shape == (2, 17)
    with pytest.raises(palaestra.UserError, match='mean "dm_control/cheetah-run"'):
        palaestra.make_vec("dm_control/cheetah-walk", 1)


@every_id
def test_diverging_states_are_silent_and_end_the_episode(
    env_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No warning on the terminal, no log file, finite numbers."""
    monkeypatch.chdir(tmp_path)
    env = ours_of(env_id)
    env.reset()
    values = env.get_physics(0)
    model = theirs_sizes(env_id)
    values[model[0] : model[0] + model[1]] = 1e11
    env.set_physics(0, values)
    assert np.isfinite(env._columns()[0]).all()
    zero = np.zeros((1, *(env.single_action_space.shape or ())), np.float32)
    observation, reward, terminated, truncated, info = env.step(zero)
    assert truncated[0]
    assert not terminated[0]
    assert info["status"][0] == 1
    assert reward[0] == 0
    assert np.isfinite(observation).all()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def theirs_sizes(env_id: str) -> tuple[int, int]:
    """Numbers of positions and velocities."""
    model = theirs_of(env_id).physics.model
    return int(model.nq), int(model.nv)


def test_a_changed_or_missing_model_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was looked for, and how to mend it."""
    import dm_control

    monkeypatch.setenv("PALAESTRA_DM_CONTROL_DIR", str(tmp_path))
    with pytest.raises(palaestra.UserError, match=r"walker\.xml of the Python package"):
        ours_of("dm_control/walker-walk")
    original = Path(dm_control.__path__[0]) / "suite/walker.xml"
    (tmp_path / "suite").mkdir()
    text = original.read_text().replace('gear="100"', 'gear="101"')
    (tmp_path / "suite/walker.xml").write_text(text)
    found = hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(
        palaestra.UserError, match=rf"not that of dm_control 1\.0\.50 .*{found}"
    ):
        ours_of("dm_control/walker-walk")


def test_bad_options_name_what_is_accepted() -> None:
    """Before any file is read."""
    for value in (0, 1.5, -1, 1e9):
        with pytest.raises(palaestra.UserError, match="action_repeat"):
            ours_of("dm_control/walker-walk", action_repeat=value)
    with pytest.raises(palaestra.UserError, match="frame_skip"):
        ours_of("dm_control/walker-walk", frame_skip=2)
