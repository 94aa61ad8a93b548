"""The Fetch robot at its table, from the meshes of its model, and how it moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patches import Circle, Polygon

from .drawing import ACCENT, GREEN, INK, OBLIQUE, PALE, Array, Axes, Draw, Policy


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


def hand_over(height: float) -> Policy:
    """Move the gripper about over the table."""

    def policy(_: Array, step: int) -> Any:
        way = [np.cos(0.4 * step), np.sin(0.4 * step), height, np.cos(step)]
        return 0.7 * np.array([way], np.float32)

    return policy
