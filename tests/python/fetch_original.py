"""Gymnasium-Robotics' Fetch tasks on the MuJoCo of today."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator

from gymnasium_robotics.utils import mujoco_utils


@contextlib.contextmanager
def mended_joint_types() -> Iterator[None]:
    """Mend the one check of the original that trips on MuJoCo 3.17: the type of a joint.

    An integer is compared with members of an enumeration, which has become unequal.
    """
    before = vars(mujoco_utils).copy()
    source = inspect.getsource(mujoco_utils)
    broken = "joint_type = model.jnt_type[joint_id]"
    assert source.count(broken) == 4
    mended = source.replace(
        broken, "joint_type = mujoco.mjtJoint(int(model.jnt_type[joint_id]))"
    )
    exec(compile(mended, mujoco_utils.__file__, "exec"), vars(mujoco_utils))
    yield
    vars(mujoco_utils).update(before)
