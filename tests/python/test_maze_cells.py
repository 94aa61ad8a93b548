"""Cells that a caller of ``reset`` chooses, beside Gymnasium-Robotics' and OGBench's mazes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
from gymnasium_robotics.envs.maze import maps
from maze_oracle import original
from oracles import ours

#: one way each, of those with an original
CHOICES: list[dict[str, Any]] = [
    {"goal_cell": np.array([1, 3])},
    {"reset_cell": np.array([3, 2])},
    {"goal_cell": np.array([3, 1]), "reset_cell": np.array([1, 1])},
    {"goal_cell": np.array([1, 1]), "reset_cell": np.array([1, 1])},
    {"goal_cell": None, "reset_cell": np.array([2, 3])},
    {},
]


def beginnings(env: Any, options: dict[str, Any], episodes: int) -> Any:
    """Return places of starts and goals, [episodes, 4]."""
    result = []
    for seed in range(episodes):
        observation, info = env.reset(seed=seed, options=options)
        start, goal = observation["achieved_goal"], observation["desired_goal"]
        assert info["success"] == (np.linalg.norm(start - goal) <= 0.45)
        result.append(np.concatenate([start, goal]))
    return np.array(result)


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize(
    ("env_id", "theirs_id"),
    [
        ("PointMaze_UMaze-v3", "PointMaze_UMaze-v3"),
        ("PointMaze_UMaze_Projected-v0", "PointMaze_UMaze-v3"),
        ("AntMaze_UMaze-v4", "AntMaze_UMaze-v4"),
    ],
)
def test_chosen_cells_are_where_the_original_s_are(
    env_id: str, theirs_id: str, options: dict[str, Any]
) -> None:
    """Kolmogorov-Smirnov of starts and goals; what is not chosen is drawn as there."""
    from scipy import stats

    episodes = 120 if env_id.startswith("Ant") else 400
    a = beginnings(original(theirs_id), options, episodes)
    b = beginnings(ours(env_id), options, episodes)
    for of in (lambda x: x, lambda x: np.hypot(*(x[:, :2] - x[:, 2:]).T)[:, None]):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], column
    unit = 4.0 if env_id.startswith("Ant") else 1.0
    for name, places in (("reset_cell", b[:, :2]), ("goal_cell", b[:, 2:])):
        cell = options.get(name)
        if cell is not None:  # rows go down, the middle of the 5 x 5 is the origin
            centre = unit * np.array([cell[1] - 2, 2 - cell[0]])
            assert np.abs(places - centre).max() <= 0.25 * unit
            assert np.abs(places - centre).max() > 0.2 * unit


def test_rows_of_a_batch_are_reset_to_cells_and_forget_them() -> None:
    """Of the rows that a mask names; seeds hold; the automatic reset knows nothing of them."""
    cells = {"goal_cell": (1, 3), "reset_cell": [3, 3]}
    envs = palaestra.make_vec(
        "PointMaze_UMaze-v3", 6, seed=2, max_episode_steps=3, threads=2
    )
    before = envs.reset()[0]["achieved_goal"].copy()
    mask = np.array([True, False, True, False, False, True])
    observation, _ = envs.reset(options={"reset_mask": mask, **cells})
    at, goal = observation["achieved_goal"], observation["desired_goal"]
    np.testing.assert_array_equal(at[~mask], before[~mask])
    assert (np.abs(at[mask] - [1, -1]) <= 0.25).all()
    assert (np.abs(goal[mask] - [1, 1]) <= 0.25).all()
    again = palaestra.make_vec("PointMaze_UMaze-v3", 2, threads=1)
    one = again.reset(seed=[8, 9], options=cells)[0]["achieved_goal"].copy()
    two = again.reset(seed=[None, 9], options=cells)[0]["achieved_goal"].copy()
    np.testing.assert_array_equal(one[1], two[1])
    assert (one[0] != two[0]).any()
    away = 0
    for _ in range(40):
        *_, info = envs.step(np.zeros((6, 2), np.float32))
        if info["reset"].any():
            away += (np.abs(envs._columns()[0]["achieved_goal"] - [1, -1]) > 0.3).any()
    assert away > 3
    wrapped = palaestra.make_vec(
        "PointMaze_UMaze-v3", 2, wrappers=[palaestra.wrappers.FrameStack(2)]
    )
    stacked = wrapped.reset(options=cells)[0]
    assert (np.abs(stacked[:, 0, :2] - [1, -1]) <= 0.25).all()


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_gymnasium_s_vector_form_takes_cells(mode: str) -> None:
    """The batch and a list of single environments: every row where it was told to begin."""
    envs = gymnasium.make_vec(
        "palaestra/PointMaze_UMaze-v3", 3, vectorization_mode=mode
    )
    cells = {"goal_cell": np.array([1, 3]), "reset_cell": np.array([3, 3])}
    observation, _ = envs.reset(seed=1, options=cells)
    assert (np.abs(observation["achieved_goal"] - [1, -1]) <= 0.25).all()
    assert (np.abs(observation["desired_goal"] - [1, 1]) <= 0.25).all()
    with pytest.raises(palaestra.UserError, match="a wall"):
        envs.reset(options={"goal_cell": np.array([0, 0])})
    envs.close()


@pytest.mark.parametrize("env_id", ["pointmaze-medium-v0", "antmaze-medium-v0"])
def test_ogbench_s_tasks_may_be_chosen_at_a_reset(env_id: str) -> None:
    """``options={"task_id": k}`` is the beginning that the keyword of that name gives."""
    envs = palaestra.make_vec(env_id, 3)
    for task in range(1, 6):
        fixed = palaestra.make_vec(env_id, 3, task_id=task)
        expected = fixed.reset(seed=4)[0]
        actual = envs.reset(seed=4, options={"task_id": task})[0]
        for part in expected:
            np.testing.assert_array_equal(actual[part], expected[part])
    with pytest.raises(palaestra.UserError, match="task_id is 6"):
        envs.reset(options={"task_id": 6})


@pytest.mark.parametrize("env_id", ["pointmaze-medium-v0", "antmaze-giant-v0"])
def test_ogbench_s_task_info_is_taken(env_id: str) -> None:
    """The cells of the original's own tasks begin as their numbers do; others lie where it says."""
    import ogbench  # noqa: F401  (registers its ids)

    theirs: Any = original(env_id).unwrapped
    mine = ours(env_id)
    assert len(theirs.task_infos) == 5
    for task, info in enumerate(theirs.task_infos, start=1):
        expected, _ = mine.reset(seed=3, options={"task_id": task})
        actual, _ = mine.reset(seed=3, options={"task_info": info})
        for part in expected:
            np.testing.assert_array_equal(actual[part], expected[part])
    chosen = {"init_ij": (1, 1), "goal_ij": np.array([2, 1])}
    observation, _ = mine.reset(options={"task_info": chosen})
    for place, cell in (("achieved_goal", (1, 1)), ("desired_goal", (2, 1))):
        centre = np.array(theirs.ij_to_xy(cell))
        assert (np.abs(observation[place] - centre) <= 1.0).all()
    for options, message in (
        ({"task_info": {"init_ij": (1, 1)}}, "a dict with init_ij and goal_ij"),
        ({"task_info": (1, 1)}, "a dict with init_ij and goal_ij"),
        ({"task_info": chosen | {"init_ij": (0, 0)}}, "reset_cell is .*a wall"),
        ({"task_info": chosen, "task_id": 1}, "exclude each other"),
        ({"goal_cell": (1, 1)}, "goal_cell is given alone"),
    ):
        with pytest.raises(palaestra.UserError, match=message):
            mine.reset(options=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal_cell": (0, 0)}, r"goal_cell is \(0.*, 0.*\), a wall"),
        ({"reset_cell": (2, 2)}, r"reset_cell is \(2.*, 2.*\), a wall"),
        ({"goal_cell": (5, 1)}, r"\(5.*, 1.*\), outside.*5 rows and 5 columns"),
        ({"goal_cell": (-1, 1)}, "outside of the map"),
        ({"goal_cell": (10**12, 1)}, "goal_cell_row is 1"),
        ({"goal_cell": (1.0, 1.0)}, "a row and a column, integers"),
        ({"goal_cell": 1}, "a row and a column, integers"),
        ({"goal_cell": "ab"}, "a row and a column, integers"),
        ({"goal_cel": 1}, 'reset has no option "goal_cel"'),
        ({"goal_cell_row": 1}, "a row alone"),
        ({"goal_cell_row": 1.5, "goal_cell_column": 1}, "outside of the map"),
        ({"task_id": 1}, "task_id"),
    ],
)
def test_cells_that_cannot_be_are_refused(
    options: dict[str, Any], message: str
) -> None:
    """By name and value; nothing is reset."""
    envs = palaestra.make_vec("PointMaze_UMaze-v3", 2)
    envs.reset(seed=1)
    before = envs.get_state()
    with pytest.raises(palaestra.UserError, match=message):
        envs.reset(options=options)
    np.testing.assert_array_equal(envs.get_state(), before)
    with pytest.raises(palaestra.UserError, match=message):
        ours("PointMaze_UMaze-v3").reset(options=options)


def test_a_goal_in_the_only_cell_to_start_from_is_refused() -> None:
    """Where the original would look for another one for ever."""
    plan = [[1, 1, 1, 1], [1, "r", "g", 1], [1, 1, 1, 1]]
    envs = palaestra.make_vec("PointMaze_UMaze-v3", 1, maze_map=plan)
    with pytest.raises(palaestra.UserError, match="only cell to start from"):
        envs.reset(options={"goal_cell": (1, 1)})
    envs.reset(options={"goal_cell": (1, 1), "reset_cell": (1, 2)})
    big = palaestra.make_vec("PointMaze_UMaze-v3", 1, maze_map=maps.LARGE_MAZE)
    observation, _ = big.reset(options={"goal_cell": (7, 10)})
    assert (np.abs(observation["desired_goal"] - [4.5, -3]) <= 0.25).all()


def test_other_tasks_have_no_such_options() -> None:
    """By name, as for any option that is unknown."""
    for env_id in ("Push2D-v0", "HalfCheetah-v5", "LunarLander-v3", "FrozenLake-v1"):
        envs = palaestra.make_vec(env_id, 1)
        with pytest.raises(palaestra.UserError, match='has no option "goal_cell'):
            envs.reset(options={"goal_cell": (1, 1)})
