"""Run an episode of a scene and draw five moments of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import palaestra

from . import strips
from .drawing import Array
from .scenes import FALLING, GOALS, SCENES, SEEN, STARTS


def state_of(env: Any) -> Array:
    """State of the first row as scenes take it, a goal behind it."""
    parts = [env.get_physics(0)]
    if env.native_spec.goal:
        parts.append(env._columns()[0]["desired_goal"][0])
    return np.concatenate(parts)


def begin(env_id: str, **options: Any) -> Any:
    """Make the environment and start the scene's episode."""
    if env_id in FALLING:
        options["terminate_when_unhealthy"] = False
    env = palaestra.make_vec(env_id, 1, seed=1, max_episode_steps=0, **options)
    env.reset()
    if env_id in STARTS:
        env.set_physics(0, STARTS[env_id])
    if env_id in GOALS:
        env.set_goal(0, GOALS[env_id])
    return env


def draw(env_id: str) -> None:
    """Run one episode and draw five moments of it side by side."""
    scene, policy, pause = SCENES[env_id]
    drawing = scene()
    env = begin(env_id)
    figure, panels = strips.empty()
    step = 0
    for panel in panels:
        drawing(panel, state_of(env))
        if env_id in SEEN:
            panel.imshow(env.render()[0][::2, ::2])
        panel.set_aspect("equal")
        strips.caption(panel, step)
        for _ in range(pause):
            env.step(policy(state_of(env), step))
            step += 1
    suite, slash, task = env_id.partition("/")
    # tasks of one domain look alike: the domain's name is the picture's
    name = f"{suite}/{task.partition('-')[0]}" if slash else env_id
    strips.save(figure, name)
