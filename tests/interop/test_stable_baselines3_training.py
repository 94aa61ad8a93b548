"""Stable-Baselines3's own ``SAC.learn``, given our random numbers, is our training run.

Only what is random is replaced: initial weights, the first actions, the noise of actions and
updates, and which rows a minibatch has. When a row is drawn, what is stored, when an update
begins, what it reads and in which order: all of that is Stable-Baselines3's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import palaestra
import pytest
import safetensors
import torch
from philox import MASK32, MASK64, mix64, philox, purpose
from stable_baselines3 import SAC
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

ENV, SEED = "HalfCheetah-v5", 4
OBSERVATIONS, ACTIONS, ROWS, RANDOM_STEPS = 17, 6, 256, 100
#: One episode ends by its time limit in between.
STEPS = 1150
#: Of a record of our buffer: where its numbers are.
REWARD = OBSERVATIONS + ACTIONS
Tensors = dict[str, np.ndarray]


def words(what: str, entity: int, episode: int, blocks: int) -> list[np.ndarray]:
    """The first blocks of a stream of ``core/random.h``, word by word."""
    key = mix64(SEED ^ mix64(purpose(what)))
    address = (entity ^ episode << 32) & MASK64
    counter = np.arange(blocks, dtype=np.uint64)
    zero = np.zeros_like(counter)
    low, high = zero + np.uint64(address & MASK32), zero + np.uint64(address >> 32)
    return list(philox((counter, zero, low, high), key))  # type: ignore[arg-type]


def normals(
    what: str, entity: int, episode: int, shape: tuple[int, ...]
) -> torch.Tensor:
    """Standard normals by Box and Muller, as ``Stream::fill_normal`` makes them."""
    count = int(np.prod(shape))
    block = words(what, entity, episode, -(-count // 4))
    columns = []
    for distance, turn in (block[0:2], block[2:4]):
        u = ((distance >> np.uint64(1)).astype(np.float64) + 0.5) / 2**31
        radius = np.sqrt(-2 * np.log(u)) * np.where(turn >> np.uint64(31), -1.0, 1.0)
        place = ((turn << np.uint64(2) | np.uint64(2)) & np.uint64(MASK32)).astype(
            np.uint32
        )
        t = place.view(np.int32) * (np.pi / 4 / 2**31)
        swap = (turn >> np.uint64(30) & np.uint64(1)).astype(bool)
        columns += [
            radius * np.where(swap, np.sin(t), np.cos(t)),
            radius * np.where(swap, np.cos(t), np.sin(t)),
        ]
    flat = np.stack(columns, axis=1).ravel()[:count]
    return torch.from_numpy(flat.astype(np.float32).reshape(shape))


def drawn_rows(update: int, size: int) -> np.ndarray:
    """The rows of a minibatch, as ``Stream::below(size)`` draws them."""
    block = words("rollout/sample", 0, update, ROWS // 2)
    bits = np.stack(
        [block[0] | block[1] << np.uint64(32), block[2] | block[3] << np.uint64(32)],
        axis=1,
    )
    return np.array([int(b) * size >> 64 for b in bits.ravel()])


def noise(steps: int) -> Iterator[torch.Tensor]:
    """All noise of a run, in the order in which Stable-Baselines3 asks for it."""
    for step in range(RANDOM_STEPS, steps):
        yield normals("sac/act", 0, step, (1, ACTIONS))
        update = step - RANDOM_STEPS
        following, now = normals("sac/update/noise", update, 0, (2, ROWS, ACTIONS))
        yield now
        yield following


class OurRows(ReplayBuffer):
    """Its buffer with our choice of rows, among as many as it holds itself."""

    updates, without = 0, 0

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """The minibatch of the next update."""
        assert batch_size == ROWS
        rows = drawn_rows(self.updates, self.pos - self.without)
        self.updates += 1
        return self._get_samples(rows, env=env)


class AllButTheNewest(OurRows):
    """One row fewer to choose from."""

    without = 1


class Recorded(gymnasium.Wrapper):
    """Gymnasium's task, which starts episodes and moves as our run did.

    Rounding would part a chaotic body within some hundred steps: each step is taken from where our
    run was, with the action that it took, and how far Stable-Baselines3's is from that is kept.
    """

    def __init__(self, records: np.ndarray) -> None:
        super().__init__(gymnasium.make(ENV))
        self.observations = records[:, :OBSERVATIONS].astype(np.float64)
        self.actions = records[:, OBSERVATIONS:REWARD]
        self.furthest: list[float] = []

    def place(self) -> np.ndarray:
        """Go to where our run was at this step."""
        seen = self.observations[len(self.furthest)]
        body: Any = self.env.unwrapped
        body.set_state(np.concatenate([body.data.qpos[:1], seen[:8]]), seen[8:])
        return seen

    def reset(self, **keywords: Any) -> Any:
        """Start as our run did."""
        _, info = self.env.reset(**keywords)
        return self.place(), info

    def step(self, action: Any) -> Any:
        """Play our action."""
        self.place()
        ours = self.actions[len(self.furthest)]
        self.furthest.append(float(np.abs(action - ours).max()))
        seen, *rest = self.env.step(ours)
        if not (rest[1] or rest[2]):
            here = self.observations[len(self.furthest)]
            # not to the bit: from a state that was kept as float32
            assert np.abs(seen - here).max() <= 1e-3
            seen = here
        return seen, *rest


def read(file: Path) -> Tensors:
    with safetensors.safe_open(file, "np") as archive:
        return {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118


def records_of(run: Tensors) -> np.ndarray:
    """What was collected, a row per step: observation, action, reward."""
    return np.ascontiguousarray(run["replay.records/0"]).view(np.float32)


def pairs(model: SAC, ours: Tensors) -> Iterator[tuple[torch.nn.Parameter, np.ndarray]]:
    """Its parameters and ours, in its layout."""
    actor: Any = model.actor
    hidden = [m for m in actor.latent_pi if isinstance(m, torch.nn.Linear)]
    for k, layer in enumerate(hidden):
        yield layer.weight, ours[f"agent.actor.hidden.{k}.weight"].T
        yield layer.bias, ours[f"agent.actor.hidden.{k}.bias"][0]
    weight, bias = ours["agent.actor.output.weight"], ours["agent.actor.output.bias"][0]
    heads = ((actor.mu, slice(0, ACTIONS)), (actor.log_std, slice(ACTIONS, None)))
    for head, columns in heads:
        yield head.weight, weight[:, columns].T
        yield head.bias, bias[columns]
    places = ("hidden.0", "hidden.1", "output")
    critics = (("critic", model.critic), ("target_critic", model.critic_target))
    for name, critic in critics:
        for member, network in enumerate(critic.q_networks):
            layers = [m for m in network if isinstance(m, torch.nn.Linear)]
            for layer, place in zip(layers, places, strict=True):
                yield layer.weight, ours[f"agent.{name}.{place}.weight"][member].T
                yield layer.bias, ours[f"agent.{name}.{place}.bias"][member][0]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tensors, Tensors]:
    """Our run before its first update, and at its end with all that it collected."""
    folder = tmp_path_factory.mktemp("ours")
    common: dict[str, Any] = {"seed": SEED, "threads": 1, "evaluate_episodes": 0}
    first = palaestra.train(ENV, steps=RANDOM_STEPS, out=folder / "first", **common)
    run = palaestra.train(
        ENV, steps=STEPS, out=folder / "run", checkpoint_every=STEPS, **common
    )
    return (
        read(first.run / "final.safetensors"),
        read(run.run / f"checkpoints/step-{STEPS:09d}.safetensors"),
    )


@pytest.fixture
def learnt(
    ours: tuple[Tensors, Tensors], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[SAC, np.ndarray]]:
    """Learn as our run did; how far each action was from ours."""

    def learn(
        steps: int, buffer: type[ReplayBuffer] = OurRows
    ) -> tuple[SAC, np.ndarray]:
        before, after = ours
        task = Recorded(records_of(after))
        first = iter(task.actions[:RANDOM_STEPS])
        monkeypatch.setattr(task.action_space, "sample", lambda: next(first))
        model = SAC("MlpPolicy", task, device="cpu", replay_buffer_class=buffer)
        # log(1 - a^2 + 1e-6) is what Palaestra computes without the 1e-6
        model.actor.action_dist.epsilon = 0.0  # type: ignore[union-attr]
        with torch.no_grad():
            for parameter, value in pairs(model, before):
                parameter.copy_(torch.from_numpy(value.copy()))
        source = noise(steps)
        monkeypatch.setattr(
            torch.distributions.Normal,
            "rsample",
            lambda self, sample_shape=(): self.loc + self.scale * next(source),
        )
        model.learn(steps)
        assert next(source, None) is None
        return model, np.array(task.furthest)

    return learn


def test_its_loop_with_our_random_numbers_is_our_run(
    ours: tuple[Tensors, Tensors], learnt: Callable[..., tuple[SAC, np.ndarray]]
) -> None:
    """Equal but for rounding, which training doubles every seven updates, up to a limit."""
    model, apart = learnt(STEPS)
    assert apart[:RANDOM_STEPS].max() <= 1e-7
    assert apart[: RANDOM_STEPS + 50].max() <= 1e-5
    assert apart[: RANDOM_STEPS + 100].max() <= 1e-3
    assert apart[-100:].mean() <= 0.1  # actions are within -1 and 1

    _, after = ours
    records = records_of(after)
    buffer: Any = model.replay_buffer
    np.testing.assert_array_equal(
        buffer.observations[:STEPS, 0], records[:STEPS, :OBSERVATIONS]
    )
    np.testing.assert_allclose(
        buffer.rewards[:STEPS, 0], records[:STEPS, REWARD], atol=1e-5
    )
    assert buffer.timeouts[:STEPS, 0].nonzero()[0].tolist() == [999]

    assert after["agent.updates"][0] == STEPS - RANDOM_STEPS
    log_temperature: Any = model.log_ent_coef
    assert log_temperature.item() == pytest.approx(
        after["agent.log_temperature"][0], abs=1e-3
    )


def test_it_would_tell_a_loop_that_is_off_by_one(
    learnt: Callable[..., tuple[SAC, np.ndarray]],
) -> None:
    """Minibatches without the newest row are another run within a few updates."""
    _, apart = learnt(RANDOM_STEPS + 50, buffer=AllButTheNewest)
    assert apart[: RANDOM_STEPS + 1].max() <= 1e-5
    assert apart.max() > 1e-3
