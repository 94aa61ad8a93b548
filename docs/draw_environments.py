"""Draw the pictures of ``docs/environments/images``: five moments of an episode of each task.

    PYTHONPATH=build/release/python .venv/bin/python docs/draw_environments.py [ID ...]

The states are our own environments'; classic tasks and maps are drawn by hand, MuJoCo's from the
bodies of the model, seen from the side.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import palaestra
from matplotlib import pyplot
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as MplPath

IMAGES = Path(__file__).resolve().parent / "environments/images"
INK, ACCENT, PALE = "#22303c", "#c8553d", "#d9d4c7"

Array = npt.NDArray[np.float64]
Axes = Any
Draw = Callable[[Axes, Array], None]
Policy = Callable[[Array, int], Any]

mpl.rcParams.update({"svg.hashsalt": "palaestra", "svg.fonttype": "none"})


def line(
    axes: Axes, points: list[tuple[float, float]], color: str, width: float
) -> None:
    """Draw a line with round ends."""
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=color, lw=width, solid_capstyle="round", zorder=3)


def dot(axes: Axes, at: tuple[float, float], radius: float, color: str) -> None:
    """Draw a joint."""
    axes.add_patch(Circle(at, radius, color=color, zorder=4))


def cart_pole(axes: Axes, state: Array) -> None:
    """Cart on a rail, pole twice 0.5 m."""
    x, angle = state[0], state[2]
    line(axes, [(-2.4, 0), (2.4, 0)], PALE, 1.5)
    cart = FancyBboxPatch((x - 0.3, -0.1), 0.6, 0.2, "round,pad=0.05", color=INK)
    axes.add_patch(cart)
    line(axes, [(x, 0.1), (x + np.sin(angle), 0.1 + np.cos(angle))], ACCENT, 4)
    axes.set(xlim=(x - 1.2, x + 1.2), ylim=(-0.5, 1.5))


def pendulum(axes: Axes, state: Array) -> None:
    """Rod of 1 m; angle 0 is upright."""
    angle = state[0]
    line(axes, [(0, 0), (-np.sin(angle), np.cos(angle))], ACCENT, 5)
    dot(axes, (0, 0), 0.07, INK)
    axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))


def acrobot(axes: Axes, state: Array) -> None:
    """Two links of 1 m; angle 0 hangs down; the line to reach is 1 m above the base."""
    elbow = (np.sin(state[0]), -np.cos(state[0]))
    both = state[0] + state[1]
    end = (elbow[0] + np.sin(both), elbow[1] - np.cos(both))
    line(axes, [(-2.2, 1), (2.2, 1)], PALE, 1.5)
    line(axes, [(0, 0), elbow], INK, 4)
    line(axes, [elbow, end], ACCENT, 4)
    dot(axes, (0, 0), 0.1, INK)
    dot(axes, elbow, 0.1, INK)
    axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2))


def mountain_car(axes: Axes, state: Array) -> None:
    """The valley sin(3 x), the goal as a flag."""
    x = np.linspace(-1.2, 0.6, 80)
    axes.plot(x, 0.45 * np.sin(3 * x), color=INK, lw=1.5)
    at = (state[0], 0.45 * np.sin(3 * state[0]) + 0.06)
    dot(axes, at, 0.07, ACCENT)
    flag = 0.45 * np.sin(1.5)
    line(axes, [(0.5, flag), (0.5, flag + 0.22)], INK, 1.5)
    axes.add_patch(Rectangle((0.36, flag + 0.13), 0.14, 0.09, color=PALE))
    axes.set(xlim=(-1.25, 0.65), ylim=(-0.75, 1.0))


def frozen_lake(env_id: str) -> Draw:
    """The map: ice, holes, the goal, and the agent as a dot."""
    core: Any = gymnasium.make(env_id).unwrapped
    rows, columns = core.desc.shape

    def draw(axes: Axes, state: Array) -> None:
        axes.add_patch(Rectangle((0, 0), columns, rows, color=PALE))
        for row, column in np.argwhere(np.isin(core.desc, [b"H", b"G"])):
            color = INK if core.desc[row, column] == b"H" else "#5b8c5a"
            axes.add_patch(Rectangle((column, rows - 1 - row), 1, 1, color=color))
        axes.vlines(range(1, columns), 0, rows, color="white", lw=1.5)
        axes.hlines(range(1, rows), 0, columns, color="white", lw=1.5)
        row, column = divmod(int(state[0]), columns)
        at = (column + 0.5, rows - 1 - row + 0.5)
        dot(axes, at, 0.36, "white")
        dot(axes, at, 0.28, ACCENT)
        axes.set(xlim=(0, columns), ylim=(0, rows))

    return draw


def careful(state: Array, _: int) -> Any:
    """Cross the 4x4 map as well as one can for ever: slips never lead into a hole by choice."""
    return np.array([[0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0][int(state[0])]])


def right_and_down(state: Array, _: int) -> Any:
    """Along the upper edge of the 8x8 map, whose slips are harmless, then down the right one."""
    return np.array([2 if int(state[0]) % 8 == 7 else 3])


SIDE = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))  # what points right and what points up
TOP = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
# from in front and above, for what moves in all directions
OBLIQUE = ((0.94, -0.34, 0.0), (0.17, 0.47, 0.87))


def body_view(
    file: str,
    look: tuple[tuple[float, ...], tuple[float, ...]],
    window: tuple[float, float, float, float],
    follow: bool = True,
) -> Draw:
    """Capsules, spheres and cylinders of the model, seen along one direction.

    ``window`` is left, right, bottom, top; with ``follow`` they are seen from the first body, from
    the side only left and right.
    """
    import mujoco

    model = model_of(file)
    data = mujoco.MjData(model)
    right, up = np.array(look)
    towards = np.cross(right, up)
    target = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "target")
    named = ("target_ball", "target_peg", "cup", "slot")  # of the manipulator
    bodies = (mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, n) for n in named)
    turned = [body for body in bodies if body >= 0]
    corners = 9 if model.ngeom < 20 else 6  # of a round end: files stay small
    hulls = [int(mujoco.mjtGeom.mjGEOM_BOX), int(mujoco.mjtGeom.mjGEOM_ELLIPSOID)]
    capsules = int(mujoco.mjtGeom.mjGEOM_CAPSULE)
    spheres = int(mujoco.mjtGeom.mjGEOM_SPHERE)
    cylinders = int(mujoco.mjtGeom.mjGEOM_CYLINDER)

    def draw(axes: Axes, state: Array) -> None:
        data.qpos[:] = state[: model.nq]
        place = state[
            model.nq + model.nv + model.na :
        ]  # of a target, in some suite tasks
        if target >= 0 and place.size <= 3:
            model.geom_pos[target, : place.size] = place
        for body in turned:  # x, z, and w and y of a quaternion
            model.body_pos[body, [0, 2]] = place[:2]
            model.body_quat[body, [0, 2]] = place[2:]
        mujoco.mj_kinematics(model, data)
        if look is SIDE:
            axes.axhline(0, color=PALE, lw=1.5, zorder=1)
        for geom in np.argsort(data.geom_xpos @ towards):
            kind, size = int(model.geom_type[geom]), model.geom_size[geom]
            if kind not in (capsules, spheres, cylinders, *hulls):
                continue
            if model.geom_group[geom] > 2 or model.geom_rgba[geom, 3] == 0:
                continue  # not for the eye
            if model.geom_bodyid[geom] == 0 and kind == capsules:
                color = PALE  # rails and walls
            else:
                color = INK if geom % 2 else ACCENT
            if kind in hulls:
                points = surface(size, box=kind == hulls[0])
                points = (
                    data.geom_xpos[geom] + points @ data.geom_xmat[geom].reshape(3, 3).T
                )
                axes.add_patch(hull(points @ np.array([right, up]).T, color))
                continue
            round_end = kind != spheres
            along = data.geom_xmat[geom].reshape(3, 3)[:, 2] * size[1] * round_end
            ends = [
                np.array([p @ right, p @ up])
                for p in (data.geom_xpos[geom] - along, data.geom_xpos[geom] + along)
            ]
            axes.add_patch(capsule(*ends, size[0], color, corners))
        x = data.xpos[1] @ right if follow else 0.0
        y = data.xpos[1] @ up if follow and look is not SIDE else 0.0
        left, end, bottom, top = window
        axes.set(xlim=(x + left, x + end), ylim=(y + bottom, y + top))

    return draw


def model_of(file: str) -> Any:
    """Model of a Gymnasium task by its file, of a suite's task by its id, as Python makes it."""
    import mujoco

    if "/" in file:
        from dm_control import suite

        domain, _, task = file.removeprefix("dm_control/").partition("-")
        return suite.load(domain, task).physics.model.ptr
    folder = Path(gymnasium.__path__[0]) / "envs/mujoco/assets"
    return mujoco.MjModel.from_xml_string(
        # a deprecated attribute that MuJoCo would write a log file about
        (folder / file).read_text().replace('settotalmass="14"', "")
    )


def surface(size: Array, box: bool) -> Array:
    """Corners of a box, or points all over an ellipsoid."""
    if box:
        return (
            np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
            * size
        )
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 13), np.linspace(0, np.pi, 7))
    ball = np.stack(
        [np.cos(around) * np.sin(down), np.sin(around) * np.sin(down), np.cos(down)]
    )
    return ball.reshape(3, -1).T * size


def hull(points: Array, color: str) -> Polygon:
    """Outline of points in the plane."""
    from scipy.spatial import ConvexHull

    outline = points[ConvexHull(points, qhull_options="QJ").vertices]
    return Polygon(
        outline, closed=True, facecolor=color, edgecolor="white", lw=0.6, zorder=3
    )


def capsule(a: Array, b: Array, radius: float, color: str, corners: int = 9) -> Polygon:
    """Outline of a capsule from a to b."""
    direction = np.arctan2(b[1] - a[1], b[0] - a[0])
    turns = np.linspace(-np.pi / 2, np.pi / 2, corners)
    ends = [(b, direction), (a, direction + np.pi)]
    points = [
        at + radius * np.array([np.cos(way + t), np.sin(way + t)])
        for at, way in ends
        for t in turns
    ]
    return Polygon(
        points, closed=True, facecolor=color, edgecolor="white", lw=0.6, zorder=3
    )


def swing_up(state: Array, _: int) -> Any:
    """Pump energy into a pendulum until it is nearly upright, then hold it."""
    angle, speed = (state[0] + np.pi) % (2 * np.pi) - np.pi, state[1]
    if abs(angle) < 0.6:
        return np.array([[-16 * angle - 4 * speed]], np.float32)
    return np.array([[2.0 * np.sign(speed or 1)]], np.float32)


def along(index: int, none: int, force: bool = False) -> Policy:
    """Push the way that number `index` of the state already moves."""

    def policy(state: Array, _: int) -> Any:
        sign = int(np.sign(state[index]))
        return np.array([[sign]], np.float32) if force else np.array([none + sign])

    return policy


def balance(state: Array, _: int) -> Any:
    """Push a cart under its pole."""
    return np.array([int(state[2] + 0.3 * state[3] + 0.02 * state[0] > 0)])


def hold(*gains: float) -> Policy:
    """Push against every position and velocity with its own strength."""

    def policy(state: Array, _: int) -> Any:
        return np.array([[-np.dot(gains, state)]], np.float32)

    return policy


def waves(controls: int) -> Policy:
    """Sines of different phases: the robot moves and does not fall at once."""

    def policy(_: Array, step: int) -> Any:
        phase = 0.35 * step + np.arange(controls) * 1.7
        return 0.8 * np.sin(phase)[None].astype(np.float32)

    return policy


GREEN = "#5b8c5a"


def square(axes: Axes, half: float) -> None:
    """Draw the floor of a task in the plane."""
    axes.add_patch(Rectangle((-half, -half), 2 * half, 2 * half, color=PALE, alpha=0.5))
    axes.set(xlim=(-half * 1.05, half * 1.05), ylim=(-half * 1.05, half * 1.05))


def point_task(walls: bool) -> Draw:
    """The point, where it counts as arrived, and the walls without the point's own size."""

    def draw(axes: Axes, state: Array) -> None:
        square(axes, 5.0)
        for x, y, width, height in (
            (-5, -0.3, 0.05, 0.6), (-1.15, -0.3, 2.3, 0.6), (4.95, -0.3, 0.05, 0.6),
            (-0.3, -5, 0.6, 0.05), (-0.3, -1.15, 0.6, 2.3), (-0.3, 4.95, 0.6, 0.05),
        ) if walls else ():  # fmt: skip
            axes.add_patch(Rectangle((x, y), width, height, color=INK))
        axes.add_patch(Circle(state[-2:], 1.0, color=GREEN, alpha=0.6))
        dot(axes, (state[0], state[1]), 0.5, ACCENT)

    return draw


def push_2d(axes: Axes, state: Array) -> None:
    """Gripper, object and goal."""
    square(axes, 0.28)
    discs(axes, state)


def slide_2d(axes: Axes, state: Array) -> None:
    """The table is long; the gripper reaches its left part alone."""
    axes.add_patch(Rectangle((-0.3, -0.6), 1.6, 1.2, color=PALE, alpha=0.5))
    axes.add_patch(Rectangle((-0.25, -0.25), 0.5, 0.5, color="white", alpha=0.6))
    discs(axes, state)
    axes.set(xlim=(-0.35, 1.35), ylim=(-0.65, 0.65))


def discs(axes: Axes, state: Array) -> None:
    """Gripper and object, of which the centres touch at 4.5 cm, and a goal of 5 cm."""
    axes.add_patch(Circle(state[-2:], 0.05, color=GREEN, alpha=0.6))
    dot(axes, (state[0], state[1]), 0.0225, INK)
    dot(axes, (state[2], state[3]), 0.0225, ACCENT)


def reach_3d(axes: Axes, state: Array) -> None:
    """Seen obliquely, with the way down to the floor."""
    right, up = np.array(OBLIQUE)
    corners = np.array([[x, y, -0.2] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    corners[:, :2] *= 0.2
    floor = np.stack([corners @ right, corners @ up], 1)
    axes.add_patch(Polygon(floor, closed=True, color=PALE, alpha=0.5))
    for place, radius, color in ((state[-3:], 0.05, GREEN), (state[:3], 0.02, ACCENT)):
        at, foot = place, np.array([place[0], place[1], -0.2])
        line(axes, [(at @ right, at @ up), (foot @ right, foot @ up)], INK, 0.8)
        dot(axes, (at @ right, at @ up), radius, color)
    axes.set(xlim=(-0.3, 0.3), ylim=(-0.32, 0.28))


U_MAZE = "11111/10001/11101/10001/11111"
MEDIUM_MAZE = "11111111/10011001/10010001/11000111/10010001/10100101/10001001/11111111"
LARGE_MAZE = (
    "111111111111/100001000001/101101010101/100000010001/101111011101/100101000001/"
    "110101010111/100100010001/111111111111"
)
GIANT_MAZE = (
    "1111111111111111/1010000001100001/1010110101001101/1000100100010001/1011101111110101/"
    "1000100010000101/1110101001010111/1000100100010001/1010101111110101/1011100010001101/"
    "1000001000100001/1111111111111111"
)


def maze(
    plan: str, unit: float, radius: float, goal: float, *, corner: bool = False
) -> Draw:
    """Draw the walls of a plan, the goal, and the ball; `corner`: OGBench's way to place cells."""
    rows = plan.split("/")
    height, width = len(rows), len(rows[0])
    left, top = -width / 2 * unit, height / 2 * unit

    def draw(axes: Axes, state: Array) -> None:
        walls = []
        for i, row in enumerate(rows):
            for run in re.finditer("1+", row):  # neighbouring walls as one
                x, y = left + run.start() * unit, top - (i + 1) * unit
                if corner:
                    x, y = (run.start() - 1.5) * unit, (i - 1.5) * unit
                long = len(run[0]) * unit
                corners = [(x, y), (x + long, y), (x + long, y + unit), (x, y + unit)]
                walls.append(MplPath([*corners, (x, y)], closed=True))
        axes.add_patch(PathPatch(MplPath.make_compound_path(*walls), color=INK, lw=0))
        axes.add_patch(Circle(state[-2:], goal, color=GREEN, alpha=0.6, lw=0))
        dot(axes, (state[0], state[1]), max(radius, 0.18 * unit), ACCENT)
        x, y = (-1.5 * unit, -1.5 * unit) if corner else (left, -top)
        axes.set(xlim=(x, x + width * unit), ylim=(y, y + height * unit))

    return draw


def fetch(file: str) -> Draw:
    """Outlines of the robot's parts, the table, the object and the goal, from the side."""
    import gymnasium_robotics
    import mujoco
    from scipy.spatial import ConvexHull

    folder = Path(gymnasium_robotics.__path__[0]) / "envs/assets/fetch"
    model = mujoco.MjModel.from_xml_path(str(folder / file))
    data = mujoco.MjData(model)
    right, up = np.array(OBLIQUE)
    towards_us = np.cross(right, up)

    def corners(geom: int) -> Array:
        mesh = model.geom_dataid[geom]
        if mesh >= 0:
            first = model.mesh_vertadr[mesh]
            return model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
        signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        return signs * model.geom_size[geom]

    def draw(axes: Axes, state: Array) -> None:
        data.qpos[:] = state[: model.nq]
        mujoco.mj_kinematics(model, data)
        plane, cylinder = (
            int(mujoco.mjtGeom.mjGEOM_PLANE),
            int(mujoco.mjtGeom.mjGEOM_CYLINDER),
        )
        for geom in np.argsort(data.geom_xpos @ towards_us):
            body = model.body(model.geom_bodyid[geom]).name
            if model.geom_type[geom] == plane or "mocap" in body:
                continue
            points = corners(geom)
            if model.geom_type[geom] == cylinder:
                r, h, _ = model.geom_size[geom]
                turns = np.linspace(0, 2 * np.pi, 13)
                points = np.concatenate(
                    [
                        np.stack(
                            [r * np.cos(turns), r * np.sin(turns), 0 * turns + z], 1
                        )
                        for z in (-h, h)
                    ]
                )
            world = data.geom_xpos[geom] + points @ data.geom_xmat[geom].reshape(3, 3).T
            flat = np.stack([world @ right, world @ up], 1)
            color = {"table0": PALE, "object0": ACCENT}.get(body, INK)
            hull = ConvexHull(flat).vertices
            hull = hull[:: 1 + len(hull) // 11]  # ten corners are outline enough
            axes.add_patch(
                Polygon(
                    flat[hull], closed=True,
                    facecolor=color, edgecolor="white", lw=0.4,
                )
            )  # fmt: skip
        at = state[-3:]
        axes.add_patch(
            Circle((at @ right, at @ up), 0.04, color=GREEN, alpha=0.8, zorder=9)
        )
        centre = np.array([1.2, 0.75, 0.55])
        x, y = centre @ right, centre @ up
        axes.set(xlim=(x - 0.62, x + 0.62), ylim=(y - 0.62, y + 0.62))

    return draw


def ant_maze(plan: str, *, corner: bool = False) -> Draw:
    """The ant from above among the walls: its torso, and its legs to scale."""
    ground = maze(plan, 4.0, 0.0, 0.5, corner=corner)

    def draw(axes: Axes, state: Array) -> None:
        ground(axes, state)
        axes.patches[-1].remove()  # what stands for a ball
        x, y = state[:2]
        turn = 2 * np.arctan2(state[6], state[3])
        for leg in range(4):
            way = turn + np.pi / 4 + leg * np.pi / 2
            end = (x + 1.1 * np.cos(way), y + 1.1 * np.sin(way))
            line(axes, [(x, y), end], ACCENT, 1.6)
        dot(axes, (x, y), 0.5, ACCENT)

    return draw


def hand_over(height: float) -> Policy:
    """Move the gripper about over the table."""

    def policy(_: Array, step: int) -> Any:
        way = [np.cos(0.4 * step), np.sin(0.4 * step), height, np.cos(step)]
        return 0.7 * np.array([way], np.float32)

    return policy


def towards(
    first: int, goal: int, step: float, size: int = 2, most: float = 1.0
) -> Policy:
    """Straight from the numbers at `first` of the state to those at `goal`."""

    def policy(state: Array, _: int) -> Any:
        way = (state[goal : goal + size] - state[first : first + size]) / step
        return (most * way / max(1.0, np.abs(way).max()))[None].astype(np.float32)

    return policy


def push(state: Array, _: int) -> Any:
    """At the object, until it is where it should be."""
    there = np.hypot(*(state[2:4] - state[4:6])) < 0.03
    return 0 * towards(0, 2, 0.03)(state, 0) if there else towards(0, 2, 0.03)(state, 0)


def rolling(_: Array, step: int) -> Any:
    """A push whose direction turns slowly."""
    turn = 0.023 * step + 0.8 * np.sin(0.011 * step)
    return 0.8 * np.array([[np.cos(turn), np.sin(turn)]], np.float32)


def along_u(state: Array, _: int) -> Any:
    """Around the bend of the U, from its upper arm to its lower one."""
    x, y, vx, vy = state[:4]
    aim = (
        (1.0, 1.0) if y > 0.7 and x < 0.8 else (1.0, -1.0) if y > -0.7 else (-1.0, -1.0)
    )
    push = 1.5 * (np.array(aim) - [x, y]) - 0.9 * np.array([vx, vy])
    return np.clip(push, -1, 1)[None].astype(np.float32)


def through_a_door(state: Array, step: int) -> Any:
    """From the lower left room over the upper left one to the upper right one."""
    posts = [(-3.05, 0.0), (-3.05, 3.05), (0.0, 3.05), (state[2], state[3])]
    way = np.array(posts[min(step // 4, 3)]) - state[:2]
    return (way / max(1.0, np.abs(way).max()))[None].astype(np.float32)


def double_integrator(axes: Axes, state: Array) -> None:
    """The mass on its line, with an arrow for its velocity, and the origin."""
    position, velocity = state[:2]
    line(axes, [(-0.4, 0), (1.3, 0)], PALE, 1.5)
    line(axes, [(0, -0.12), (0, 0.12)], INK, 1.5)
    dot(axes, (position, 0), 0.07, ACCENT)
    axes.annotate(
        "",
        (position + 0.4 * velocity, 0.2),
        (position, 0.2),
        arrowprops={"arrowstyle": "->", "color": INK},
    )
    axes.set(xlim=(-0.4, 1.3), ylim=(-0.6, 0.6))


def best_push(state: Array, _: int) -> Any:
    """What the best policy does with much time left."""
    return np.array([[-(7.604 * state[0] + 4.978 * state[1])]], np.float32)


def nothing(axes: Axes, state: Array) -> None:
    """Draw nothing: the environment shows itself."""


def sidestep(_: Array, step: int) -> Any:
    """To the left and to the right in turn."""
    return np.array([[-1.0 if step // 40 % 2 == 0 else 1.0]], np.float32)


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
STARTS = {
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
GOALS = {
    "PointMaze_UMaze-v3": [-1.0, -1.0],
    "PointMaze_UMaze_Projected-v0": [-1.0, -1.0],
    "PointReach-v0": [3.5, 2.5],
    "PointRooms-v0": [3.4, 2.4],
    "Push2D-v0": [-0.2, 0.0875],
    "Reach3D-v0": [0.14, -0.1, 0.15],
    "Slide2D-v0": [0.8, 0.06],
}
FALLING = ("Ant-v5", "Humanoid-v5", "Walker2d-v5")
# shown as they draw themselves
SEEN = ("TakeCover-v0",)
MOMENTS = 5


def draw(env_id: str) -> None:
    """Run one episode and draw five moments of it side by side."""
    scene, policy, pause = SCENES[env_id]
    drawing = scene()
    endless: dict[str, Any] = (
        {"terminate_when_unhealthy": False} if env_id in FALLING else {}
    )
    env = palaestra.make_vec(env_id, 1, seed=1, max_episode_steps=0, **endless)
    env.reset()
    if env_id in STARTS:
        env.set_physics(0, STARTS[env_id])
    if env_id in GOALS:
        env.set_goal(0, GOALS[env_id])

    def state() -> Array:
        parts = [env.get_physics(0)]
        if env.native_spec.goal:
            parts.append(env._columns()[0]["desired_goal"][0])
        return np.concatenate(parts)

    figure, panels = pyplot.subplots(1, MOMENTS, figsize=(10, 2.1))
    step = 0
    for panel in panels:
        drawing(panel, state())
        if env_id in SEEN:
            panel.imshow(env.render()[0][::2, ::2])
        panel.set_aspect("equal")
        panel.axis("off")
        panel.set_title(f"step {step}", fontsize=9, color=INK)
        for _ in range(pause):
            env.step(policy(state(), step))
            step += 1
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.88, 0.05)
    suite, slash, task = env_id.partition("/")
    name = f"{suite}/{task.partition('-')[0]}" if slash else env_id
    file = IMAGES / f"{name}.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def land(env_id: str) -> Callable[[Array, int], Any]:
    """Land as Gymnasium's own heuristic does."""
    from gymnasium.envs.box2d.lunar_lander import heuristic

    original = gymnasium.make(env_id, disable_env_checker=True)
    return lambda seen, _: heuristic(original, seen)


def walk(_: str) -> Callable[[Array, int], Any]:
    """Walk as Gymnasium's own heuristic does."""
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics

    gait = BipedalWalkerHeuristics()
    return lambda seen, _: gait.step_heuristic(seen)


def drive(_: str) -> Callable[[Array, int], Any]:
    """Straight on and into the first bend."""
    return lambda _, step: np.array([0.0 if step < 60 else -0.15, 0.2, 0.0])


# what to do, steps between two pictures
FILMS: dict[str, tuple[Callable[[str], Callable[[Array, int], Any]], int]] = {
    "BipedalWalker-v3": (walk, 40),
    "BipedalWalkerHardcore-v3": (walk, 40),
    "CarRacing-v3": (drive, 25),
    "CarRacingFixed289-v0": (drive, 25),
    "LunarLander-v3": (land, 45),
    "LunarLanderContinuous-v3": (land, 45),
}


def film(env_id: str) -> None:
    """Show five moments of an episode as the rasteriser draws them; of the car, what it sees."""
    start, pause = FILMS[env_id]
    policy = start(env_id)
    env = palaestra.make_vec(env_id, 1, seed=3, max_episode_steps=0)
    seen, _ = env.reset()
    figure, panels = pyplot.subplots(1, MOMENTS, figsize=(10, 2.1))
    step = 0
    for panel in panels:
        pixels = seen[0] if seen.ndim == 4 else env.render([0])[0]
        panel.imshow(pixels, interpolation="nearest")
        panel.axis("off")
        panel.set_title(f"step {step}", fontsize=9, color=INK)
        for _ in range(pause):
            action = np.asarray(policy(seen[0], step))
            kind = env.single_action_space.dtype
            seen = env.step(action.astype(kind)[None])[0]
            step += 1
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.88, 0.05)
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGES / f"{env_id}.svg", metadata={"Date": None}, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or [*SCENES, *FILMS]:
        (film if chosen in FILMS else draw)(chosen)
