"""Record Gymnasium's Box2D environments as safetensors.

    .venv/bin/python tests/golden/make_box2d_transcripts.py [NAME ...]

Gymnasium's random numbers cannot be had elsewhere, so each episode is recorded together with all
that it drew, in the order of the calls: our worlds are built from the same draws. Per episode:
`draws` (an integer counts from its lowest value), `action`, `observation` (the first one is the
reset's), `reward`, `terminated`, and what was built: the masses of the bodies and the ground.

Beyond the first contacts two versions of the engine part ways, and only distributions can be
compared. The parts `heuristic` and `random` hold return, length and kind of end of many episodes of
a fixed policy; our own policies are in tests/envs/box2d_policies.h.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics
from gymnasium.envs.box2d.lunar_lander import heuristic as lander_heuristic
from safetensors.numpy import save_file

Array = npt.NDArray[Any]
Policy = Callable[[Array], Any]
Blocks = dict[str, Array]

FOLDER = Path(__file__).parent / "box2d"
STEPS = 150  # of one transcript at most
EPISODES = 250  # of one policy
#: how an episode ended
CRASHED, SUCCEEDED, TRUNCATED = 0, 1, 2


class RecordedDraws:
    """A NumPy generator that writes down what it gives."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.draws: list[float] = []

    def uniform(self, low: float, high: float, size: Any = None) -> Any:
        """Draw as the generator does."""
        drawn = self.generator.uniform(low, high, size)
        self.draws.extend(np.ravel(drawn).tolist())
        return drawn

    def integers(self, low: int, high: int | None = None) -> int:
        """Draw as the generator does; written down from its lowest value on."""
        drawn = self.generator.integers(low, high)
        self.draws.append(float(drawn - (0 if high is None else low)))
        return drawn

    def random(self) -> float:
        """Draw as the generator does."""
        drawn = self.generator.random()
        self.draws.append(drawn)
        return drawn


def make(env_id: str, **options: Any) -> Any:
    """Make the original without any wrapper."""
    return gymnasium.make(env_id, disable_env_checker=True, **options).unwrapped


def bodies_of(env: Any) -> list[Any]:
    """Return everything that moves, in the order of its making."""
    if hasattr(env, "car"):
        return [env.car.hull, *env.car.wheels]
    return [env.lander if hasattr(env, "lander") else env.hull, *env.legs]


def masses_of(env: Any) -> Array:
    """Mass, inertia about the origin and centre of every moving body."""
    return np.array([[b.mass, b.inertia, *b.localCenter] for b in bodies_of(env)])


def places_of(env: Any) -> Array:
    """Place, angle and velocities of every moving body, as the engine keeps them."""
    return np.array(
        [
            [*b.position, b.angle, *b.linearVelocity, b.angularVelocity]
            for b in bodies_of(env)
        ],
        dtype=np.float32,
    )


def road_of(env: Any) -> list[Any]:
    """Return the road's quads alone: kerbs have tuples for colours."""
    return [piece for piece in env.road_poly if isinstance(piece[1], np.ndarray)]


def kerbed_of(env: Any) -> list[bool]:
    """Say of every tile whether it has a kerb."""
    pieces = [isinstance(color, np.ndarray) for _, color in env.road_poly] + [True]
    return [not after for tile, after in itertools.pairwise(pieces) if tile]


def ground_of(env: Any) -> Blocks:
    """What the episode runs on, before any physics."""
    if hasattr(env, "moon"):
        points = [poly[0][1] for poly in env.sky_polys] + [env.sky_polys[-1][1][1]]
        return {"ground": np.array(points)}
    if hasattr(env, "track"):
        return {
            "track": np.array(env.track),
            "tiles": np.array([np.ravel(quad) for quad, _ in road_of(env)]),
            "kerbs": np.array([i for i, tile in enumerate(kerbed_of(env)) if tile]),
        }
    solids = [
        [list(v) for v in body.fixtures[0].shape.vertices]
        for body in reversed(env.terrain)
        if len(body.fixtures[0].shape.vertices) == 4
    ]
    return {
        "ground": np.array(env.terrain_y, dtype=np.float64),
        "solids": np.array(solids, dtype=np.float64).reshape(-1, 8),
    }


def transcript(env: Any, seed: int, policy: Policy, steps: int = STEPS) -> Blocks:
    """Record one episode of `policy`, `steps` long at most."""
    random = RecordedDraws(seed)
    env._np_random = random
    observation, _ = env.reset()
    blocks = {"masses": masses_of(env), **ground_of(env)}
    observations, places = [observation], [places_of(env)]
    actions, rewards, ends = [], [], []
    while len(actions) < steps and not any(ends):
        action = policy(observation)
        observation, reward, terminated, _, _ = env.step(action)
        observations.append(observation)
        places.append(places_of(env))
        actions.append(action)
        rewards.append(float(reward))
        ends.append(terminated)
    return {
        **blocks,
        "draws": np.array(random.draws),
        "action": np.array(actions),
        "observation": np.array(observations, dtype=np.float32),
        "places": np.array(places),
        "reward": np.array(rewards),
        "terminated": np.array(ends, dtype=np.uint8),
    }


def statistics(env_id: str, policy: Callable[..., Policy], **options: Any) -> Blocks:
    """Return, length and kind of end of many episodes, each with a fresh policy."""
    env = make(env_id, **options)
    limit = gymnasium.spec(env_id).max_episode_steps
    rows = []
    for seed in range(EPISODES):
        observation, _ = env.reset(seed=seed)
        act, total, length, reward, terminated = policy(env, seed), 0.0, 0, 0.0, False
        flight = 0  # steps until a leg of the lander touches
        while not terminated and length < limit:
            observation, reward, terminated, _, _ = env.step(act(observation))
            total += reward
            length += 1
            if flight == length - 1 and not observation[6:8].any():
                flight = length
        end = TRUNCATED if not terminated else CRASHED if reward == -100 else SUCCEEDED
        rows.append((total, length, end, flight))
    return {
        "return": np.array([row[0] for row in rows], dtype=np.float64),
        "length": np.array([row[1] for row in rows], dtype=np.int64),
        "end": np.array([row[2] for row in rows], dtype=np.int64),
        "flight": np.array([row[3] for row in rows], dtype=np.int64),
    }


def seeded_policy(env: Any, seed: int) -> Policy:
    """Draw from the action space, with a seed."""
    env.action_space.seed(seed)
    return lambda _: env.action_space.sample()


def walker_heuristic(_: Any, __: int) -> Policy:
    """Gymnasium's own walk; its gait is kept in the object."""
    gait = BipedalWalkerHeuristics()
    gait.a = np.zeros(4)
    return lambda observation: gait.step_heuristic(observation).astype(np.float32)


def lander_policy(env: Any, _: int = 0) -> Policy:
    """Gymnasium's own landing."""
    if env.continuous:
        return lambda s: lander_heuristic(env, s).astype(np.float32)
    return lambda s: int(lander_heuristic(env, s))


#: steer, gas, brake for fifty steps each: figures of this script are known
CAR_SCRIPT = ((0, 1, 0), (0.3, 0.1, 0), (-0.5, 0, 0.2), (0, 0.5, 0))
FRAMES = (0, 5, 30, 60, 120, 200)  # pictures after so many steps


def car_transcript(seed: int, *, pixels: bool = False, **options: Any) -> Blocks:
    """Drive the script after a reset and record places, tiles and some of the pictures."""
    env = make("CarRacing-v3", **options)
    random = RecordedDraws(seed)
    env._np_random = random
    frame, _ = env.reset()
    blocks = {"masses": masses_of(env), **ground_of(env)}
    frames, places, rewards, visited = [frame], [places_of(env)], [], []
    wheels: list[list[float]] = [[w.omega for w in env.car.wheels]]
    for controls in np.repeat(np.array(CAR_SCRIPT, dtype=np.float32), 50, axis=0):
        frame, reward, _, _, _ = env.step(controls)
        frames.append(frame)
        places.append(places_of(env))
        rewards.append(float(reward))
        visited.append(env.tile_visited_count)
        wheels.append([w.omega for w in env.car.wheels])
    if not pixels:
        del blocks["tiles"]  # they follow from the track; a few are enough
    else:
        blocks["frames"] = np.array([frames[t] for t in FRAMES])
    return {
        **blocks,
        "draws": np.array(random.draws),
        "action": np.repeat(np.array(CAR_SCRIPT, dtype=np.float32), 50, axis=0),
        "places": np.array(places),
        "omega": np.array(wheels),
        "reward": np.array(rewards),
        "visited": np.array(visited, dtype=np.int64),
    }


def car() -> Blocks:
    """Record the car: tracks, a scripted drive and pictures of it."""
    blocks: Blocks = {}
    for seed in range(10):
        blocks |= parts_of(f"plain{seed}", car_transcript(seed, pixels=seed == 0))
    blocks |= parts_of("colors0", car_transcript(0, pixels=True, domain_randomize=True))
    return blocks


def parts_of(prefix: str, blocks: Blocks) -> Blocks:
    """Put a prefix before every name."""
    return {f"{prefix}.{name}": block for name, block in blocks.items()}


def lander() -> Blocks:
    """Record the lander: free flight, and two policies to the end."""
    blocks: Blocks = {}
    options = {
        "discrete": {},
        "continuous": {"continuous": True},
        "windy": {
            "enable_wind": True,
            "gravity": -6.0,
            "wind_power": 18.0,
            "turbulence_power": 1.8,
        },
    }
    for name, keywords in options.items():
        env = make("LunarLander-v3", **keywords)
        for seed in range(4):
            policy = seeded_policy(env, seed) if seed % 2 else lander_policy(env)
            blocks |= parts_of(f"{name}{seed}", transcript(env, seed, policy))
    for name in ("discrete", "continuous"):
        keywords = options[name]
        blocks |= parts_of(
            f"heuristic_{name}",
            statistics("LunarLander-v3", lander_policy, **keywords),
        )
        blocks |= parts_of(
            f"random_{name}", statistics("LunarLander-v3", seeded_policy, **keywords)
        )
    return blocks


def walker() -> Blocks:
    """Record the walker: terrain, first observations, and two policies to the end."""
    blocks: Blocks = {}
    for name, keywords in (("plain", {}), ("hardcore", {"hardcore": True})):
        env = make("BipedalWalker-v3", **keywords)
        for seed in range(6):
            blocks |= parts_of(
                f"{name}{seed}", transcript(env, seed, seeded_policy(env, seed), 20)
            )
        env_id = "BipedalWalkerHardcore-v3" if keywords else "BipedalWalker-v3"
        blocks |= parts_of(f"heuristic_{name}", statistics(env_id, walker_heuristic))
        blocks |= parts_of(f"random_{name}", statistics(env_id, seeded_policy))
    return blocks


RECORDINGS: dict[str, Callable[[], Blocks]] = {
    "LunarLander": lander,
    "BipedalWalker": walker,
    "CarRacing": car,
}


def main() -> None:
    """Write the recordings that are named, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or RECORDINGS:
        blocks = RECORDINGS[name]()
        file = FOLDER / f"{name}.safetensors"
        save_file(
            {key: np.ascontiguousarray(block) for key, block in blocks.items()}, file
        )
        file.chmod(0o644)


if __name__ == "__main__":
    main()
