"""The native vector environment: live columns, errors, states, threads."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
import warnings
import weakref
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import palaestra
import pytest
from oracles import IDS

every_id = pytest.mark.parametrize("env_id", IDS)
Vector = palaestra.VectorEnv


def actions_for(
    env: Vector, random: np.random.Generator, steps: int
) -> npt.NDArray[Any]:
    """Draw valid actions: int64[steps, n] or float32[steps, n, d]."""
    space = env.single_action_space
    if isinstance(space, gymnasium.spaces.Discrete):
        return random.integers(space.n, size=(steps, env.num_envs))
    assert isinstance(space, gymnasium.spaces.Box)
    size = (steps, env.num_envs, *space.shape)
    return random.uniform(space.low, space.high, size).astype(np.float32)


def transcript(env: Vector, steps: int, seed: int = 0) -> str:
    """Hash everything that a rollout hands out."""
    digest = hashlib.sha256()
    env.reset()
    for actions in actions_for(env, np.random.default_rng(seed), steps):
        *columns, info = env.step(actions)
        for column in [*columns, info["episode_return"], info["episode_length"]]:
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


@every_id
def test_views_are_live_and_always_the_same(env_id: str) -> None:
    """A step hands out the very arrays of the step before, with new contents and no copy."""
    env = palaestra.make_vec(env_id, 6, threads=1)
    observation, info = env.reset(seed=0)
    first = env.step(actions_for(env, np.random.default_rng(0), 1)[0])
    assert first[0] is observation
    assert first[4] is info
    before = observation.copy()
    second = env.step(actions_for(env, np.random.default_rng(1), 1)[0])
    assert second is first
    assert not np.array_equal(observation, before)
    assert observation.shape == env.observation_space.shape
    assert observation.dtype == env.observation_space.dtype
    reward, terminated, truncated = second[1:4]
    assert reward.dtype == np.float64
    assert terminated.dtype == truncated.dtype == np.bool_
    assert reward.shape == terminated.shape == truncated.shape == (6,)


@every_id
def test_copies_on_request_have_the_same_contents(env_id: str) -> None:
    """``copy=True`` hands out fresh arrays that later steps leave alone."""
    live = palaestra.make_vec(env_id, 3, seed=4)
    copied = palaestra.make_vec(env_id, 3, seed=4, copy=True)
    kept, expected = [copied.reset()[0]], [live.reset()[0].copy()]
    for actions in actions_for(live, np.random.default_rng(0), 20):
        step = copied.step(actions)
        assert step[4]["episode_length"].base is None
        kept.append(step[0])
        expected.append(live.step(actions)[0].copy())
    np.testing.assert_array_equal(kept, expected)


def test_views_outlive_their_environment_and_nothing_leaks() -> None:
    """A view keeps the memory alive; without views the environment goes at once."""
    env = palaestra.make_vec("CartPole-v1", 4)
    observation, _ = env.reset(seed=0)
    kept = observation.copy()
    env.close()
    del env
    gc.collect()
    np.testing.assert_array_equal(observation, kept)

    gone = palaestra.make_vec("CartPole-v1", 4)
    gone.reset()
    reference = weakref.ref(gone)
    gc.disable()
    try:
        del gone
        assert reference() is None, "a reference cycle keeps the environment"
    finally:
        gc.enable()


@every_id
def test_the_same_bits_for_any_number_of_threads(env_id: str) -> None:
    """1, 2, 3 and 7 threads, enough rows for several blocks."""
    rows, steps = (
        (5_000, 40) if palaestra.spec(env_id).family == "classic" else (50, 60)
    )
    hashes = {
        transcript(palaestra.make_vec(env_id, rows, seed=1, threads=threads), steps)
        for threads in (1, 2, 3, 7)
    }
    assert len(hashes) == 1


@every_id
def test_a_row_does_not_depend_on_its_neighbours(env_id: str) -> None:
    """The first rows of a large batch are the small batch."""
    small = palaestra.make_vec(env_id, 3, seed=9, threads=1)
    large = palaestra.make_vec(env_id, 8, seed=9, threads=1)
    np.testing.assert_array_equal(small.reset()[0], large.reset()[0][:3])
    for actions in actions_for(large, np.random.default_rng(2), 60):
        a = small.step(np.ascontiguousarray(actions[:3]))
        b = large.step(actions)
        for left, right in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(left, right[:3])


@every_id
def test_seeds_make_rows_into_single_environments(env_id: str) -> None:
    """``reset(seed=s)`` starts row i exactly where a single environment starts with s + i."""
    env = palaestra.make_vec(env_id, 4)
    observation, _ = env.reset(seed=11)
    single = gymnasium.make(f"palaestra/{env_id}")
    for row in range(4):
        np.testing.assert_array_equal(observation[row], single.reset(seed=11 + row)[0])
    other = palaestra.make_vec(env_id, 4)
    np.testing.assert_array_equal(other.reset(seed=[11, 12, 13, 14])[0], observation)
    kept = observation.copy()
    env.reset(seed=[11, None, 13, None])
    np.testing.assert_array_equal(observation[::2], kept[::2])
    assert (observation[1::2] != kept[1::2]).any(axis=1).all()


@every_id
def test_masked_resets_touch_only_their_rows(env_id: str) -> None:
    """Other rows keep their observation and go on as if nothing had happened."""
    env, untouched = (palaestra.make_vec(env_id, 4, seed=2) for _ in range(2))
    env.reset()
    untouched.reset()
    plan = actions_for(env, np.random.default_rng(0), 3)
    env.step(plan[0])
    untouched.step(plan[0])
    mask = np.array([False, True, False, True])
    observation, info = env.reset(options={"reset_mask": mask})
    expected = untouched.step(plan[1])
    assert (info["episode_length"] == [1, 0, 1, 0]).all()
    actual = env.step(plan[1])
    np.testing.assert_array_equal(actual[0][~mask], expected[0][~mask])
    assert (actual[4]["episode_length"] == [2, 1, 2, 1]).all()
    assert observation is actual[0]


@every_id
def test_states_branch(env_id: str) -> None:
    """Rows saved and put elsewhere repeat the same future, also in another batch."""
    env = palaestra.make_vec(env_id, 5, seed=3, threads=1)
    env.reset()
    random = np.random.default_rng(0)
    plan = actions_for(env, random, 30)
    for actions in plan[:10]:
        env.step(actions)
    saved = env.get_state([1, 3])
    assert saved.shape == (2, env.state_bytes)
    assert saved.dtype == np.uint8
    assert env.get_state().shape == (5, env.state_bytes)

    # rows 1 and 3 now also live in a batch of two
    branch = palaestra.make_vec(env_id, 2, seed=77)
    branch.reset()
    branch.set_state([0, 1], saved)
    np.testing.assert_array_equal(branch.get_state(), saved)
    for actions in plan[10:]:
        theirs = env.step(actions)
        mine = branch.step(np.ascontiguousarray(actions[[1, 3]]))
        for a, b in zip(mine[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(a, b[[1, 3]])


@every_id
def test_wrong_actions_are_refused_with_both_shapes(env_id: str) -> None:
    """Shape, type, range, not-a-number: the message says what was expected; no row moves."""
    env = palaestra.make_vec(env_id, 4, seed=0)
    observation, _ = env.reset()
    before, states = observation.copy(), env.get_state()
    good = actions_for(env, np.random.default_rng(0), 1)[0]
    shape = list(good.shape)
    with pytest.raises(palaestra.UserError) as caught:
        env.step(np.concatenate([good, good]))
    assert str([8, *shape[1:]]) in str(caught.value)
    assert str(shape) in str(caught.value)
    bad: list[object] = [
        good[:3],
        good[None],
        good.astype(complex),
        None,
        "left",
        object(),
    ]
    if good.dtype == np.int64:
        bad += [good.astype(float), good - 100, good + 100]
    else:
        bad += [good * np.float32("nan"), good + np.float32("inf"), good.astype(str)]
    for actions in bad:
        with pytest.raises(palaestra.UserError):
            env.step(actions)
    np.testing.assert_array_equal(observation, before)
    np.testing.assert_array_equal(env.get_state(), states)


@every_id
def test_other_layouts_are_converted_with_one_warning(env_id: str) -> None:
    """Lists, other types and strided arrays work; the second time in silence."""
    env, reference = (palaestra.make_vec(env_id, 4, seed=0) for _ in range(2))
    env.reset()
    reference.reset()
    plan = actions_for(env, np.random.default_rng(0), 3)
    wide = np.repeat(plan[1], 2, axis=0)[::2]
    narrow = np.int32 if plan.dtype == np.int64 else np.float64
    with pytest.warns(RuntimeWarning, match="are converted at every step"):
        env.step(plan[0].tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.step(wide)
        env.step(plan[2].astype(narrow))
    fresh = palaestra.make_vec(env_id, 4, seed=0)
    fresh.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for actions in plan:  # the right layout says nothing
            fresh.step(actions)
    for actions in plan:
        expected = reference.step(actions)
    np.testing.assert_array_equal(env.get_state(), reference.get_state())
    np.testing.assert_array_equal(
        fresh.step(plan[0])[0], expected[0] * 0 + env.step(plan[0])[0]
    )


def test_misaligned_and_big_endian_actions_are_read_correctly() -> None:
    """Arrays over raw bytes come in any alignment and byte order."""
    env, reference = (palaestra.make_vec("Pendulum-v1", 3, seed=0) for _ in range(2))
    env.reset()
    reference.reset()
    actions = np.array([[0.5], [-1.0], [2.0]], np.float32)
    raw = np.frombuffer(b"x" + actions.tobytes(), np.uint8)[1:]
    shifted = raw.view(np.float32).reshape(3, 1)
    assert not shifted.flags.aligned
    with pytest.warns(RuntimeWarning):
        env.step(shifted)
    env.step(actions.astype(">f4"))
    reference.step(actions)
    reference.step(actions)
    np.testing.assert_array_equal(env.get_state(), reference.get_state())


def test_bad_settings_are_named() -> None:
    """Sizes, modes, threads, seeds, masks, rows, states."""
    make = palaestra.make_vec
    for call, text in [
        (lambda: make("CartPole-v1", 0), "batch size is 0"),
        (lambda: make("CartPole-v1", 1, autoreset_mode="Never"), "NextStep, SameStep"),
        (lambda: make("CartPole-v1", 1, threads=-1), "-1"),
        (lambda: make("Hopper", 1), "unknown environment"),
        (lambda: make(5, 1), "environment id is 5; accepted: a text"),
        (lambda: make("CartPole-v1", 1.5), "num_envs is 1.5; accepted: an integer"),
        (lambda: make("CartPole-v1", 2**70), "num_envs is 1180591620717411303424"),
        (lambda: make("CartPole-v1", 2, seed=-1), r"seed is -1; .* 0 to 2\*\*64 - 1"),
        (lambda: make("CartPole-v1", 2, seed=0.5), "seed is 0.5; accepted: an integer"),
        (lambda: make("CartPole-v1", 2, threads="a"), "threads is 'a'"),
        (lambda: make("CartPole-v1", 2, copy="no"), "copy is 'no'; accepted: True"),
        (lambda: make("CartPole-v1", 2, wrappers=5), "wrappers is 5; accepted: a list"),
        (
            lambda: make("CartPole-v1", 2, max_episode_steps="a"),
            "max_episode_steps is 'a'; accepted: an integer",
        ),
        (
            lambda: make("CartPole-v1", 2, max_episode_steps=1.7),
            "max_episode_steps is 1.7; accepted: an integer",
        ),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()
    env = make("CartPole-v1", 3)
    env.reset()
    for call, text in [
        (lambda: env.reset(seed=[1, 2]), "seed has 2 entries"),
        (lambda: env.reset(seed=-1), "outside 0"),
        (lambda: env.reset(seed="x"), "accepted: an integer"),
        (lambda: env.reset(seed=[1.5, 2, 3]), r"seed is \[1.5, 2, 3\]; accepted"),
        (lambda: env.reset(seed=np.ones(3)), r"seed is array\(\[1"),
        (lambda: env.reset(seed=["a", 1, 2]), "seed is .*; accepted: an integer"),
        (lambda: env.reset(seed=np.array(1.5)), "seed is .*; accepted: an integer"),
        (lambda: env.reset(options={"reset_mask": [True] * 3}), "boolean NumPy"),
        (
            lambda: env.reset(options={"reset_mask": np.ones(2, bool)}),
            r"\[2\], expected \[3\]",
        ),
        (lambda: env.reset(options={"reset_mask": np.zeros(3, bool)}), "no row"),
        (lambda: env.get_state([3]), "accepted: 0 to 2"),
        (lambda: env.get_state([0.5]), r"rows is \[0.5\]; accepted: integers"),
        (lambda: env.get_state(["a"]), r"rows is \['a'\]; accepted: integers"),
        (lambda: env.get_state(np.array([True] * 3)), "rows is .*accepted: integers"),
        (lambda: env.render([0.5]), r"rows is \[0.5\]; accepted: integers"),
        (lambda: env.set_state([0], env.get_state()), r"expected \[1, "),
        (lambda: env.set_state([0.5], env.get_state([0])), "rows is"),
        (
            lambda: env.set_state([0], env.get_state([0]).astype(float)),
            "states is an array of float64; accepted: uint8",
        ),
        (lambda: env.set_state([0], "a"), "states is 'a'; accepted: uint8"),
        (lambda: env.set_physics(0.5, [0.0] * 4), "row is 0.5; accepted: an integer"),
        (lambda: env.set_physics(0, ["a"] * 4), "values is .*; accepted: numbers"),
        (lambda: env.get_physics("a"), "row is 'a'; accepted: an integer"),
        (lambda: env.set_statistics("a"), "values is 'a'; accepted: numbers"),
        (lambda: env.set_physics(0, [1.0]), "4 numbers"),
        (lambda: env.get_physics(-1), "accepted: 0 to 2"),
    ]:
        with pytest.raises(palaestra.UserError, match=text):
            call()
    env.close()
    for use in (env.reset, env.get_state, lambda: env.step(np.zeros(3, int))):
        with pytest.raises(palaestra.UserError, match="close"):
            use()
    with make("CartPole-v1", 3) as inner:
        inner.reset()
    assert inner.closed


def test_integers_of_numpy_are_integers() -> None:
    """Sizes, seeds, time limits and rows, alone and in arrays of any width."""
    two, limit = np.int32(2), np.uint8(5)
    env = palaestra.make_vec(
        "CartPole-v1", two, seed=np.uint64(2**64 - 1), max_episode_steps=limit
    )
    same = palaestra.make_vec("CartPole-v1", 2, seed=2**64 - 1, max_episode_steps=5)
    for seed in (None, np.int64(7), np.array([3, 4], np.uint8), [np.int16(3), None]):
        mine, _ = env.reset(seed=seed)
        plain = seed if seed is None else np.asarray(seed).tolist()
        np.testing.assert_array_equal(mine, same.reset(seed=plain)[0])
    rows = np.array([1], np.uint64)
    env.set_state(rows, env.get_state(np.array([0], np.int32)))
    np.testing.assert_array_equal(env.get_physics(np.int8(1)), env.get_physics(0))
    assert env.get_state([]).shape == (0, env.state_bytes)


def test_other_threads_run_during_a_step_and_may_not_enter_it() -> None:
    """The interpreter lock is free inside a step; a second caller gets an error, not a crash."""
    env = palaestra.make_vec("Acrobot-v1", 400_000, threads=1)
    env.reset()
    actions = np.zeros(400_000, np.int64)
    refused: list[str] = []
    ticks = 0
    running = threading.Event()

    def step() -> None:
        running.set()
        env.step(actions)

    worker = threading.Thread(target=step)
    worker.start()
    running.wait()
    while worker.is_alive():
        ticks += 1
        try:
            env.get_physics(0)
        except palaestra.UserError as error:
            refused.append(str(error))
        time.sleep(0.001)
    worker.join()
    assert ticks > 3
    assert any("another thread" in text for text in refused)
    env.step(actions)


@pytest.mark.parametrize("copy", [False, True])
def test_first_states_can_be_bounded(copy: bool) -> None:
    """``options`` bound the first states, and the observation handed out is already of them."""
    env = palaestra.make_vec("CartPole-v1", 50, copy=copy)
    observation, _ = env.reset(seed=3, options={"low": 0.01, "high": 0.02})
    assert ((observation >= 0.01) & (observation <= 0.02)).all()
    assert len(np.unique(observation[:, 0])) == 50
    again, _ = env.reset(seed=3, options={"low": 0.01, "high": 0.02})
    np.testing.assert_array_equal(again, observation)


def test_the_time_limit_can_be_changed_and_lifted() -> None:
    """``max_episode_steps`` overrides the environment's own; 0 means never."""
    env = palaestra.make_vec("Pendulum-v1", 2, max_episode_steps=5)
    env.reset()
    action = np.zeros((2, 1), np.float32)
    flags = [env.step(action)[3].copy().tolist() for _ in range(12)]
    assert [i for i, f in enumerate(flags) if any(f)] == [4, 10]
    free = palaestra.make_vec("Pendulum-v1", 2, max_episode_steps=0)
    free.reset()
    assert not any(free.step(action)[3].any() for _ in range(500))
