"""The MuJoCo tasks step by step beside Gymnasium's own, from the same state."""

from __future__ import annotations

import inspect
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium.envs.mujoco.mujoco_env import MujocoEnv
from oracles import (
    MUJOCO_IDS,
    info_equal,
    original,
    ours,
    physics,
    random_action,
    set_physics,
)
from test_render_mujoco import VIEWS

TOLERANCE = 1e-10


def close(actual: Any, expected: Any) -> bool:
    """Say whether two arrays agree within the bound; a NaN agrees with nothing."""
    return bool((np.abs(actual - expected) <= TOLERANCE).all())


def shown(env: Any) -> Any:
    """Observation of ours as it is now, of the original as it would be made now."""
    return env._get_obs() if hasattr(env, "_get_obs") else env._native._columns()[0][0]


def compare(env_id: str, keywords: dict[str, Any], resets: int, steps: int) -> None:
    """Step both from equal states and fail at the first difference."""
    theirs = original(env_id, **keywords).unwrapped
    mine = ours(env_id, **keywords).unwrapped
    for seed in range(resets):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        set_physics(mine, physics(theirs))
        assert close(shown(mine), shown(theirs)), f"{env_id} {keywords}, seed {seed}"
        for step in range(steps):
            action = random_action(theirs, random)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id} {keywords}, seed {seed}, step {step}"
            if not close(actual[0], expected[0]):
                np.testing.assert_allclose(
                    actual[0], expected[0], rtol=0, atol=TOLERANCE, err_msg=where
                )
            assert abs(actual[1] - expected[1]) <= TOLERANCE, where
            assert actual[2:4] == (bool(expected[2]), False), where
            assert actual[4].keys() == expected[4].keys(), where
            for name, value in expected[4].items():
                assert close(actual[4][name], value), f"{where}: {name}"
            if actual[2]:
                theirs.reset()
                mine.reset()
                set_physics(mine, physics(theirs))


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_ten_resets_and_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observation, reward, end of episode and infos agree to 1e-10."""
    compare(env_id, {}, resets=10, steps=1_000)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_a_running_episode_that_is_placed_anew_agrees(env_id: str) -> None:
    """``set_state`` in mid-air: fresh places of bodies, external forces of the step before."""
    theirs, mine = original(env_id).unwrapped, ours(env_id).unwrapped
    random = np.random.default_rng(3)
    theirs.reset(seed=3)
    mine.reset(seed=3)
    set_physics(mine, physics(theirs))
    for _ in range(20):
        for _ in range(3):
            action = random_action(theirs, random)
            expected, actual = theirs.step(action), mine.step(action)
            assert close(actual[0], expected[0])
            assert close(actual[1], expected[1])
            if actual[2]:
                break  # stepping on after an end is an error here; placing anew is not
        placed = physics(theirs) + random.normal(0, 0.02, physics(theirs).size)
        if actual[2]:
            theirs.reset()
            mine.reset()
            placed = physics(theirs)
        set_physics(theirs, placed)
        set_physics(mine, placed)
        assert close(shown(mine), shown(theirs))


EVERY: dict[str, Any] = {"frame_skip": 2}
NOISE: dict[str, Any] = {"reset_noise_scale": 0.02}
WEIGHTS = {"forward_reward_weight": 0.7, "ctrl_cost_weight": 0.05}
PLACES = {"exclude_current_positions_from_observation": False}
HEALTH = [{"healthy_reward": 0.5}, {"terminate_when_unhealthy": False}]
PARTS = [
    {f"include_{name}_in_observation": False}
    for name in ("cinert", "cvel", "qfrc_actuator", "cfrc_ext")
]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "Ant-v5": [
        *(EVERY, NOISE, WEIGHTS, PLACES, *HEALTH),
        {"main_body": 4},
        {"main_body": "front_left_leg"},
        {"main_body": 13, "terminate_when_unhealthy": False},
        {"contact_cost_weight": 0.01},
        {"contact_force_range": (-0.1, 0.3)},
        {"healthy_z_range": (0.5, 0.7)},
        {"include_cfrc_ext_in_observation": False},
    ],
    "HalfCheetah-v5": [EVERY, NOISE, WEIGHTS, PLACES],
    "Hopper-v5": [
        *(EVERY, NOISE, WEIGHTS, PLACES, *HEALTH),
        {"healthy_z_range": (1.0, 1.24)},
        {"healthy_angle_range": (-0.05, 0.02)},
        {"healthy_state_range": (-3.0, 3.0)},
    ],
    "Humanoid-v5": [
        *(EVERY, NOISE, WEIGHTS, PLACES, *HEALTH, *PARTS),
        {"contact_cost_weight": 1e-3, "contact_cost_range": (0.5, 3.0)},
        {"healthy_z_range": (1.35, 1.41)},
    ],
    "HumanoidStandup-v5": [
        *(EVERY, NOISE, PLACES, *PARTS),
        {"uph_cost_weight": 3.0},
        {"ctrl_cost_weight": 0.05},
        {"impact_cost_weight": 1e-3, "impact_cost_range": (0.5, 3.0)},
    ],
    "InvertedDoublePendulum-v5": [EVERY, NOISE, {"healthy_reward": 3.0}],
    "InvertedPendulum-v5": [EVERY, NOISE],
    "Pusher-v5": [
        EVERY,
        {"reward_near_weight": 0.7, "reward_dist_weight": 1.3},
        {"reward_control_weight": 0.3},
    ],
    "Reacher-v5": [EVERY, {"reward_dist_weight": 1.3, "reward_control_weight": 0.7}],
    "Swimmer-v5": [EVERY, NOISE, WEIGHTS, PLACES],
    "Walker2d-v5": [
        *(EVERY, NOISE, WEIGHTS, PLACES, *HEALTH),
        {"healthy_z_range": (1.2, 1.26)},
        {"healthy_angle_range": (-0.1, 0.05)},
    ],
}
PAIRS = [(env_id, keywords) for env_id in OPTIONS for keywords in OPTIONS[env_id]]


#: compared below, and in test_render_mujoco.py
FILE, VIEW = "xml_file", "default_camera_config"


def test_every_option_of_the_originals_is_compared() -> None:
    """Those of the renderer, which all tasks hand on, in test_render_mujoco.py."""
    assert sorted(OPTIONS) == sorted(MUJOCO_IDS)
    for env_id, variants in OPTIONS.items():
        init = type(original(env_id).unwrapped).__init__
        named = set(inspect.signature(init).parameters) - {"self", "kwargs"}
        compared = {name for keywords in variants for name in keywords}
        assert named == compared | {FILE, VIEW}, env_id
    base = set(inspect.signature(MujocoEnv.__init__).parameters)
    base -= {"self", "model_path", "frame_skip", "observation_space", "render_mode"}
    assert base - {VIEW} == {name for _, options in VIEWS for name in options} - {VIEW}


@pytest.mark.parametrize(("env_id", "keywords"), PAIRS)
def test_keyword_options_mean_what_they_mean_there(
    env_id: str, keywords: dict[str, Any]
) -> None:
    """Every keyword of the originals that is a number, a flag or a range has their effect."""
    compare(env_id, keywords, resets=3, steps=100)


ASSETS = Path(inspect.getfile(MujocoEnv)).parent / "assets"
#: whose observations have so many numbers and no other
EXACT = (
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Pusher-v5",
    "Reacher-v5",
)


def changed_model(env_id: str, folder: Path) -> str:
    """Write a copy of the model: another world, other motors, a shelf before all bodies."""
    name = inspect.signature(type(original(env_id).unwrapped).__init__)
    tree = ET.parse(ASSETS / name.parameters[FILE].default)
    option = tree.find("option")
    assert option is not None
    option.set("timestep", str(0.8 * float(option.get("timestep", "0.002"))))
    option.set("gravity", "0.3 0 -8")
    for motor in tree.iter("motor"):
        motor.set("ctrlrange", "-0.7 0.9")
        motor.set("gear", str(0.8 * float(motor.get("gear", "1").split()[0])))
    world = tree.find("worldbody")
    assert world is not None
    shelf = ET.Element("body", name="shelf", pos="0 0 5")
    ET.SubElement(shelf, "geom", type="box", size="0.1 0.1 0.1")
    world.insert(0, shelf)
    file = folder / "changed.xml"
    tree.write(file)
    return str(file)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_a_model_file_of_ones_own_is_read_as_there(env_id: str, tmp_path: Path) -> None:
    """``xml_file``: spaces, pictures per second and every step, and the steps are other ones."""
    keywords = {FILE: changed_model(env_id, tmp_path)}
    theirs, mine = original(env_id, **keywords), ours(env_id, **keywords)
    assert mine.action_space == theirs.action_space
    assert mine.action_space != ours(env_id).action_space
    assert mine.observation_space == theirs.observation_space
    assert mine.metadata["render_fps"] == theirs.metadata["render_fps"]
    compare(env_id, keywords, resets=3, steps=100)
    steps = []
    for file in ({}, keywords):
        envs = palaestra.make_vec(env_id, 1, seed=3, **file)
        envs.reset()
        half = np.full((1, *mine.action_space.shape), 0.5, np.float32)
        steps.append(envs.step(half)[0].copy())
    assert not np.array_equal(steps[0], steps[1])


def longer_model(env_id: str, folder: Path, links: int) -> str:
    """Write a copy of the model whose last body goes on in a chain of links, each with a motor."""
    name = inspect.signature(type(original(env_id).unwrapped).__init__)
    tree = ET.parse(ASSETS / name.parameters[FILE].default)
    body, motors = list(tree.iter("body"))[-1], tree.find("actuator")
    assert motors is not None
    for k in range(links):
        body = ET.SubElement(body, "body", name=f"link{k}", pos="0 0 -0.1")
        axis = "0 1 0" if k % 2 == 0 else "1 0 0"
        hinge = {"type": "hinge", "axis": axis, "limited": "true", "range": "-40 40"}
        ET.SubElement(body, "joint", name=f"hinge{k}", damping="1", **hinge)
        ET.SubElement(body, "geom", type="sphere", size="0.03", mass="0.05")
        gear = {"gear": "2", "ctrllimited": "true", "ctrlrange": "-0.5 0.5"}
        ET.SubElement(motors, "motor", joint=f"hinge{k}", **gear)
    file = folder / "longer.xml"
    tree.write(file)
    return str(file)


@pytest.mark.parametrize("env_id", sorted(set(MUJOCO_IDS) - set(EXACT)))
@pytest.mark.parametrize("links", [1, 9])
def test_models_of_other_sizes_are_read_as_there(
    env_id: str, links: int, tmp_path: Path
) -> None:
    """Nine links: more forces on bodies than NumPy adds in one piece."""
    keywords: dict[str, Any] = {FILE: longer_model(env_id, tmp_path, links)}
    if env_id == "Ant-v5":
        keywords["main_body"] = "link0"
    theirs, mine = original(env_id, **keywords), ours(env_id, **keywords)
    assert mine.action_space == theirs.action_space
    assert mine.action_space.shape[0] == ours(env_id).action_space.shape[0] + links
    assert mine.observation_space == theirs.observation_space
    spec = palaestra.spec(env_id, **keywords)
    assert tuple(spec.observation.shape) == mine.observation_space.shape
    compare(env_id, keywords, resets=3, steps=100)


def test_two_floating_bodies_are_placed_as_there(tmp_path: Path) -> None:
    """Each has one position more than velocities: what is set and told are 22 and 20 numbers."""
    tree = ET.parse(ASSETS / "ant.xml")
    world = tree.find("worldbody")
    assert world is not None
    ball = ET.SubElement(world, "body", name="ball", pos="2 0 1")
    ET.SubElement(ball, "freejoint")
    ET.SubElement(ball, "geom", type="box", size="0.2 0.3 0.1", density="5")
    tree.write(tmp_path / "two.xml")
    keywords = {FILE: str(tmp_path / "two.xml")}
    theirs = original("Ant-v5", **keywords).unwrapped
    mine = ours("Ant-v5", **keywords).unwrapped
    theirs.reset(seed=0)
    mine.reset(seed=0)
    random = np.random.default_rng(0)
    qpos = theirs.data.qpos + random.normal(0, 0.02, theirs.model.nq)
    qvel = random.normal(0, 0.5, theirs.model.nv)
    assert (qpos.size, qvel.size) == (22, 20)
    theirs.set_state(qpos, qvel)
    mine.set_state(qpos, qvel)
    assert close(shown(mine), shown(theirs))
    for _ in range(10):
        action = random_action(theirs, random)
        expected, actual = theirs.step(action), mine.step(action)
        assert close(actual[0], expected[0])
        assert close(actual[1], expected[1])
        assert close(mine.qpos, theirs.data.qpos)
        assert close(mine.qvel, theirs.data.qvel)
    with pytest.raises(palaestra.UserError, match=r"qpos has shape \[21\].*\[22\]"):
        mine.set_state(qpos[:21], np.append(qvel, 0.0))


def test_model_files_are_found_as_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in Gymnasium's folder; paths from the root, from here and from home."""
    compare("Walker2d-v5", {FILE: "walker2d.xml"}, resets=2, steps=50)
    path = changed_model("HalfCheetah-v5", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("./changed.xml", f"../{tmp_path.name}/changed.xml", "~/changed.xml"):
        whole = palaestra.make_vec("HalfCheetah-v5", 2, seed=1, xml_file=path)
        same = palaestra.make_vec("HalfCheetah-v5", 2, seed=1, xml_file=name)
        actions = np.random.default_rng(0).uniform(-1, 1, (5, 2, 6))
        for action in actions.astype(np.float32):
            whole.step(action)
            same.step(action)
        np.testing.assert_array_equal(whole.get_state(), same.get_state())
    many = gymnasium.make_vec("palaestra/HalfCheetah-v5", 2, xml_file=path)
    assert many.single_action_space.low[0] == np.float32(-0.7)


def test_model_files_that_do_not_suit_are_refused(tmp_path: Path) -> None:
    """By name and by what is missing; the spec says the same as the environment."""
    text = tmp_path / "text.xml"
    text.write_text("<mujoco><worldbody></mujoco>")
    timeless = tmp_path / "timeless.xml"
    cheetah = (ASSETS / "half_cheetah.xml").read_text()
    timeless.write_text(cheetah.replace('timestep="0.01"', 'timestep="0"'))
    assert timeless.read_text() != cheetah
    nameless = tmp_path / "nameless.xml"
    reacher = (ASSETS / "reacher.xml").read_text()
    nameless.write_text(reacher.replace('name="fingertip"', 'name="fingertop"'))
    for env_id, file, message in (
        ("HalfCheetah-v5", tmp_path / "none.xml", "none.xml: there is no such file"),
        ("HalfCheetah-v5", tmp_path, "there is no such file"),
        ("HalfCheetah-v5", text, "text.xml: .*XML"),
        ("HalfCheetah-v5", timeless, "time step"),
        ("Reacher-v5", "ant.xml", "ant.xml has 15 positions.*accepted: 4 positions"),
        (
            "Hopper-v5",
            "inverted_pendulum.xml",
            "has 2 positions.*accepted: 3 positions",
        ),
        ("HalfCheetah-v5", "half_cheeta.xml", "half_cheeta.xml .*was not found"),
        ("HalfCheetah-v5", "", "xml_file is"),
        ("HalfCheetah-v5", "~somebody/a.xml", "xml_file is"),
        ("HalfCheetah-v5", 1.0, "xml_file is 1"),
        ("Reacher-v5", nameless, 'no body named "fingertip"; did you mean "fingertop"'),
    ):
        name = str(file) if isinstance(file, Path) else file
        for attempt in (palaestra.make_vec, palaestra.spec):
            with pytest.raises(palaestra.UserError, match=message):
                attempt(env_id, xml_file=name)
    with pytest.raises(palaestra.UserError, match='no body named "torsoo"; did you'):
        palaestra.make_vec("Ant-v5", 1, main_body="torsoo")


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_first_states_have_the_original_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov, coordinate by coordinate; fixed seeds, so it cannot flake."""
    from scipy import stats

    theirs, mine = original(env_id), ours(env_id)
    expected, actual = [], []
    for seed in range(400):
        theirs.reset(seed=seed)
        mine.reset(seed=seed)
        expected.append(physics(theirs))
        actual.append(physics(mine))
    for name, of in (
        ("coordinate", lambda x: x),
        # a target on a disc, an object not within a circle: neighbours are not independent
        ("length of the pair from coordinate", lambda x: np.hypot(x[:, :-1], x[:, 1:])),
    ):
        a, b = of(np.array(actual)), of(np.array(expected))
        for column in range(a.shape[1]):
            p = stats.ks_2samp(a[:, column], b[:, column]).pvalue
            assert p > 1e-3 / a.shape[1], f"{name} {column}"


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_reset_infos_agree(env_id: str) -> None:
    """What is known at reset is reported at reset, and describes the state."""
    theirs, mine = original(env_id), ours(env_id)
    theirs.reset(seed=1)
    _, actual = mine.reset(seed=1)
    set_physics(theirs, physics(mine))
    core: Any = theirs.unwrapped
    assert info_equal(actual, core._get_reset_info(), TOLERANCE)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_wrong_state_shapes_are_refused_and_change_nothing(env_id: str) -> None:
    """``set_state`` names both shapes."""
    env = ours(env_id)
    env.reset(seed=0)
    before = physics(env)
    core: Any = env.unwrapped
    one_more = np.zeros(core.qpos.size + 1)
    with pytest.raises(ValueError, match=rf"qpos has shape \[{one_more.size}\], expe"):
        core.set_state(one_more, core.qvel)
    with pytest.raises(ValueError, match=rf"qvel has shape \[{one_more.size}\], expe"):
        core.set_state(core.qpos, one_more)
    np.testing.assert_array_equal(physics(env), before)


@pytest.mark.parametrize("env_id", MUJOCO_IDS)
def test_nothing_is_printed_or_logged(
    env_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Models with deprecated attributes and diverging states stay silent, and leave no file."""
    monkeypatch.chdir(tmp_path)
    env = ours(env_id)
    env.reset(seed=0)
    core: Any = env.unwrapped
    core.set_state(core.qpos, np.full_like(core.qvel, 1e11))
    action = np.zeros(env.action_space.shape or (), np.float32)
    *_, truncated, _ = env.step(action)
    assert truncated, "a state that diverges ends the episode"
    observation, _ = env.reset()
    assert np.isfinite(observation).all()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
