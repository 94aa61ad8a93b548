"""Our wrappers beside Gymnasium's own, on the same environments, step by step."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import palaestra
import pytest
from gymnasium.wrappers import FrameStackObservation, NormalizeObservation
from gymnasium.wrappers import NormalizeReward as SingleNormalizeReward
from gymnasium.wrappers import vector as gym_vector
from palaestra import wrappers
from palaestra.gymnasium_vector import GymnasiumVectorEnv

Array = npt.NDArray[Any]


def actions_of(env: Any, steps: int, seed: int = 0) -> list[Any]:
    """Random actions of a space, the same for both sides."""
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(steps)]


PADDINGS = ["reset", "zero", "custom"]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("env_id", "keywords"),
    [
        ("CartPole-v1", {}),
        ("InvertedPendulum-v5", {}),
        ("TakeCover-v0", {"observation": "pixels", "hard": True}),
    ],
)
def test_frame_stack(env_id: str, keywords: dict[str, Any], padding: str) -> None:
    """Flat and image observations, all paddings, over several episodes: to the bit."""
    plain = gymnasium.make(f"palaestra/{env_id}", **keywords)
    space: Any = plain.observation_space
    pad: Any = padding
    if padding == "custom":
        pad = np.full(space.shape, 0.25 if space.dtype != np.uint8 else 7, space.dtype)
    original = FrameStackObservation(plain, 3, padding_type=pad)
    ours = palaestra.make_vec(
        env_id,
        1,
        autoreset_mode="Disabled",
        wrappers=[wrappers.FrameStack(3, pad)],
        **keywords,
    )
    assert ours.single_observation_space == original.observation_space
    expected, _ = original.reset(seed=4)
    observation, _ = ours.reset(seed=4)
    np.testing.assert_array_equal(observation[0], expected)
    ends = 0
    for action in actions_of(original, 120):
        expected, reward, terminated, truncated, _ = original.step(action)
        observation, rewards, *_ = ours.step(np.asarray(action)[None])
        np.testing.assert_array_equal(observation[0], expected)
        assert rewards[0] == reward
        if terminated or truncated:
            ends += 1
            expected, _ = original.reset()
            observation, _ = ours.reset()
            np.testing.assert_array_equal(observation[0], expected)
    assert ends >= 1


@pytest.mark.parametrize(
    "env_id", ["CartPole-v1", "Pendulum-v1", "InvertedPendulum-v5"]
)
def test_action_repeat(env_id: str) -> None:
    """Sums of rewards, early ends and time limits: to the bit."""
    plain = gymnasium.make(f"palaestra/{env_id}", max_episode_steps=50)
    original = gymnasium.wrappers.RepeatAction(plain, 3)
    ours = palaestra.make_vec(
        env_id,
        1,
        autoreset_mode="Disabled",
        max_episode_steps=50,
        wrappers=[wrappers.ActionRepeat(3)],
    )
    original.reset(seed=2)
    ours.reset(seed=2)
    ends = 0
    for action in actions_of(original, 100):
        expected = original.step(action)
        observation, reward, terminated, truncated, _ = ours.step(
            np.asarray(action)[None]
        )
        np.testing.assert_array_equal(observation[0], expected[0])
        assert (reward[0], terminated[0], truncated[0]) == expected[1:4]
        if terminated[0] or truncated[0]:
            ends += 1
            original.reset()
            ours.reset()
    assert ends >= 2


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "MountainCar-v0", "LunarLander-v3"])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.5, 3.0)])
def test_rescale_observation(env_id: str, low: float, high: float) -> None:
    """Bounds that are and are not around zero: within the rounding of float32."""
    plain = gymnasium.make(f"palaestra/{env_id}", max_episode_steps=50)
    original = gymnasium.wrappers.RescaleObservation(
        plain, np.float32(low), np.float32(high)
    )
    ours = palaestra.make_vec(
        env_id,
        1,
        autoreset_mode="Disabled",
        max_episode_steps=50,
        wrappers=[wrappers.RescaleObservation(low, high)],
    )
    assert ours.single_observation_space == original.observation_space
    expected, _ = original.reset(seed=2)
    observation, _ = ours.reset(seed=2)
    ends = 0
    for action in actions_of(original, 120):
        np.testing.assert_allclose(observation[0], expected, rtol=0, atol=1e-6)
        assert observation.dtype == expected.dtype
        expected, *rest = original.step(action)
        observation, *_ = ours.step(np.asarray(action)[None])
        if rest[1] or rest[2]:
            ends += 1
            expected, _ = original.reset()
            observation, _ = ours.reset()
    assert ends >= 2


@pytest.mark.parametrize(
    ("env_id", "tolerance"),
    # Gymnasium keeps statistics of float32 observations in float32 to begin with
    [("InvertedDoublePendulum-v5", 1e-6), ("CartPole-v1", 1e-4)],
)
def test_normalize_observation_of_a_vector(env_id: str, tolerance: float) -> None:
    """Shared statistics and observations, through many ends of episodes."""
    original = gym_vector.NormalizeObservation(GymnasiumVectorEnv(env_id, 5))
    ours = palaestra.make_vec(env_id, 5, wrappers=[wrappers.NormalizeObservation()])
    # the batch has seen the first observations of its own seed: begin where the original does
    width = int(np.prod(original.single_observation_space.shape))
    ours.set_statistics(np.concatenate([[1e-4], np.zeros(width), np.ones(width)]))
    expected, _ = original.reset(seed=3)
    observation, _ = ours.reset(seed=3)
    np.testing.assert_allclose(observation, expected, rtol=tolerance, atol=tolerance)
    ends = 0
    for action in actions_of(original, 200):
        expected, _, terminated, truncated, _ = original.step(action)
        observation, *_ = ours.step(action)
        np.testing.assert_allclose(
            observation, expected, rtol=tolerance, atol=tolerance
        )
        ends += int((terminated | truncated).sum())
    statistics = ours.get_statistics()
    assert statistics[0] == pytest.approx(original.obs_rms.count, rel=1e-12)
    for part, theirs in (
        (statistics[1 : 1 + width], original.obs_rms.mean),
        (statistics[1 + width :], original.obs_rms.var),
    ):
        np.testing.assert_allclose(part, theirs, rtol=tolerance, atol=tolerance)
    assert ends >= 5


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_normalize_observation_of_one(mode: str) -> None:
    """One row is Gymnasium's wrapper of a single environment, in every reset mode."""
    original = NormalizeObservation(gymnasium.make("palaestra/InvertedPendulum-v5"))
    ours = palaestra.make_vec(
        "InvertedPendulum-v5",
        1,
        autoreset_mode=mode,
        wrappers=[wrappers.NormalizeObservation()],
    )
    ours.set_statistics([1e-4, *np.zeros(4), *np.ones(4)])
    expected, _ = original.reset(seed=3)
    observation, _ = ours.reset(seed=3)
    close = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(observation[0], expected, **close)
    ends = 0
    for action in actions_of(original, 150):
        expected, _, terminated, _, _ = original.step(action)
        observation, _, _, _, info = ours.step(action[None])
        last = info["final_obs"] if terminated else observation
        np.testing.assert_allclose(last[0], expected, **close)
        if terminated:
            ends += 1
            expected, _ = original.reset()
            if mode == "NextStep":
                observation, *_ = ours.step(action[None])
            elif mode == "Disabled":
                observation, _ = ours.reset()
            np.testing.assert_allclose(observation[0], expected, **close)
    assert ends >= 3


def test_normalize_reward_of_a_vector() -> None:
    """Same-step resets, many ends of episodes."""
    original = gym_vector.NormalizeReward(
        GymnasiumVectorEnv("CartPole-v1", 5, autoreset_mode="SameStep"), gamma=0.9
    )
    ours = palaestra.make_vec(
        "CartPole-v1",
        5,
        autoreset_mode="SameStep",
        wrappers=[wrappers.NormalizeReward(discount=0.9)],
    )
    original.reset(seed=1)
    ours.reset(seed=1)
    ends = 0
    for action in actions_of(original, 200):
        _, expected, terminated, truncated, _ = original.step(action)
        _, reward, *_ = ours.step(action)
        # Gymnasium accumulates in float32
        np.testing.assert_allclose(reward, expected, rtol=1e-5)
        ends += int((terminated | truncated).sum())
    count, mean, variance = ours.get_statistics()
    assert count == pytest.approx(original.return_rms.count, rel=1e-12)
    assert mean == pytest.approx(float(original.return_rms.mean), rel=1e-5)
    assert variance == pytest.approx(float(original.return_rms.var), rel=1e-5)
    assert ends >= 20


def test_normalize_reward_within_an_episode() -> None:
    """Next-step resets: the same until the first reset, over which Gymnasium carries its sum."""
    original = gym_vector.NormalizeReward(GymnasiumVectorEnv("Pendulum-v1", 4))
    ours = palaestra.make_vec("Pendulum-v1", 4, wrappers=[wrappers.NormalizeReward()])
    single = SingleNormalizeReward(gymnasium.make("palaestra/Pendulum-v1"))
    alone = palaestra.make_vec("Pendulum-v1", 1, wrappers=[wrappers.NormalizeReward()])
    original.reset(seed=1)
    ours.reset(seed=1)
    single.reset(seed=2)
    alone.reset(seed=2)
    for action in actions_of(original, 200):
        _, expected, *_ = original.step(action)
        _, reward, *_ = ours.step(action)
        np.testing.assert_allclose(reward, expected, rtol=1e-5)
        _, one, *_ = single.step(action[0])
        np.testing.assert_allclose(alone.step(action[:1])[1][0], one, rtol=1e-9)


def test_reset_rows_of_next_step_mode_are_no_rewards() -> None:
    """As many rewards as Gymnasium counts; sums that begin anew with each episode."""
    original = gym_vector.NormalizeReward(
        GymnasiumVectorEnv("CartPole-v1", 5), gamma=0.9
    )
    ours = palaestra.make_vec(
        "CartPole-v1", 5, wrappers=[wrappers.NormalizeReward(discount=0.9)]
    )
    original.reset(seed=1)
    ours.reset(seed=1)
    sums, counted, resets = np.zeros(5), [np.zeros(0)], 0
    for action in actions_of(original, 300):
        original.step(action)
        _, reward, terminated, _, info = ours.step(action)
        reset = info["reset"]
        earned = np.where(reset, 0.0, 1.0)  # what CartPole pays
        sums = np.where(reset, 0.0, 0.9 * sums * ~terminated + earned)
        counted.append(sums[~reset])
        resets += int(reset.sum())
        # the prior of one ten-thousandth of an observation of mean 0 and variance 1
        seen = np.concatenate(counted)
        weights = np.append(np.ones(len(seen)), 1e-4)
        mean = np.average(np.append(seen, 0.0), weights=weights)
        squares = np.append((seen - mean) ** 2, 1.0 + mean**2)
        variance = np.average(squares, weights=weights)
        np.testing.assert_allclose(reward, earned / np.sqrt(variance + 1e-8), rtol=1e-9)
    count, *_ = ours.get_statistics()
    assert count == pytest.approx(300 * 5 - resets + 1e-4, rel=1e-12)
    assert count == pytest.approx(original.return_rms.count, rel=1e-12)
    assert resets >= 30


def test_first_observations_count_once_in_next_step_mode() -> None:
    """The reset row shows one: it counts as that, and nothing else of the row does."""
    ours = palaestra.make_vec(
        "CartPole-v1", 5, wrappers=[wrappers.NormalizeObservation()]
    )
    plain = palaestra.make_vec("CartPole-v1", 5)
    ours.set_statistics(np.concatenate([[1e-4], np.zeros(4), np.ones(4)]))
    ours.reset(seed=2)
    shown = [plain.reset(seed=2)[0].copy()]
    resets = 0
    for action in actions_of(plain, 200):
        ours.step(action)
        observation, *_, info = plain.step(action)
        shown.append(observation.copy())
        resets += int(info["reset"].sum())
    seen = np.concatenate(shown).astype(np.float64)
    statistics = ours.get_statistics()
    assert statistics[0] == pytest.approx(len(seen) + 1e-4, rel=1e-12)
    np.testing.assert_allclose(statistics[1:5], seen.mean(0), rtol=0, atol=1e-5)
    assert resets >= 20


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_record_statistics(mode: str) -> None:
    """The queues of the last episodes."""
    original = gym_vector.RecordEpisodeStatistics(
        GymnasiumVectorEnv("CartPole-v1", 4, autoreset_mode=mode), buffer_length=7
    )
    ours = palaestra.make_vec(
        "CartPole-v1", 4, autoreset_mode=mode, wrappers=[wrappers.RecordStatistics(7)]
    )
    original.reset(seed=1)
    ours.reset(seed=1)
    for action in actions_of(original, 150):
        original.step(action)
        ours.step(action)
        record = ours.recorded_episodes()
        assert record.episodes == original.episode_count
        assert record.returns.tolist() == list(original.return_queue)
        assert record.lengths.tolist() == list(original.length_queue)
        assert (record.seconds >= 0).all()
    assert record.episodes > 7
    with pytest.raises(palaestra.UserError, match="record_statistics"):
        palaestra.make_vec("CartPole-v1").recorded_episodes()


def area_weights(old: int, new: int) -> Array:
    """[new, old]: the share of each old pixel in each new one."""
    edges = np.arange(new + 1) * old / new
    low = np.maximum(edges[:-1, None], np.arange(old)[None])
    high = np.minimum(edges[1:, None], np.arange(old)[None] + 1)
    return np.maximum(high - low, 0) * new / old


def linear_weights(old: int, new: int) -> Array:
    """[new, old]: linear interpolation between the centres of old pixels."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(old)[None]), 0)


@pytest.mark.parametrize(
    ("method", "weights"), [("area", area_weights), ("bilinear", linear_weights)]
)
def test_crop_and_resize(method: Any, weights: Any) -> None:
    """By matrices of weights; ends of episodes included."""
    keywords = {"observation": "pixels", "hard": True}
    settings = {"autoreset_mode": "SameStep", **keywords}
    plain = palaestra.make_vec("TakeCover-v0", 3, **settings)
    ours = palaestra.make_vec(
        "TakeCover-v0",
        3,
        wrappers=[wrappers.Crop(4, 8, 52, 50), wrappers.Resize(20, 24, method)],
        **settings,
    )
    assert ours.single_observation_space.shape == (20, 24, 3)
    rows, columns = weights(52, 20), weights(50, 24)

    def small(image: Array) -> Array:
        part = image[:, 4:56, 8:58].astype(np.float64)
        return np.einsum("ij,njkc,lk->nilc", rows, part, columns, optimize=True)

    plain.reset(seed=5)
    ours.reset(seed=5)
    ends = np.zeros(3, dtype=bool)
    for action in actions_of(plain, 120):
        observation, _, terminated, _, info = plain.step(action)
        resized, _, _, _, our_info = ours.step(action)
        assert np.abs(resized - small(observation)).max() <= 0.51  # rounded to nearest
        if terminated.any():
            ends |= terminated
            last = our_info["final_obs"][terminated]
            assert np.abs(last - small(info["final_obs"][terminated])).max() <= 0.51
    assert ends.any()


def test_a_copy_of_a_wrapped_environment_has_the_same_future() -> None:
    """Pickle and deepcopy keep statistics."""
    import copy

    stack = [
        wrappers.RewardNoise(),
        wrappers.NormalizeObservation(),
        wrappers.FrameStack(2),
    ]
    envs = palaestra.make_vec("Pendulum-v1", 3, wrappers=stack)
    envs.reset(seed=1)
    moves = actions_of(envs, 60)
    for action in moves[:30]:
        envs.step(action)
    twin = copy.deepcopy(envs)
    np.testing.assert_array_equal(envs.get_statistics(), twin.get_statistics())
    for action in moves[30:]:
        observation, reward, *_ = envs.step(action)
        same, also, *_ = twin.step(action)
        np.testing.assert_array_equal(observation, same)
        np.testing.assert_array_equal(reward, also)


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        (wrappers.ActionRepeat(0), "repeat is 0"),
        (wrappers.ActionRepeat(1.5), "whole numbers"),  # type: ignore[arg-type]
        (wrappers.FrameStack(2, "mirror"), 'padding is "mirror"'),
        (wrappers.FrameStack(2, "mirror"), "reset, zero"),
        (wrappers.FrameStack(2, object()), "one observation"),  # type: ignore[arg-type]
        (wrappers.FrameStack("4"), "another type"),  # type: ignore[arg-type]
        (wrappers.Crop(top=1), "an image"),
        (wrappers.RescaleObservation(), "number 1 of the observation"),
        (wrappers.RescaleObservation(1, 0), "low is 1 and high is 0"),
        (wrappers.Resize(8, 8), "uint8 images"),
        (wrappers.RecordStatistics(0), "capacity is 0"),
        (("mirror", {}), "unknown wrapper"),
        (("frame_stack", {"sise": 3}), "sise"),
        ("frame_stack", "palaestra.wrappers"),
    ],
)
def test_what_is_no_wrapper_is_refused(wrapper: Any, message: str) -> None:
    """By name and value."""
    with pytest.raises(palaestra.UserError, match=message):
        palaestra.make_vec("CartPole-v1", wrappers=[wrapper])
