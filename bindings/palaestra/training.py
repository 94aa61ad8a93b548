"""Training a native agent from Python, into the same run folders as the ``palaestra`` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palaestra import _arguments, _palaestra, agent, curve
from palaestra._ids import native_id
from palaestra._palaestra import UserError
from palaestra._settings import options_text, to_values


@dataclass(frozen=True)
class Progress:
    """Where a run is."""

    steps: int
    """Transitions collected so far; offline: updates."""
    total: int
    """The steps at which the run is complete."""
    updates: int
    """Gradient updates so far."""
    episodes: int
    """Training episodes that have ended."""
    return_mean: float
    """Mean return of the training episodes since the last line of the log; NaN without one."""
    evaluation: agent.Evaluation | None = None
    """An evaluation that nobody has been told of yet."""


@dataclass(frozen=True)
class TrainResult:
    """A run and how it ended."""

    run: Path
    """The run folder."""
    steps: int
    """Transitions collected; offline: updates."""
    complete: bool
    """False where a callback stopped the run: ``train(..., resume=True)`` goes on."""

    @property
    def meta(self) -> dict[str, Any]:
        """Version, machine, threads, times: ``meta.json``."""
        return dict(json.loads((self.run / "meta.json").read_text()))

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Losses, training returns, rates: the lines of ``metrics.jsonl``."""
        return curve.read_lines(self.run / "metrics.jsonl")

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """Step, seeds, returns: the lines of ``eval.jsonl``."""
        return curve.read_lines(self.run / "eval.jsonl")

    @property
    def return_mean(self) -> float | None:
        """Mean return of the last evaluation; None without one."""
        lines = self.evaluations
        return float(lines[-1]["return_mean"]) if lines else None

    def load(self, *, threads: int = 1) -> agent.Agent:
        """Load the trained agent."""
        return agent.load(self.run, threads=threads)


def train(
    env: str | None = None,
    agent: str | None = None,
    steps: int | None = None,
    *,
    out: str | os.PathLike[str],
    seed: int | None = None,
    n: int | None = None,
    env_options: Mapping[str, object] | None = None,
    data: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    threads: int = 0,
    callback: Callable[[Progress], bool | None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Train an agent, online or on recorded data: ``palaestra train``, to the same bits.

    Ctrl-C writes a checkpoint, then raises KeyboardInterrupt; ``resume=True`` goes on to the same
    final bits as an unbroken run. The interpreter lock is free while the run works.

    Parameters
    ----------
    env
        Environment id, with or without ``palaestra/``.
    agent
        ``"sac"``, the default, ``"bc"``; `palaestra.agent_names` lists all.
    steps
        Transitions to collect in all; updates while a run learns from ``data`` alone.
    out
        Run folder. It must not exist, unless ``resume`` or ``force`` is given.
    seed
        Of every random stream of the run.
    n
        Environments stepped together.
    env_options
        The environment's own keyword options.
    data
        A data set to learn from, a Minari folder or a D4RL file; ``env`` is then by default the
        one that it names. All steps are updates on it, unless ``offline_steps`` says how many are
        before the run goes on collecting, or the agent is one that imitates it while it collects;
        ``data_episodes``, ``data_share``, ``best_share`` and ``normalize_observations`` say how it
        is used, ``held_out`` how much of it is kept back to stop early by.
    config
        Settings as TOML, such as the ``config.toml`` of a run; arguments count more.
    resume
        Go on from the newest checkpoint in ``out`` with the settings of that run; only ``steps``
        may grow. Starts where there is no run.
    force
        Move a folder that is in the way aside.
    threads
        0 means one per physical core. The result does not depend on it.
    callback
        Called with a `Progress` about twenty times a second at most, and after every evaluation.
        Returning False, or raising, writes a checkpoint and stops.
    **settings
        The trainer's and the agent's own: ``learning_starts=1000``, ``batch_size=128``,
        ``hidden=[64, 64]``; ``palaestra train --help`` lists all.

    Returns
    -------
    TrainResult
        The run folder, with the means to read it.

    Raises
    ------
    UserError
        For an unknown environment, agent or setting (the nearest name is suggested), a value that
        is not accepted, a folder that is in the way, a data set that is damaged, has changed since
        or does not suit the environment, and for training that diverges.
    """
    _arguments.integers("train", threads=threads)
    _arguments.flags("train", resume=resume, force=force)
    if agent is not None:
        _arguments.texts("train", agent=agent)
    if callback is not None and not callable(callback):
        raise UserError(f"train: callback is {callback!r}; accepted: a function")
    env_id = None if env is None else native_id(env)
    given = {"env": env_id, "steps": steps, "seed": seed, "n": n}
    if data is not None:
        given["data"] = os.fspath(data)
    if env_options is not None:
        given["env_options"] = options_text(env_id or "", env_options)
    values = to_values(
        {key: value for key, value in given.items() if value is not None} | settings
    )
    run = Path(out)
    complete, steps_done = _palaestra.train(
        os.fspath(run),
        "" if config is None else os.fspath(config),
        agent,
        values,
        resume,
        force,
        threads,
        None if callback is None else _Listener(callback),
    )
    if complete:
        _draw_curve(run)
    return TrainResult(run, steps_done, complete)


class _Listener:
    """Hands a callback what the native side says, in this package's types."""

    def __init__(self, callback: Callable[[Progress], bool | None]) -> None:
        self._callback = callback

    def __call__(self, state: dict[str, Any]) -> bool | None:
        state.pop("evaluated_at", None)
        evaluation = state.pop("evaluation")
        if evaluation is not None:
            evaluation = agent.Evaluation(**evaluation)
        return self._callback(Progress(**state, evaluation=evaluation))


def _draw_curve(run: Path) -> None:
    """Draw ``curve.png`` in a process of its own: matplotlib keeps the caller's backend."""
    cache = Path(
        os.environ.get("PALAESTRA_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "palaestra"
    )
    done = subprocess.run(
        [sys.executable, curve.__file__, run],
        env={**os.environ, "MPLCONFIGDIR": str(cache / "matplotlib")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it failed"])[-1]
        warnings.warn(
            f"no curve.png: {why} (matplotlib draws it)", RuntimeWarning, stacklevel=3
        )
