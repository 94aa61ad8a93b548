"""The rules of TakeCover once more, in Python and from their description, draw by draw.

Every stream is drawn from in plain Python as well (`philox`), so that the two are alike only if the
rules, their order and the addresses of the draws are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import palaestra
import pytest
from philox import Stream

PLAYER_X, IMP_X = -416.0, 64.0


@dataclass
class Imp:
    """One monster by the far wall."""

    y: float
    luck: Stream
    reaction: int
    wait: int = 0
    counter: int = 0
    attacked: bool = False
    fuse: int = 0


@dataclass
class Game:
    """One episode."""

    seed: int
    hard: bool
    tic: int = 0
    y: float = 384.0
    velocity: float = 0.0
    health: float = 100.0
    imps: list[Imp] = field(default_factory=list)
    balls: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = Stream(self.seed, "envs/reset").bits64()
        self.spawning = Stream(self.key, "envs/take_cover/spawning")
        self.damage = Stream(self.key, "envs/take_cover/damage")
        for y in (20.0, 278.0, 652.0):
            self.add_imp(y)
        for _ in range(14):
            self.play(0)

    def add_imp(self, y: float) -> None:
        """Append a monster."""
        luck = Stream(self.key, "envs/take_cover/imp", len(self.imps))
        self.imps.append(Imp(y, luck, 0 if self.hard else 8))

    def new_counter(self, imp: Imp) -> int:
        """How many chances to let pass."""
        return 0 if self.hard else imp.luck.below(16)

    def think(self, imp: Imp) -> None:
        """One tic of a monster."""
        if imp.fuse > 0:
            imp.fuse -= 1
            if imp.fuse == 0:
                dx, dy = PLAYER_X - IMP_X, self.y - imp.y
                speed = 20.0 if self.hard else 10.0
                scale = speed / math.sqrt(dx * dx + dy * dy)
                self.balls.append([IMP_X, imp.y, dx * scale, dy * scale])
        if imp.wait > 0:
            imp.wait -= 1
            return
        imp.wait = 2
        if imp.reaction > 0:
            imp.reaction -= 1
            if imp.reaction > 0:
                return
        if imp.attacked:
            imp.attacked = False
            imp.counter = self.new_counter(imp)
            return
        if imp.counter > 0:
            imp.counter -= 1
        if imp.counter == 0:
            if imp.luck.below(256) >= 200:
                imp.attacked, imp.fuse, imp.wait = True, 16, 21
            else:
                imp.counter = self.new_counter(imp)

    def fly(self) -> None:
        """One tic of all fireballs."""
        parts = 4 if self.hard else 2
        kept = []
        for x, y, vx, vy in self.balls:
            gone = False
            for _ in range(parts):
                x, y = x + vx * (1.0 / parts), y + vy * (1.0 / parts)
                if abs(x - PLAYER_X) < 22 and abs(y - self.y) < 22:
                    self.health -= 21 * (1 + self.damage.below(8))
                    gone = True
                if gone or x < -442 or y < 6 or y > 762:
                    gone = True
                    break
            if not gone:
                kept.append([x, y, vx, vy])
        self.balls = kept

    def play(self, push: int) -> bool:
        """One tic; whether the player is dead."""
        self.velocity += 0.75 * push
        if self.tic > 0 and self.tic % 60 == 0:
            self.add_imp(self.spawning.uniform(20, 652))
        for imp in self.imps:
            self.think(imp)
        self.fly()
        self.y += self.velocity
        if self.y < 16 or self.y > 752:
            self.y = min(max(self.y, 16.0), 752.0)
            self.velocity = 0.0
        self.velocity *= 0.90625
        self.tic += 1
        return self.health <= 0

    def distances(self, bearings: int) -> np.ndarray:
        """What the rays show: the nearest fireball of each bearing, over 600."""
        result = np.ones(bearings)
        borders = np.linspace(math.pi / 4, -math.pi / 4, bearings + 1)
        for x, y, _, _ in self.balls:
            dx, dy = x - PLAYER_X, y - self.y
            distance = math.hypot(dx, dy)
            half = math.pi / 2 if distance <= 6 else math.asin(6 / distance)
            angle = math.atan2(dy, dx)
            for b in range(bearings):
                if borders[b] >= angle - half and borders[b + 1] <= angle + half:
                    result[b] = min(result[b], distance / 600)
        return result


@pytest.mark.parametrize("hard", [False, True])
def test_the_rules_are_those_of_the_description(hard: bool) -> None:
    """Player, health, numbers of imps and fireballs, and rays, over whole episodes."""
    seeds = [3, 4, 5, 6, 7, 8]
    envs = palaestra.make_vec(
        "TakeCover-v0", len(seeds), autoreset_mode="Disabled", hard=hard
    )
    observation, info = envs.reset(seed=seeds)
    games = [Game(seed, hard) for seed in seeds]
    random = np.random.default_rng(1)
    alive = np.ones(len(seeds), dtype=bool)
    action = np.zeros((len(seeds), 1), dtype=np.float32)
    longest = 0
    before = np.stack([game.distances(64) for game in games])
    for tic in range(700):
        if tic % 7 == 0:
            action[:, 0] = random.uniform(-1, 1, len(seeds))
        observation, reward, terminated, _, info = envs.step(action)
        now = before.copy()
        for row in np.flatnonzero(alive):
            game = games[row]
            push = 1 if action[row, 0] < -1 / 3 else -1 if action[row, 0] > 1 / 3 else 0
            dead = game.play(push)
            assert envs.get_physics(row).tolist() == [
                game.y,
                game.velocity,
                game.health,
            ]
            assert info["imps"][row] == len(game.imps)
            assert info["fireballs"][row] == len(game.balls)
            assert reward[row] == 1
            assert terminated[row] == dead
            now[row] = game.distances(64)
            rays = observation[row].reshape(64, 3)
            np.testing.assert_allclose(rays[:, 0], now[row], atol=1e-6)
            np.testing.assert_allclose(rays[:, 1], now[row] - before[row], atol=1e-6)
            longest = max(longest, tic)
            alive[row] = not dead
        before = now
        if not alive.any():
            break
        if not alive.all():  # the dead start over and are no longer looked at
            envs.reset(options={"reset_mask": ~alive})
    assert longest > (60 if hard else 120)  # beyond the appearing of several imps


def test_streams_are_those_of_the_library() -> None:
    """The known answer of Philox4x32-10, and a first state that a stream decides."""
    from philox import philox

    assert philox((0, 0, 0, 0), 0) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    envs = palaestra.make_vec("CartPole-v1", 1)
    observation, _ = envs.reset(seed=9)
    random = Stream(9, "envs/reset")
    expected = [random.uniform(-0.05, 0.05) for _ in range(4)]
    np.testing.assert_array_equal(observation[0], np.float32(expected))
