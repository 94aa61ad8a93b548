"""Native agents: the ones a run has trained, and new ones for loops of your own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from palaestra import _arguments, _goals, _palaestra, registration
from palaestra._ids import native_id
from palaestra._palaestra import UserError
from palaestra._settings import options_text, to_values
from palaestra._spaces import from_gymnasium, to_gymnasium
from palaestra.minibatch import Minibatch
from palaestra.samplers import Steps
from palaestra.vector import VectorEnv, make_vec
from palaestra.wrappers import Wrapper, from_native

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Whole episodes of one policy, in the order of their numbers."""

    returns: npt.NDArray[np.float64]
    """Undiscounted."""
    lengths: npt.NDArray[np.int64]
    """Steps."""
    seeds: npt.NDArray[np.uint64]
    """What ``reset(seed=...)`` was given: replay an episode anywhere."""
    success: npt.NDArray[np.float64] | None = None
    """Last value of the info of that name, where the environment has one."""
    promised: npt.NDArray[np.float64] | None = None
    """What the agent promised at each first observation, where it promises a return."""

    @property
    def return_mean(self) -> float:
        """Mean of the returns."""
        return float(self.returns.mean())

    @property
    def return_std(self) -> float:
        """Standard deviation of the returns."""
        return float(self.returns.std())

    @property
    def gap(self) -> float | None:
        """Mean of what was promised beyond what came: 0 of a consistent policy."""
        if self.promised is None:
            return None
        return float((self.promised - self.returns).mean())


def _columns(batch: Minibatch | Steps | Mapping[str, Array]) -> dict[str, Array]:
    return batch._asdict() if isinstance(batch, Minibatch | Steps) else dict(batch)


class Agent:
    """A native agent: it acts, learns from minibatches, and is evaluated.

    `palaestra.load` gives a trained one, `palaestra.make_agent` a new one. The interpreter lock is
    free during every call; a second thread that calls the same agent meanwhile gets an error.
    """

    def __init__(
        self,
        native: _palaestra.Agent,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        facts = facts or {}
        self._native = native
        self._step = 0
        self.observation_space = observation_space
        self.action_space = action_space
        #: Environment that it was trained on; empty for a new agent, and for one that learnt from a
        #: data set of an environment that is not here.
        self.env_id: str = facts.get("env", "")
        #: Options of that environment, as the settings spell them.
        self.env_options: str = facts.get("env_options", "")
        #: The file that the weights come from; None for a new agent.
        self.weights: Path | None = (
            Path(facts["weights"]) if "weights" in facts else None
        )
        #: Every setting of the run by its key (``"sac.tau"``); empty for a new agent.
        self.settings: dict[str, Any] = dict(facts.get("settings", {}))
        self._keywords: dict[str, Any] = dict(facts.get("keywords", {}))
        #: Wrappers that it was trained in, the innermost first.
        self.wrappers: list[Wrapper] = [
            from_native(*wrapper) for wrapper in facts.get("wrappers", [])
        ]
        #: What those had learnt of their numbers: `palaestra.VectorEnv.get_statistics`.
        self.statistics: npt.NDArray[np.float64] = np.asarray(
            facts.get("statistics", []), dtype=np.float64
        )

    @property
    def name(self) -> str:
        """``"sac"``, ..."""
        return self._native.name

    @property
    def updates(self) -> int:
        """Gradient updates so far."""
        return self._native.updates

    @property
    def policies(self) -> list[str]:
        """Names of other policies that it has, such as ``"ensemble"``, for `evaluate`."""
        return self._native.policies()

    def act(
        self, observation: Any, mode: str = "mean", *, step: int | None = None
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int64]:
        """Choose actions: numbers scaled to the action space, or numbers of choices.

        Parameters
        ----------
        observation
            One observation, or any number of them along the first axis. Of a goal task also as
            dicts with ``observation``, ``achieved_goal`` and ``desired_goal``.
        mode
            ``"mean"``: the mode of the policy, no randomness. ``"sample"``: draw from the policy.
        step
            Which draw: the noise of row ``i`` is addressed by ``(seed, i, step)``. By default the
            number of draws so far.

        Returns
        -------
        numpy.ndarray
            A fresh array: one action, or one a row; float32, or int64 for choices.

        Raises
        ------
        UserError
            For a shape, type or mode that is not accepted, or numbers that are not finite.
        """
        _arguments.texts("Agent.act", mode=mode)
        if step is not None:
            _arguments.integers("Agent.act", step=step)
        rows, single = self._rows(_goals.flat(observation))
        actions = self._native.act(rows, mode, self._step if step is None else step)
        if mode == "sample" and step is None:
            self._step += 1
        actions = actions.reshape(len(rows), *(self.action_space.shape or ()))
        return actions[0] if single else actions

    def player(self, num_envs: int = 1) -> Player:
        """Act step by step in ``num_envs`` episodes at once, from the history of each.

        Agents such as ``decision_transformer`` act from more than the observation: from the steps
        before it, or from a latent that they chose when the episode began. `act` is what they do at
        a first observation; this is how they go on. Other agents act here as they do there.
        """
        return Player(self, num_envs)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[npt.NDArray[np.float32] | npt.NDArray[np.int64], Any]:
        """Act as Stable-Baselines3's models do, so that its ``evaluate_policy`` takes an agent."""
        return self.act(observation, "mean" if deterministic else "sample"), state

    def update(self, batch: Minibatch | Mapping[str, Array]) -> None:
        """Make one gradient update from a minibatch of `palaestra.ReplayBuffer`.

        Raises
        ------
        UserError
            For a minibatch of other sizes, and when a loss is not finite.
        """
        self._native.update(_columns(batch))

    def imitate(
        self,
        batch: Minibatch | Mapping[str, Array],
        demonstrations: Minibatch | Mapping[str, Array],
    ) -> None:
        """Make one update of an agent that imitates, from as many rows as its settings say.

        Where the agent's rewards are its own (DAC), this is what they come from: `judge` says them
        of the same rows afterwards, and `update` learns from those.

        Parameters
        ----------
        batch
            What the agent did.
        demonstrations
            What it is to do. Where the agent has absorbing states, the observations of both have
            one number more than those that it acts from: 1 in that state, else 0.

        Raises
        ------
        UserError
            For an agent that imitates nothing, minibatches of other sizes, and when a loss is not
            finite.
        """
        self._native.imitate(_columns(batch), _columns(demonstrations))

    def judge(
        self, steps: Minibatch | Steps | Mapping[str, Array]
    ) -> npt.NDArray[np.float32]:
        """Say what single steps earned, by the agent's own rewards.

        An agent without rewards of its own leaves them as they are. It can be given to a
        `RelabelSampler`, for returns of several steps.

        Parameters
        ----------
        steps
            Any number of rows.

        Returns
        -------
        numpy.ndarray
            Float32, [rows].

        Raises
        ------
        UserError
            For rows of other sizes.
        """
        return self._native.judge(_columns(steps))

    def metrics(self) -> dict[str, float]:
        """Losses and the like of the last update; empty before the first."""
        return self._native.metrics()

    def evaluate(
        self,
        episodes: int = 10,
        *,
        env: str | None = None,
        seed: int = 0,
        env_options: Mapping[str, object] | None = None,
        policy: str = "",
        mode: str = "mean",
    ) -> Evaluation:
        """Run whole episodes, as ``palaestra eval`` does, to the same numbers.

        Parameters
        ----------
        episodes
            How many, all stepped together.
        env
            Another environment with the same spaces; by default the one of the run.
        seed
            Episode ``e`` starts from a seed drawn from ``(seed, e)``. It also draws the step
            from which noise is counted; 0 counts from 0, as a `Player` does.
        env_options
            Keyword options of ``env``; by default those of the run.
        policy
            One of `policies`; by default the agent's own.
        mode
            ``"mean"``: the mode of the policy. ``"sample"``: draws from it.

        Raises
        ------
        UserError
            For a policy that the agent does not have, and spaces that do not suit it.
        """
        _arguments.integers("Agent.evaluate", episodes=episodes, seed=seed)
        _arguments.texts("Agent.evaluate", policy=policy, mode=mode)
        env_id = native_id(env or self.env_id)
        if not env_id:
            raise UserError("Agent.evaluate: env is missing: this agent is of no run")
        options = options_text(env_id, env_options)
        if env is None and env_options is None:
            options = self.env_options
        return Evaluation(
            **self._native.evaluate(env_id, options, episodes, seed, policy, mode)
        )

    def make_vec(self, num_envs: int = 1, **settings: Any) -> VectorEnv:
        """Make the environment that it was trained on, with what it has learnt to see.

        Wrappers are those of the run, with the statistics of its end, which stay as they are.
        ``settings`` are those of `palaestra.make_vec`; call ``reset`` first.
        """
        if not self.env_id:
            raise UserError("Agent.make_vec: this agent is of no run")
        frozen = [
            replace(wrapper, update=False) if hasattr(wrapper, "update") else wrapper
            for wrapper in self.wrappers
        ]
        env = make_vec(
            self.env_id, num_envs, wrappers=frozen, **(self._keywords | settings)
        )
        env.set_statistics(self.statistics)
        return env

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write parameters, moments and counters to a safetensors file."""
        self._native.save(os.fspath(file))

    def load(self, file: str | os.PathLike[str]) -> None:
        """Read what `save` or a run wrote into an agent of the same settings and spaces.

        Raises
        ------
        UserError
            For a damaged file or one of another agent; this one is then as it was.
        """
        self._native.load(os.fspath(file))

    def __repr__(self) -> str:
        """Name, environment and number of updates."""
        where = f" on {self.env_id}" if self.env_id else ""
        return f"<Agent {self.name}{where}, {self.updates} updates>"

    def _rows(self, observation: npt.ArrayLike) -> tuple[Array, bool]:
        shape = self.observation_space.shape or ()
        try:
            array = np.asarray(observation, dtype=np.float32)
        except (TypeError, ValueError):
            raise UserError(
                f"Agent.act: observation is {observation!r}, expected numbers"
            ) from None
        single = array.shape == shape
        if not single and array.shape[1:] != shape:
            raise UserError(
                f"Agent.act: observation has shape {list(array.shape)}, expected {list(shape)} "
                f"or {['n', *shape]}".replace("'", "")
            )
        if not np.isfinite(array).all():
            raise UserError("Agent.act: observation holds a number that is not finite")
        rows = 1 if single else len(array)
        return np.ascontiguousarray(array.reshape(rows, -1)), single


class Player:
    """An agent in the episodes of a few environments: see `Agent.player`.

    Examples
    --------
    >>> player = agent.player()  # doctest: +SKIP
    >>> action = player.act(observation)
    >>> observation, reward, terminated, truncated, info = env.step(action)
    >>> action = player.act(observation, reward)
    """

    def __init__(self, agent: Agent, num_envs: int) -> None:
        _arguments.integers("Agent.player", num_envs=num_envs)
        if num_envs < 1:
            raise UserError(
                f"Agent.player: num_envs is {num_envs}; accepted: 1 or more"
            )
        self.agent = agent
        self.num_envs = num_envs
        self._native = _palaestra.AgentRows(agent._native, num_envs)
        self._began = False

    @property
    def promised(self) -> npt.NDArray[np.float64] | None:
        """What the agent promised when each episode began; None where it promises nothing.

        The undiscounted return that it was asked for, or expected of what it chose to do.
        """
        return self._native.promised()

    def act(
        self,
        observation: Any,
        reward: npt.ArrayLike | None = None,
        begins: npt.ArrayLike | None = None,
        mode: str = "mean",
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int64]:
        """Choose the actions of one step of every environment.

        Parameters
        ----------
        observation
            One of each environment; of a single environment also without the first axis.
        reward
            What the step before earned. Not looked at where an episode begins.
        begins
            Whether the observation is the first of its episode; by default all are at the first
            call, and none later.
        mode
            ``"mean"`` or ``"sample"``, see `Agent.act`.

        Raises
        ------
        UserError
            For a number of rows, a shape or a mode that is not accepted, and for a reward that is
            missing or no finite number.
        """
        _arguments.texts("Player.act", mode=mode)
        rows, single = self.agent._rows(_goals.flat(observation))
        if len(rows) != self.num_envs:
            raise UserError(
                f"Player.act: there are {len(rows)} observations; accepted: {self.num_envs}"
            )
        first = self._column(
            "begins", not self._began if begins is None else begins, np.uint8
        )
        if reward is None and not first.all():
            raise UserError(
                "Player.act: reward is missing; what did the step before earn?"
            )
        earned = self._column("reward", 0.0 if reward is None else reward, np.float32)
        if not np.isfinite(earned).all():
            raise UserError("Player.act: reward holds a number that is not finite")
        actions = self._native.act(first, earned, rows, mode)
        self._began = True
        actions = actions.reshape(len(rows), *(self.agent.action_space.shape or ()))
        return actions[0] if single else actions

    def _column(self, name: str, values: npt.ArrayLike, dtype: Any) -> Array:
        array = _arguments.array_of_numbers("Player.act", name, values).astype(dtype)
        if array.shape not in ((), (self.num_envs,)):
            raise UserError(
                f"Player.act: {name} has shape {list(array.shape)}, expected [{self.num_envs}]"
            )
        return np.ascontiguousarray(np.broadcast_to(array, (self.num_envs,)))


def load(run: str | os.PathLike[str], *, threads: int = 1) -> Agent:
    """Load the agent that a run has trained, by this package or by the ``palaestra`` command.

    Parameters
    ----------
    run
        A run folder (its ``final.safetensors``, or its newest checkpoint where there is none or
        the run has gone on beyond it), or one such file in it.
    threads
        That large batches of observations and evaluations are spread over; 0 means one per
        physical core.

    Raises
    ------
    UserError
        For a folder that is no run, and for a damaged file.
    """
    _arguments.integers("load", threads=threads)
    native, facts = _palaestra.load_run(os.fspath(run), threads)
    spec = facts["spec"]
    return Agent(
        native, to_gymnasium(spec.observation), to_gymnasium(spec.action), facts
    )


def make_agent(
    name: str,
    env: str | None = None,
    *,
    observation_space: spaces.Space[Any] | None = None,
    action_space: spaces.Space[Any] | None = None,
    seed: int = 0,
    threads: int = 1,
    **settings: Any,
) -> Agent:
    """Make an untrained agent, for a training loop of your own.

    Parameters
    ----------
    name
        ``"sac"``; `palaestra.agent_names` lists all.
    env
        Id of an environment to take the spaces from; or give both:
    observation_space, action_space
        Spaces of a single environment.
    seed
        Of the first weights and of all draws.
    threads
        That an update may use.
    **settings
        The agent's own: ``batch_size=64``, ``hidden=[64, 64]``; see ``palaestra train --help``.

    Raises
    ------
    UserError
        For an unknown name or setting (the nearest one is suggested), and spaces that do not suit.
    """
    _arguments.texts("make_agent", name=name)
    _arguments.integers("make_agent", seed=seed, threads=threads)
    if env is not None:
        spec = registration.spec(env)
        native_spaces = spec.observation, spec.action
    elif observation_space is not None and action_space is not None:
        native_spaces = from_gymnasium(observation_space), from_gymnasium(action_space)
    else:
        raise UserError("make_agent: give env, or observation_space and action_space")
    native = _palaestra.make_agent(
        name, *native_spaces, seed, threads, to_values(settings)
    )
    return Agent(native, *map(to_gymnasium, native_spaces))
