"""Five moments of an episode as the rasteriser draws them: Box2D's tasks and their pixels."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np
import palaestra

from . import strips
from .drawing import Policy


def land(env_id: str) -> Policy:
    """Land as Gymnasium's own heuristic does."""
    from gymnasium.envs.box2d.lunar_lander import heuristic

    original = gymnasium.make(env_id, disable_env_checker=True)
    return lambda seen, _: heuristic(original, seen)


def walk(_: str) -> Policy:
    """Walk as Gymnasium's own heuristic does."""
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics

    gait = BipedalWalkerHeuristics()
    return lambda seen, _: gait.step_heuristic(seen)


def drive(_: str) -> Policy:
    """Straight on and into the first bend."""
    return lambda _, step: np.array([0.0 if step < 60 else -0.15, 0.2, 0.0])


# what to do, steps between two pictures
FILMS: dict[str, tuple[Callable[[str], Policy], int]] = {
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
    figure, panels = strips.empty()
    step = 0
    for panel in panels:
        pixels = seen[0] if seen.ndim == 4 else env.render([0])[0]
        panel.imshow(pixels, interpolation="nearest")
        strips.caption(panel, step)
        for _ in range(pause):
            action = np.asarray(policy(seen[0], step))
            kind = env.single_action_space.dtype
            seen = env.step(action.astype(kind)[None])[0]
            step += 1
    strips.save(figure, env_id, dpi=150)
