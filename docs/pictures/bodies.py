"""Bodies of MuJoCo models, Gymnasium's and the DeepMind Control suite's, and how they move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from matplotlib.patches import Polygon

from .drawing import ACCENT, INK, PALE, SIDE, Array, Axes, Draw, Look, Policy


def body_view(
    file: str,
    look: Look,
    window: tuple[float, float, float, float],
    follow: bool = True,
) -> Draw:
    """Capsules, spheres, cylinders, boxes and ellipsoids of a model, seen along one direction.

    Parameters
    ----------
    file : str
        The model, as ``model_of`` takes it.
    look : Look
        The direction.
    window : tuple
        Left, right, bottom, top of what is seen.
    follow : bool, optional
        Whether the window is around the first body, from the side only left and right.
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
        # of a target, in some suite tasks
        place = state[model.nq + model.nv + model.na :]
        if target >= 0 and place.size <= 3:
            model.geom_pos[target, : place.size] = place
        for body in turned if place.size else ():  # x, z, and w and y of a quaternion
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


def capsule(a: Array, b: Array, radius: float, color: str, corners: int) -> Polygon:
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
