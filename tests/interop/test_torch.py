"""PyTorch beside the native side: shared memory, and a plain actor-critic loop."""

from __future__ import annotations

import gymnasium
import numpy as np
import palaestra
import torch
from torch import nn
from torch.distributions import Categorical


def test_live_views_become_tensors_without_a_copy() -> None:
    """The tensor shows the environment's own memory, and follows its steps."""
    envs = palaestra.make_vec("HalfCheetah-v5", 8)
    observation, _ = envs.reset(seed=0)
    tensor = torch.from_numpy(observation)
    assert tensor.data_ptr() == observation.ctypes.data
    before = tensor.clone()
    envs.step(torch.zeros(8, 6).numpy())
    assert not torch.equal(tensor, before)
    np.testing.assert_array_equal(tensor.numpy(), observation)

    buffer = palaestra.ReplayBuffer(
        envs.single_observation_space, envs.single_action_space, 100, lanes=8
    )
    none = np.zeros(8, bool)
    buffer.add(before.numpy(), np.zeros((8, 6)), np.zeros(8), observation, none, none)
    batch = buffer.sample(4)
    shown = torch.from_numpy(batch.observation)
    assert shown.data_ptr() == batch.observation.ctypes.data
    assert shown.dtype == torch.float32


def test_an_actor_critic_loop_learns() -> None:
    """CleanRL's kind of loop, next-step resets: rows that only reset are left out."""
    torch.manual_seed(0)
    envs = gymnasium.make_vec("palaestra/CartPole-v1", 32)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    body = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
    actor, critic = nn.Linear(64, 2), nn.Linear(64, 1)
    parameters = [*body.parameters(), *actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.Adam(parameters, 3e-3)
    observation, _ = envs.reset(seed=0)
    was_done = np.zeros(32, bool)
    lengths: list[float] = []
    for _ in range(150):
        log_probs, values, rewards, ends, valid = [], [], [], [], []
        for _ in range(16):
            hidden = body(torch.as_tensor(observation))
            policy = Categorical(logits=actor(hidden))
            action = policy.sample()
            values.append(critic(hidden)[:, 0])
            log_probs.append(policy.log_prob(action))
            observation, reward, terminated, truncated, info = envs.step(action.numpy())
            rewards.append(torch.as_tensor(reward, dtype=torch.float32))
            ends.append(torch.as_tensor(terminated | truncated))
            valid.append(torch.as_tensor(~was_done))
            was_done = terminated | truncated
            if "episode" in info:
                lengths += info["episode"]["l"][info["_episode"]].tolist()
        with torch.no_grad():
            target = critic(body(torch.as_tensor(observation)))[:, 0]
        loss = torch.zeros(())
        for t in reversed(range(16)):
            target = rewards[t] + 0.99 * target * ~ends[t]
            advantage = (target - values[t]) * valid[t]
            loss = loss + (advantage**2 - log_probs[t] * advantage.detach()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert np.mean(lengths[:50]) < 40
    assert np.mean(lengths[-50:]) > 80


def test_minibatches_and_columns_become_tensors_without_a_copy() -> None:
    """DLPack and ``to_torch``: the same memory, in every type; it outlives the buffer."""
    buffer = palaestra.ReplayBuffer(
        gymnasium.spaces.Box(0, 255, (5, 5, 3), np.uint8),
        gymnasium.spaces.Discrete(4),
        100,
        extra={"flag": (np.bool_, ())},
    )
    images = np.random.default_rng(0).integers(0, 256, (81, 5, 5, 3), np.uint8)
    none = np.zeros(80, bool)
    flags = np.arange(80) % 3 == 0
    buffer.extend(
        images[:-1],
        np.arange(80) % 4,
        np.arange(80.0),
        images[1:],
        none,
        none,
        flag=flags,
    )
    batch = buffer.sample(16, stored=True)
    tensors = batch.to_torch()
    for name, array, tensor in zip(batch._fields, batch, tensors, strict=True):
        assert tensor.data_ptr() == array.ctypes.data, name
        assert torch.equal(tensor, torch.from_dlpack(array))
        assert torch.from_dlpack(array).data_ptr() == tensor.data_ptr()
    assert tensors.observation.dtype == torch.uint8
    before = tensors.reward.clone()
    buffer.sample(16, stored=True)
    assert not torch.equal(tensors.reward, before)
    np.testing.assert_array_equal(tensors.reward.numpy(), batch.reward)

    expected = {
        "observation": images[:-1],
        "action": np.arange(80) % 4,
        "reward": np.arange(80.0),
        "flag": flags,
    }
    slots = torch.from_numpy(buffer.slots())
    shown = {}
    for name in expected:
        column = buffer.column(name)
        shown[name] = torch.from_dlpack(column)
        assert shown[name].data_ptr() == column.ctypes.data
        strides = [step // column.itemsize for step in column.strides]
        assert list(shown[name].stride()) == strides
    del buffer, column
    for name, values in expected.items():
        np.testing.assert_array_equal(shown[name][slots].numpy(), values)


def test_dicts_of_observations_become_dicts_of_tensors() -> None:
    """Of a goal beside an observation."""
    space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    both = gymnasium.spaces.Dict({"at": space, "goal": space})
    buffer = palaestra.ReplayBuffer(both, space, 10)
    one = {"at": np.zeros((1, 2), np.float32), "goal": np.ones((1, 2), np.float32)}
    none = np.zeros(1, bool)
    buffer.add(one, np.zeros((1, 2)), np.zeros(1), one, none, none)
    batch = buffer.sample(3)
    tensors = batch.to_torch()
    assert tensors.observation.keys() == {"at", "goal"}
    for name in ("at", "goal"):
        tensor = tensors.next_observation[name]
        assert tensor.data_ptr() == batch.next_observation[name].ctypes.data
