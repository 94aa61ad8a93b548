"""The mazes step by step beside Gymnasium-Robotics' own, from the same state and goal."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import palaestra
import pytest
from gymnasium_robotics.envs.maze import maps
from maze_oracle import TEN_RESETS, TOLERANCE, assert_same_step, meet, original
from oracles import GOAL_IDS, ours, scratch_folder

POINT_IDS = [i for i in GOAL_IDS if i.startswith("PointMaze_") and i.endswith("-v3")]
every_id = pytest.mark.parametrize("env_id", POINT_IDS)

Array = npt.NDArray[np.float64]


def compare(
    env_id: str, keywords: dict[str, Any], resets: int, steps: int, speed: float = 1.0
) -> dict[str, int]:
    """Step both from equal states and fail at the first difference; count what was met."""
    theirs, mine = original(env_id, **keywords), ours(env_id, **keywords).unwrapped
    met = {"contact": 0, "success": 0, "new goal": 0, "end": 0}
    for seed in range(resets):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        meet(theirs, theirs.point_env, mine, observation)
        push = random.uniform(-speed, speed, 2)
        for step in range(steps):
            if step % 25 == 0:
                # now and then at the goal, so that it is reached
                way = observation["desired_goal"] - observation["achieved_goal"]
                aimed = 0.3 * way / np.abs(way).max()
                push = aimed if step % 50 else random.uniform(-speed, speed, 2)
            action = (push + random.normal(0, 0.2, 2)).astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id} {keywords}, seed {seed}, step {step}"
            assert_same_step(actual, expected, where)
            assert actual[4].keys() == expected[4].keys() | {"is_success"}, where
            observation = actual[0]
            met["contact"] += theirs.data.ncon > 1  # one is the floor's
            met["success"] += bool(expected[4]["success"])
            if not np.array_equal(theirs.goal, observation["desired_goal"]):
                # both draw a new goal in the same step, each from its own random numbers
                met["new goal"] += 1
                mine.goal = theirs.goal
            if actual[2]:
                met["end"] += 1
                theirs.reset()
                observation, _ = mine.reset()
                meet(theirs, theirs.point_env, mine, observation)
    return met


@every_id
def test_ten_resets_and_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observation, goals, reward, end and success agree to 1e-10, in contact and out of it."""
    met = compare(env_id, {}, resets=10, steps=1_000)
    assert met["contact"] > 300
    assert met["success"] > 50
    assert met["end"] == met["new goal"] == 0


@pytest.mark.parametrize(
    "keywords",
    [
        {"continuing_task": False},
        {"reset_target": True},
        {"reward_type": "dense", "continuing_task": False},
        {"maze_map": maps.OPEN, "reset_target": True},
        {"maze_map": maps.LARGE_MAZE_DIVERSE_G},
        {"maze_map": maps.MEDIUM_MAZE_DIVERSE_GR, "continuing_task": False},
    ],
)
def test_options_mean_what_they_mean_there(keywords: dict[str, Any]) -> None:
    """Every keyword of the originals has their effect; maps of letters, too."""
    met = compare("PointMaze_UMaze-v3", keywords, resets=3, steps=400)
    assert (met["end"] > 0) == (not keywords.get("continuing_task", True))
    assert (met["new goal"] > 0) == keywords.get("reset_target", False)


@every_id
def test_rewards_of_random_goals_are_the_original_s(env_id: str) -> None:
    """``compute_reward`` on 10,000 pairs; ``compute_terminated`` pair by pair."""
    theirs, mine = original(env_id), ours(env_id).unwrapped
    random = np.random.default_rng(0)
    achieved = random.uniform(-2, 2, (10_000, 2))
    desired = achieved + random.normal(0, 0.4, (10_000, 2))
    expected = theirs.compute_reward(achieved, desired, {})
    actual = mine.compute_reward(achieved, desired, {})
    if "Dense" in env_id:
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-15)
    else:
        assert (actual == expected).all()
        assert 0.2 < actual.mean() < 0.8
    for keywords in ({}, {"continuing_task": False}):
        theirs, mine = original(env_id, **keywords), ours(env_id, **keywords).unwrapped
        for a, d in zip(achieved[:100], desired[:100], strict=True):
            end = mine.compute_terminated(a, d, {})
            assert end == theirs.compute_terminated(a, d, {})


@every_id
def test_spaces_and_limits_are_those_of_the_original(env_id: str) -> None:
    """Bounds, shapes, element types, steps."""
    theirs, mine = original(env_id), ours(env_id)
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    theirs_spec = gymnasium.spec(env_id)
    assert gymnasium.spec(f"palaestra/{env_id}").max_episode_steps == (
        theirs_spec.max_episode_steps
    )


@pytest.mark.parametrize(
    "keywords",
    [{}, {"maze_map": maps.LARGE_MAZE_DIVERSE_G}, {"maze_map": maps.MEDIUM_MAZE}],
)
def test_first_states_have_the_original_distribution(keywords: dict[str, Any]) -> None:
    """Kolmogorov-Smirnov of start and goal, number by number, and of their distances."""
    from scipy import stats

    theirs, mine = (
        original("PointMaze_UMaze-v3", **keywords),
        ours("PointMaze_UMaze-v3", **keywords),
    )
    samples: list[list[Array]] = [[], []]
    for seed in range(1_000):
        for env, into in ((theirs, samples[0]), (mine, samples[1])):
            observation, info = env.reset(seed=seed)
            into.append(
                np.concatenate(
                    [observation["observation"], observation["desired_goal"]]
                )
            )
            assert info["success"] == 0
    a, b = (np.array(sample) for sample in samples)
    assert (a[:, 2:4] == 0).all()
    assert (b[:, 2:4] == 0).all()
    for of in (
        lambda x: x[:, [0, 1, 4, 5]],
        lambda x: np.hypot(*(x[:, :2] - x[:, 4:]).T)[:, None],
        lambda x: x[:, [0, 4]] % 1.0,
    ):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], column


def test_a_ball_that_is_placed_anew_goes_on_as_there() -> None:
    """``set_state`` in the middle of an episode, fast, slow, and touching walls."""
    theirs, mine = (
        original("PointMaze_Medium-v3"),
        ours("PointMaze_Medium-v3").unwrapped,
    )
    theirs.reset(seed=0)
    observation, _ = mine.reset(seed=0)
    meet(theirs, theirs.point_env, mine, observation)
    random = np.random.default_rng(0)
    for _ in range(200):
        qpos, qvel = random.uniform(-4, 4, 2), random.normal(0, 4, 2)
        cell = theirs.maze.cell_xy_to_rowcol(qpos)
        if theirs.maze.maze_map[cell[0]][cell[1]] == 1:
            continue
        theirs.point_env.set_state(qpos, qvel)
        mine.set_state(qpos, qvel)
        for _ in range(4):
            action = random.uniform(-1, 1, 2).astype(np.float32)
            expected, actual = theirs.step(action)[0], mine.step(action)[0]
            np.testing.assert_allclose(
                actual["observation"], expected["observation"], rtol=0, atol=TOLERANCE
            )


@pytest.mark.parametrize(
    ("maze_map", "message"),
    [
        ([[1, 1, 1], [1, 1, 1]], "has no free cell"),
        ([[1, 1, 1], [1, 0, 1], [1, 1, 1]], r"no start but the goal \(1, 1\) itself"),
        ([[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]], "is impossible"),
        ([[1, 1, 1, 1, 1], [1, "r", 1, "g", 1], [1, 1, 1, 1, 1]], r"start \(1, 1\)"),
        ([[1, 1, 1], [1, "r", 1]], "has no free cell for a goal"),
        ([[1, 1, 1], [1, "x", 1]], r"holds \"x\" in cell \(1, 1\)"),
        (["111", "10"], "row 1 of 2 cells"),
        ("", "row 0 of 0 cells"),
        (["1" * 101], "larger than 100"),
    ],
)
def test_mazes_that_cannot_be_are_refused(maze_map: Any, message: str) -> None:
    """By cell and by what is accepted."""
    with pytest.raises(palaestra.UserError, match=message):
        palaestra.make_vec("PointMaze_UMaze-v3", 1, maze_map=maze_map)


def test_wrong_options_are_refused() -> None:
    """By name and value."""
    with pytest.raises(
        palaestra.UserError, match='reward_type is "none"; accepted: sparse, dense'
    ):
        palaestra.make_vec("PointMaze_UMaze-v3", 1, reward_type="none")
    with pytest.raises(palaestra.UserError, match="continuing_task"):
        palaestra.make_vec("PointMaze_UMaze-v3", 1, continuing_task=2)


# ---- the kernel with hard walls


def pushed_out(
    position: Array, velocity: Array, plan: list[list[Any]]
) -> tuple[Array, Array]:
    """Where hard walls put a ball of 0.1 m, and what velocity they leave it."""
    rows, columns = len(plan), len(plan[0])
    for _ in range(4):
        deepest, direction = 0.0, np.zeros(2)
        for i in range(rows):
            for j in range(columns):
                if plan[i][j] != 1:
                    continue
                centre = np.array([j + 0.5 - columns / 2, rows / 2 - i - 0.5])
                nearest = np.clip(position, centre - 0.5, centre + 0.5)
                gap = np.linalg.norm(position - nearest)
                if 0.1 - gap > deepest:
                    deepest, direction = 0.1 - gap, (position - nearest) / gap
        if deepest == 0.0:
            break
        position = position + deepest * direction
        velocity = velocity - min(velocity @ direction, 0.0) * direction
    return position, velocity


def test_hard_walls_push_out_along_the_shortest_way() -> None:
    """Beside an implementation in NumPy that looks at every wall; the ball does enter corners."""
    mine = ours("PointMaze_Medium_Projected-v0").unwrapped
    random = np.random.default_rng(0)
    observation, _ = mine.reset(seed=0)
    mass = 1000 * 4 / 3 * np.pi * 0.1**3
    stopped = 0
    for step in range(6_000):
        if step % 40 == 0:
            push = random.uniform(-1, 1, 2)
        if step % 600 == 0:
            observation, _ = mine.reset(seed=step)
        action = (push + random.normal(0, 0.2, 2)).astype(np.float32)
        before = observation["observation"]
        force = 100.0 * np.clip(action.astype(np.float64), -1, 1)
        speed = np.clip(before[2:], -5, 5)
        speed = (mass * speed + 0.01 * force) / (mass + 0.01)
        free = before[:2] + 0.01 * speed
        place, left = pushed_out(free, speed, maps.MEDIUM_MAZE)
        observation, *_ = mine.step(action)
        np.testing.assert_allclose(
            observation["observation"], [*place, *left], rtol=0, atol=1e-12
        )
        stopped += not np.array_equal(place, free)
    assert stopped > 500


def test_between_walls_the_hard_kernel_is_the_original() -> None:
    """The same steps to 1e-10 until the first contact; then it must differ, or it would lie."""
    theirs, mine = (
        original("PointMaze_Large-v3"),
        ours("PointMaze_Large_Projected-v0").unwrapped,
    )
    free = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        theirs.goal = observation["desired_goal"].copy()
        theirs.point_env.set_state(mine.state[:2], mine.state[2:])
        push = random.uniform(-1, 1, 2)
        for _ in range(200):
            action = (push + random.normal(0, 0.2, 2)).astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            difference = np.abs(
                actual[0]["observation"] - expected[0]["observation"]
            ).max()
            at = expected[0]["achieved_goal"]
            kept = pushed_out(at, np.zeros(2), maps.LARGE_MAZE)[0]
            if theirs.data.ncon > 1 or not np.array_equal(at, kept):
                break
            assert difference <= TOLERANCE
            assert actual[1] == expected[1]
            free += 1
        else:
            raise AssertionError("no wall was met")
        for _ in range(20):
            expected, actual = theirs.step(action), mine.step(action)
        difference = np.abs(actual[0]["observation"] - expected[0]["observation"]).max()
        assert difference > 1e-6
    assert free > 200


# ---- OGBench


OGBENCH_IDS = [i for i in GOAL_IDS if i.startswith("pointmaze-")]
every_ogbench_id = pytest.mark.parametrize("env_id", OGBENCH_IDS)


def ogbench_original(env_id: str, **keywords: Any) -> Any:
    """OGBench's environment without wrappers."""
    import ogbench  # noqa: F401  (registers its ids)

    with scratch_folder():
        return gymnasium.make(
            env_id, disable_env_checker=True, render_mode=None, **keywords
        ).unwrapped


@every_ogbench_id
@pytest.mark.parametrize("keywords", [{}, {"terminate_at_goal": False}])
def test_ogbench_mazes_agree(env_id: str, keywords: dict[str, Any]) -> None:
    """A thousand steps in one go and nine times a hundred: position, goal, reward, end, success."""
    theirs, mine = (
        ogbench_original(env_id, **keywords),
        ours(env_id, **keywords).unwrapped,
    )

    def restart(seed: int | None) -> Any:
        theirs.reset(seed=seed)
        observation, _ = mine.reset(seed=seed)
        theirs.set_goal(goal_xy=observation["desired_goal"].copy())
        theirs.set_state(np.array(mine.qpos), np.array(mine.qvel))
        return observation

    contacts = successes = 0
    for seed, steps in enumerate(TEN_RESETS):
        random = np.random.default_rng(seed)
        observation = restart(seed)
        for step in range(steps):
            if step % 20 == 0:
                push = random.uniform(-1.2, 1.2, 2)
            if step % 100 == 60:  # beside the goal, so that it is reached
                place = observation["desired_goal"] + random.uniform(-2, 2, 2)
                theirs.set_state(place, np.zeros(2))
                mine.set_state(place, np.zeros(2))
                push = (observation["desired_goal"] - place) / 2
            action = (push + random.normal(0, 0.3, 2)).astype(np.float32)
            expected, actual = theirs.step(action), mine.step(action)
            where = f"{env_id} {keywords}, seed {seed}, step {step}"
            observation = actual[0]
            for part in ("observation", "achieved_goal"):
                difference = np.abs(observation[part] - expected[0]).max()
                assert difference <= TOLERANCE, f"{where}: {difference}"
            assert (observation["desired_goal"] == theirs.cur_goal_xy).all()
            assert actual[1] == expected[1], where
            assert actual[2] == expected[2], where
            assert actual[4]["success"] == expected[4]["success"], where
            contacts += theirs.data.ncon > 0
            successes += actual[4]["success"] == 1
            if actual[2]:
                observation = restart(None)
    assert contacts > 50
    assert successes >= 5


@every_ogbench_id
def test_ogbench_tasks_start_and_end_where_theirs_do(env_id: str) -> None:
    """Kolmogorov-Smirnov of start, velocity and goal of each task; the default is any of them."""
    from scipy import stats

    theirs = ogbench_original(env_id)
    assert ours(env_id).action_space == theirs.action_space
    assert gymnasium.spec(f"palaestra/{env_id}").max_episode_steps == 1000
    np.random.seed(0)  # noqa: NPY002  (the original draws from it)
    seen = set()
    for task in range(1, 6):
        mine = ours(env_id, task_id=task)
        samples: list[list[Array]] = [[], []]
        for seed in range(200):
            theirs.reset(seed=seed, options={"task_id": task})
            samples[0].append(
                np.concatenate([theirs.data.qpos, theirs.data.qvel, theirs.cur_goal_xy])
            )
            observation, _ = mine.reset(seed=seed)
            core: Any = mine.unwrapped
            samples[1].append(np.concatenate([core.state, observation["desired_goal"]]))
        a, b = (np.array(sample) for sample in samples)
        for column in range(a.shape[1]):
            p = stats.ks_2samp(a[:, column], b[:, column]).pvalue
            assert p > 1e-4, (task, column)
        seen.add(tuple(b.mean(0)[[0, 1, 4, 5]].round(0)))
    anywhere = ours(env_id)
    starts = []
    for seed in range(200):
        observation, _ = anywhere.reset(seed=seed)
        starts.append(
            np.concatenate([observation["observation"], observation["desired_goal"]])
        )
    cells = {tuple(np.round(s / 4) * 4) for s in starts}
    assert len(cells) == len(seen) == 5


def test_ogbench_options_are_checked() -> None:
    """By name and value."""
    with pytest.raises(
        palaestra.UserError, match=r"task_id is 6; accepted: 0\.0 to 5\.0"
    ):
        palaestra.make_vec("pointmaze-medium-v0", 1, task_id=6)
    mine = ours("pointmaze-medium-v0", add_noise_to_goal=False, task_id=1)
    assert (mine.reset(seed=0)[0]["desired_goal"] == [20, 20]).all()
