"""What the oracle tests of Gymnasium-Robotics' mazes share, whoever moves through them."""

from __future__ import annotations

from typing import Any

import gymnasium
import gymnasium_robotics
import numpy as np
from oracles import scratch_folder

gymnasium.register_envs(gymnasium_robotics)
TOLERANCE = 1e-10
PARTS = ("observation", "achieved_goal", "desired_goal")
#: steps after each of ten resets: one long stretch, and nine other beginnings
TEN_RESETS = (1_000,) + (100,) * 9


def original(env_id: str, **keywords: Any) -> Any:
    """Gymnasium-Robotics' environment without wrappers."""
    with scratch_folder():
        return gymnasium.make(env_id, disable_env_checker=True, **keywords).unwrapped


def meet(theirs: Any, mover: Any, mine: Any, observation: Any) -> None:
    """Put the original, which `mover` moves, into the state and before the goal of ours."""
    theirs.goal = observation["desired_goal"].copy()
    theirs.update_target_site_pos()
    mover.set_state(np.array(mine.qpos), np.array(mine.qvel))


def assert_same_step(actual: Any, expected: Any, where: str) -> None:
    """Observation, goals, reward, end and success agree."""
    for part in PARTS:
        difference = np.abs(actual[0][part] - expected[0][part]).max()
        assert difference <= TOLERANCE, f"{where}: {part}: {difference}"
    assert abs(actual[1] - expected[1]) <= TOLERANCE, where
    assert actual[2:4] == (bool(expected[2]), bool(expected[3])), where
    assert actual[4]["success"] == expected[4]["success"], where
    assert actual[4]["is_success"] == expected[4]["success"], where
