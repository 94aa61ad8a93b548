"""Our own goal tasks beside an implementation in NumPy, written from their description alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from oracles import ours

Array = npt.NDArray[np.float64]
TOLERANCE = 1e-12


class Point:
    """A point in a square; `walls` are (low corner, high corner), already inflated."""

    walls: tuple[tuple[Array, Array], ...] = ()
    threshold, closed = 1.0, 1.0

    def __init__(self, state: Array) -> None:
        self.at = state.copy()

    def hit(self, start: Array, end: Array, wall: tuple[Array, Array]) -> Array:
        low, high = wall
        box_low, box_high = np.minimum(start, end), np.maximum(start, end)
        result = end.copy()
        # top and bottom (axis 1), then right and left (axis 0)
        for axis in (1, 0):
            other = 1 - axis
            aside = box_high[other] >= low[other] and box_low[other] <= high[other]
            for edge, sign in ((high[axis], 1.0), (low[axis], -1.0)):
                crossed = box_low[axis] <= edge <= box_high[axis]
                inward = sign * (result[axis] - start[axis]) <= 0
                outside = sign * (start[axis] - edge) >= 0
                if aside and crossed and inward and outside:
                    result[axis] = edge + sign * 0.01
        return result

    def step(self, action: Array) -> Array:
        target = self.at + np.clip(action, -1, 1)
        end = target.copy()
        for wall in self.walls:
            end = self.hit(self.at, end, wall)
        if (end != target).all():
            end = target.copy()
            for wall in reversed(self.walls):
                end = self.hit(self.at, end, wall)
        self.at = np.clip(end, -5, 5)
        return self.at

    def achieved(self) -> Array:
        return self.at


class Rooms(Point):
    """The six walls: horizontal ones on y = 0, vertical ones on x = 0, 0.8 thicker all round."""

    walls = tuple(
        (np.array(low) - 0.8, np.array(high) + 0.8)
        for low, high in (
            ((-6, 0), (-5.25, 0)),
            ((-0.85, 0), (0.85, 0)),
            ((5.25, 0), (6, 0)),
            ((0, 5.25), (0, 6)),
            ((0, -0.85), (0, 0.85)),
            ((0, -6), (0, -5.25)),
        )
    )


class Push:
    """Two discs; the second gives way along the line between the centres."""

    threshold = 0.05

    def __init__(self, state: Array) -> None:
        self.gripper, self.object = state[:2].copy(), state[2:4].copy()

    def step(self, action: Array) -> Array:
        before = np.concatenate([self.gripper, self.object])
        for _ in range(6):
            self.gripper = np.clip(
                self.gripper + 0.03 * np.clip(action, -1, 1) / 6, -0.25, 0.25
            )
            apart = self.object - self.gripper
            if np.hypot(*apart) < 0.045:
                self.object = self.gripper + 0.045 * apart / np.hypot(*apart)
            self.object = np.clip(self.object, -0.28, 0.28)
        after = np.concatenate([self.gripper, self.object])
        return np.concatenate([after, self.object - self.gripper, after - before])

    def achieved(self) -> Array:
        return self.object


class Slide:
    """The object bounces off the gripper as off a wall that moves, and slides to a halt."""

    threshold = 0.05
    low, high = np.array([-0.3, -0.6]), np.array([1.3, 0.6])

    def __init__(self, state: Array) -> None:
        self.gripper, self.object, self.speed = (
            state[:2].copy(),
            state[2:4].copy(),
            state[4:6].copy(),
        )

    def step(self, action: Array) -> Array:
        before = np.concatenate([self.gripper, self.object])
        for _ in range(6):
            old = self.gripper
            self.gripper = np.clip(old + 0.03 * np.clip(action, -1, 1) / 6, -0.25, 0.25)
            apart = self.object - self.gripper
            distance = np.linalg.norm(apart)
            if distance < 0.045:
                normal = apart / distance
                self.object = self.gripper + 0.045 * normal
                closing = ((self.gripper - old) * 6 - self.speed) @ normal
                self.speed = self.speed + 2 * max(closing, 0.0) * normal
            speed = np.linalg.norm(self.speed)
            left = max(speed - 0.002 / 6, 0.0)
            self.speed = self.speed * (left / speed) if left else np.zeros(2)
            target = self.object + self.speed / 6
            self.object = np.clip(target, self.low, self.high)
            self.speed = np.where(self.object == target, self.speed, 0.0)
        after = np.concatenate([self.gripper, self.object])
        return np.concatenate([after, self.object - self.gripper, after - before])

    def achieved(self) -> Array:
        return self.object


class Reach:
    """A first-order lag behind a target."""

    threshold = 0.05

    def __init__(self, state: Array) -> None:
        self.at, self.target = state.copy(), state.copy()

    def step(self, action: Array) -> Array:
        self.target = self.target + 0.05 * np.clip(action, -1, 1)
        moved = 0.6 * (self.target - self.at)
        self.at = self.at + moved
        return np.concatenate([self.at, moved])

    def achieved(self) -> Array:
        return self.at


MODELS: dict[str, Callable[[Array], Any]] = {
    "PointReach-v0": Point,
    "PointRooms-v0": Rooms,
    "Push2D-v0": Push,
    "Reach3D-v0": Reach,
    "Slide2D-v0": Slide,
}
every_id = pytest.mark.parametrize("env_id", MODELS)


@every_id
def test_a_thousand_random_steps_agree(env_id: str) -> None:
    """Observations, goals, rewards and successes, over twenty episodes; actions beyond bounds."""
    env = ours(env_id)
    core: Any = env.unwrapped
    moved = rewarded = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        observation, _ = env.reset(seed=seed)
        model = MODELS[env_id](core.state)
        if seed % 4 == 0 and "Point" not in env_id:  # a goal that chance can meet
            near = random.uniform(-0.06, 0.06, core.goal.size)
            core.goal = observation["achieved_goal"] + near
        goal = core.goal.copy()
        # steady pushes reach walls, objects and borders that a random walk does not
        drift = random.uniform(-1, 1, env.action_space.shape)
        for step in range(50):
            if seed % 2 and "2D" in env_id:  # at the object
                way = observation["observation"][4:6]
                drift = way / np.abs(way).max()
            action = (drift + random.uniform(-1, 1, drift.shape)).astype(np.float32)
            observation, reward, terminated, truncated, info = env.step(action)
            expected = model.step(action.astype(np.float64))
            where = f"{env_id}, seed {seed}, step {step}"
            np.testing.assert_allclose(
                observation["observation"], expected, 0, TOLERANCE, err_msg=where
            )
            np.testing.assert_allclose(
                observation["achieved_goal"],
                model.achieved(),
                0,
                TOLERANCE,
                err_msg=where,
            )
            assert (observation["desired_goal"] == goal).all(), where
            distance = np.linalg.norm(model.achieved() - goal)
            assert abs(distance - model.threshold) > TOLERANCE, "a tie: change the seed"
            assert reward == (0.0 if distance <= model.threshold else -1.0), where
            assert info["is_success"] == (distance < model.threshold), where
            assert not terminated, where
            assert truncated == (step == 49), where
            moved += env_id in ("Push2D-v0", "Slide2D-v0") and (expected[8:] != 0).any()
            rewarded += reward == 0
    assert moved > 50 or "2D" not in env_id, "the object was hardly touched"
    assert rewarded > 2


def test_points_in_rooms_meet_walls_of_every_side() -> None:
    """Where walls stop a point, from every place and in every direction, corners included."""
    env = ours("PointRooms-v0")
    core: Any = env.unwrapped
    env.reset(seed=0)
    random = np.random.default_rng(0)
    stopped = turned = 0
    for _ in range(4_000):
        place = random.uniform(-5, 5, 2)
        if any(((low < place) & (place < high)).all() for low, high in Rooms.walls):
            continue
        core.state = place
        action = random.uniform(-1, 1, 2).astype(np.float32)
        observation, *_ = core.step(action)
        model = Rooms(place)
        expected = model.step(action.astype(np.float64))
        np.testing.assert_allclose(observation["achieved_goal"], expected, 0, TOLERANCE)
        free = np.clip(place + action, -5, 5)
        differs = np.abs(expected - free) > 1e-9
        stopped += differs.any()
        turned += differs.all()
    assert stopped > 200
    assert turned > 3


FIRST: dict[str, Callable[[np.random.Generator], Array]] = {}


def first(env_id: str) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Register how the description draws state and goal."""

    def keep(draw: Callable[..., Array]) -> Callable[..., Array]:
        FIRST[env_id] = draw
        return draw

    return keep


@first("PointReach-v0")
def _(random: np.random.Generator) -> Array:
    return random.uniform(-5, 5, 4)


@first("PointRooms-v0")
def _(random: np.random.Generator) -> Array:
    parts = []
    while len(parts) < 2:
        place = random.uniform(-5, 5, 2)
        if not any(((low < place) & (place < high)).all() for low, high in Rooms.walls):
            parts.append(place)
    return np.concatenate(parts)


def _away(random: np.random.Generator, half: float) -> Array:
    while True:
        place = random.uniform(-half, half, 2)
        if np.hypot(*place) >= 0.1:
            return place


@first("Push2D-v0")
def _(random: np.random.Generator) -> Array:
    return np.concatenate([[0, 0], _away(random, 0.15), random.uniform(-0.15, 0.15, 2)])


@first("Slide2D-v0")
def _(random: np.random.Generator) -> Array:
    goal = [random.uniform(0.35, 0.95), random.uniform(-0.3, 0.3)]
    return np.concatenate([[0, 0], _away(random, 0.1), [0, 0], goal])


@first("Reach3D-v0")
def _(random: np.random.Generator) -> Array:
    return np.concatenate([[0, 0, 0], random.uniform(-0.15, 0.15, 3)])


@every_id
def test_first_states_have_the_described_distribution(env_id: str) -> None:
    """Kolmogorov-Smirnov, number by number and by pairs; fixed seeds, so it cannot flake."""
    from scipy import stats

    env = ours(env_id)
    core: Any = env.unwrapped
    random = np.random.default_rng(1)
    mine, described = [], []
    for seed in range(1_000):
        env.reset(seed=seed)
        mine.append(np.concatenate([core.state, core.goal]))
        described.append(FIRST[env_id](random))
    a, b = np.array(mine), np.array(described)
    assert a.shape == b.shape
    for of in (lambda x: x, lambda x: np.hypot(x[:, :-1], x[:, 1:])):
        x, y = of(a), of(b)
        for column in range(x.shape[1]):
            p = stats.ks_2samp(x[:, column], y[:, column]).pvalue
            assert p > 1e-3 / x.shape[1], column


def test_noise_on_actions_is_normal_and_cut() -> None:
    """The option action_noise of Reach3D: the target moves by 0.05 clip(a + noise)."""
    from scipy import stats

    env = ours("Reach3D-v0", action_noise=0.5)
    observation, _ = env.reset(seed=0)
    action = np.array([0.0, 0.4, -2.0], np.float32)
    targets = []
    for _ in range(700):
        observation, *_ = env.unwrapped.step(action)
        at, moved = np.split(observation["observation"], 2)
        targets.append(at + moved * (0.4 / 0.6))
    steps = np.diff(targets, axis=0) / 0.05
    assert np.abs(steps).max() <= 1 + 1e-9
    random = np.random.default_rng(0)
    for k in range(3):
        expected = np.clip(action[k] + random.normal(0, 0.5, 20_000), -1, 1)
        inner = np.abs(steps[:, k]) < 1 - 1e-9
        assert abs(inner.mean() - (np.abs(expected) < 1).mean()) < 0.05
        p = stats.ks_2samp(steps[inner, k], expected[np.abs(expected) < 1]).pvalue
        assert p > 1e-3
