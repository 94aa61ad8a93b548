"""The table of what is drawn of each environment, and of where its episode begins and leads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .bodies import body_view, hold, waves
from .classic import (
    acrobot,
    along,
    balance,
    cart_pole,
    mountain_car,
    pendulum,
    swing_up,
)
from .doom import nothing, sidestep
from .drawing import OBLIQUE, SIDE, TOP, Draw, Policy
from .fetch import fetch, hand_over
from .goal import point_task, push, push_2d, reach_3d, slide_2d, through_a_door, towards
from .mazes import (
    GIANT_MAZE,
    LARGE_MAZE,
    MEDIUM_MAZE,
    U_MAZE,
    along_u,
    ant_maze,
    maze,
    rolling,
)
from .stochastic import (
    best_push,
    careful,
    double_integrator,
    frozen_lake,
    right_and_down,
)

# how to draw, what to do, steps between two pictures
SCENES: dict[str, tuple[Callable[[], Draw], Policy, int]] = {
    "Acrobot-v1": (lambda: acrobot, along(3, 1), 18),
    "CartPole-v1": (lambda: cart_pole, balance, 8),
    "Ant-v5": (
        lambda: body_view("ant.xml", OBLIQUE, (-1.3, 1.3, -1.3, 1.3)),
        waves(8),
        12,
    ),
    "HalfCheetah-v5": (
        lambda: body_view("half_cheetah.xml", SIDE, (-1, 1, -0.15, 1.85)),
        waves(6),
        9,
    ),
    "Hopper-v5": (
        lambda: body_view("hopper.xml", SIDE, (-1, 1, -0.15, 1.85)),
        waves(3),
        9,
    ),
    "Humanoid-v5": (
        lambda: body_view("humanoid.xml", SIDE, (-1, 1, -0.15, 1.85)),
        waves(17),
        7,
    ),
    "HumanoidStandup-v5": (
        lambda: body_view("humanoidstandup.xml", SIDE, (-0.6, 1.4, -0.15, 1.85)),
        waves(17),
        9,
    ),
    "InvertedDoublePendulum-v5": (
        lambda: body_view(
            "inverted_double_pendulum.xml", SIDE, (-0.8, 0.8, -0.2, 1.4), follow=False
        ),
        hold(0.21, 1.81, 5.57, 0.31, 0.9, 0.85),
        5,
    ),
    "InvertedPendulum-v5": (
        lambda: body_view(
            "inverted_pendulum.xml", SIDE, (-0.6, 0.6, -0.2, 1.0), follow=False
        ),
        hold(-0.5, -8.0, -0.8, -1.6),
        5,
    ),
    "Pusher-v5": (
        lambda: body_view("pusher_v5.xml", TOP, (-0.4, 1.0, -0.9, 0.5), follow=False),
        waves(7),
        8,
    ),
    "Reacher-v5": (
        lambda: body_view("reacher.xml", TOP, (-0.26, 0.26, -0.26, 0.26), follow=False),
        waves(2),
        6,
    ),
    "Swimmer-v5": (
        lambda: body_view("swimmer.xml", TOP, (-1.6, 1.6, -1.6, 1.6)),
        waves(2),
        14,
    ),
    "Walker2d-v5": (
        lambda: body_view("walker2d_v5.xml", SIDE, (-1, 1, -0.15, 1.85)),
        waves(6),
        9,
    ),
    "DoubleIntegrator-v0": (lambda: double_integrator, best_push, 7),
    "dm_control/ball_in_cup-catch": (
        lambda: body_view(
            "dm_control/ball_in_cup-catch", SIDE, (-0.5, 0.5, 0.05, 0.95), follow=False
        ),
        waves(2),
        9,
    ),
    "dm_control/cheetah-run": (
        lambda: body_view("dm_control/cheetah-run", SIDE, (-1.1, 1.1, -0.15, 1.85)),
        waves(6),
        14,
    ),
    "dm_control/humanoid-stand": (
        lambda: body_view("dm_control/humanoid-stand", SIDE, (-1, 1, -0.15, 1.85)),
        waves(21),
        9,
    ),
    "dm_control/quadruped-walk": (
        lambda: body_view("dm_control/quadruped-walk", OBLIQUE, (-1.3, 1.3, -1.3, 1.3)),
        waves(12),
        14,
    ),
    "dm_control/walker-walk": (
        lambda: body_view("dm_control/walker-walk", SIDE, (-1.2, 1.2, -0.15, 1.85)),
        waves(6),
        9,
    ),
    "dm_control/acrobot-swingup": (
        lambda: body_view(
            "dm_control/acrobot-swingup", SIDE, (-2.2, 2.2, -0.2, 4.2), follow=False
        ),
        waves(1),
        40,
    ),
    "dm_control/cartpole-swingup": (
        lambda: body_view("dm_control/cartpole-swingup", SIDE, (-1.3, 1.3, -0.2, 2.4)),
        waves(1),
        40,
    ),
    "dm_control/finger-turn_easy": (
        lambda: body_view(
            "dm_control/finger-turn_easy", SIDE, (-0.5, 0.5, 0.05, 0.95), follow=False
        ),
        waves(2),
        12,
    ),
    "dm_control/fish-swim": (
        lambda: body_view("dm_control/fish-swim", OBLIQUE, (-0.5, 0.5, -0.5, 0.5)),
        waves(5),
        12,
    ),
    "dm_control/hopper-hop": (
        lambda: body_view("dm_control/hopper-hop", SIDE, (-1, 1, -0.15, 1.85)),
        waves(4),
        9,
    ),
    "dm_control/manipulator-insert_ball": (
        lambda: body_view(
            "dm_control/manipulator-insert_ball",
            SIDE,
            (-0.7, 0.7, -0.05, 1.05),
            follow=False,
        ),
        waves(5),
        18,
    ),
    "dm_control/pendulum-swingup": (
        lambda: body_view(
            "dm_control/pendulum-swingup", SIDE, (-0.8, 0.8, -0.1, 1.4), follow=False
        ),
        waves(1),
        14,
    ),
    "dm_control/point_mass-easy": (
        lambda: body_view(
            "dm_control/point_mass-easy", TOP, (-0.32, 0.32, -0.32, 0.32), follow=False
        ),
        waves(2),
        12,
    ),
    "dm_control/reacher-easy": (
        lambda: body_view(
            "dm_control/reacher-easy", TOP, (-0.32, 0.32, -0.32, 0.32), follow=False
        ),
        waves(2),
        12,
    ),
    "dm_control/swimmer-swimmer6": (
        lambda: body_view("dm_control/swimmer-swimmer6", TOP, (-0.7, 0.7, -0.7, 0.7)),
        waves(5),
        12,
    ),
    "FrozenLake-v1": (lambda: frozen_lake("FrozenLake-v1"), careful, 4),
    "FrozenLake8x8-v1": (lambda: frozen_lake("FrozenLake8x8-v1"), right_and_down, 12),
    "AntMaze_UMaze-v4": (lambda: ant_maze(U_MAZE), waves(8), 60),
    "AntMaze_Medium-v4": (lambda: ant_maze(MEDIUM_MAZE), waves(8), 60),
    "AntMaze_Large-v4": (lambda: ant_maze(LARGE_MAZE), waves(8), 60),
    "antmaze-medium-v0": (lambda: ant_maze(MEDIUM_MAZE, corner=True), waves(8), 60),
    "antmaze-large-v0": (lambda: ant_maze(LARGE_MAZE, corner=True), waves(8), 60),
    "antmaze-giant-v0": (lambda: ant_maze(GIANT_MAZE, corner=True), waves(8), 60),
    "FetchPickAndPlace-v4": (lambda: fetch("pick_and_place.xml"), hand_over(-0.3), 3),
    "FetchPush-v4": (lambda: fetch("push.xml"), hand_over(0.0), 3),
    "FetchReach-v4": (lambda: fetch("reach.xml"), hand_over(-0.2), 3),
    "FetchSlide-v4": (lambda: fetch("slide.xml"), hand_over(0.0), 3),
    "PointMaze_UMaze-v3": (lambda: maze(U_MAZE, 1, 0.1, 0.45), along_u, 50),
    "PointMaze_Medium-v3": (lambda: maze(MEDIUM_MAZE, 1, 0.1, 0.45), rolling, 60),
    "PointMaze_Large-v3": (lambda: maze(LARGE_MAZE, 1, 0.1, 0.45), rolling, 60),
    "PointMaze_UMaze_Projected-v0": (lambda: maze(U_MAZE, 1, 0.1, 0.45), along_u, 50),
    "PointMaze_Medium_Projected-v0": (
        lambda: maze(MEDIUM_MAZE, 1, 0.1, 0.45),
        rolling,
        60,
    ),
    "PointMaze_Large_Projected-v0": (
        lambda: maze(LARGE_MAZE, 1, 0.1, 0.45),
        rolling,
        60,
    ),
    "pointmaze-medium-v0": (
        lambda: maze(MEDIUM_MAZE, 4, 0.7, 1, corner=True),
        rolling,
        30,
    ),
    "pointmaze-large-v0": (
        lambda: maze(LARGE_MAZE, 4, 0.7, 1, corner=True),
        rolling,
        30,
    ),
    "pointmaze-giant-v0": (
        lambda: maze(GIANT_MAZE, 4, 0.7, 1, corner=True),
        rolling,
        30,
    ),
    "PointReach-v0": (lambda: point_task(walls=False), towards(0, 2, 1.0), 2),
    "PointRooms-v0": (lambda: point_task(walls=True), through_a_door, 4),
    "Push2D-v0": (lambda: push_2d, push, 2),
    "Reach3D-v0": (lambda: reach_3d, towards(0, 3, 0.05, 3), 1),
    "Slide2D-v0": (lambda: slide_2d, towards(0, 2, 0.03, most=0.87), 7),
    "MountainCar-v0": (lambda: mountain_car, along(1, 1), 26),
    "MountainCarContinuous-v0": (lambda: mountain_car, along(1, 0, force=True), 22),
    "Pendulum-v1": (lambda: pendulum, swing_up, 13),
    "TakeCover-v0": (lambda: nothing, sidestep, 23),
}

# where an episode begins, of those that begin elsewhere than a reset with seed 1
STARTS: dict[str, list[float]] = {
    "CartPole-v1": [0, 0, 0.2, 0],
    "InvertedDoublePendulum-v5": [-0.3, 0.12, -0.1, 0, 0, 0],
    "InvertedPendulum-v5": [-0.3, 0.19, 0, 0],
    "Pendulum-v1": [np.pi, 0.5],
    "PointMaze_UMaze-v3": [-1.0, 1.0, 0.0, 0.0],
    "PointMaze_UMaze_Projected-v0": [-1.0, 1.0, 0.0, 0.0],
    "PointReach-v0": [-4.0, -3.0],
    "PointRooms-v0": [-3.2, -3.4],
    "Push2D-v0": [0.0, 0.0, -0.08, 0.035],
    "Slide2D-v0": [0.0, 0.0, 0.1, 0.01, 0.0, 0.0],
}
# and where it leads
GOALS: dict[str, list[float]] = {
    "PointMaze_UMaze-v3": [-1.0, -1.0],
    "PointMaze_UMaze_Projected-v0": [-1.0, -1.0],
    "PointReach-v0": [3.5, 2.5],
    "PointRooms-v0": [3.4, 2.4],
    "Push2D-v0": [-0.2, 0.0875],
    "Reach3D-v0": [0.14, -0.1, 0.15],
    "Slide2D-v0": [0.8, 0.06],
}

# shown beyond the point at which their episodes would end
FALLING = ("Ant-v5", "Humanoid-v5", "Walker2d-v5")
# shown as they draw themselves
SEEN = ("TakeCover-v0",)
