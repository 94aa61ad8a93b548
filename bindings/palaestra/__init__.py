"""Palaestra: native reinforcement-learning environments and agents.

Importing the package registers every environment with Gymnasium under ``palaestra/``, so that
``gymnasium.make("palaestra/HalfCheetah-v5")`` and ``gymnasium.make_vec`` find it. `make_vec` of
this package is the faster door: it hands out live NumPy views without copying. `train` trains a
native agent into a run folder, `load` brings it back, `make_agent` and `ReplayBuffer` are the parts
for a training loop of your own.
"""

from __future__ import annotations

from palaestra import (
    _cpu,  # noqa: F401  (first: refuses a CPU that the native module would die on)
    _openmp,  # noqa: F401  (second: loads the native module)
    data,
    wrappers,
)
from palaestra._palaestra import (
    UserError,
    __version__,
    advantages,
    agent_names,
    effective_sample_size,
    lambda_returns,
    returns_to_go,
)
from palaestra.agent import Agent, Evaluation, Player, load, make_agent
from palaestra.followers import ReachedRows, ReturnColumn
from palaestra.minibatch import (
    AgeSummary,
    Draw,
    Episodes,
    Group,
    Minibatch,
    PrioritySummary,
)
from palaestra.registration import env_ids, register, spec
from palaestra.replay import ReplayBuffer
from palaestra.samplers import (
    HindsightBatch,
    HindsightSampler,
    Mixture,
    MixtureBatch,
    RelabelSampler,
    Source,
    Steps,
    Windows,
    WindowSampler,
)
from palaestra.tabular import optimal_value, transition_table
from palaestra.training import Progress, TrainResult, train
from palaestra.vector import EpisodeRecord, VectorEnv, make_vec

register()

__all__ = [
    "AgeSummary",
    "Agent",
    "Draw",
    "EpisodeRecord",
    "Episodes",
    "Evaluation",
    "Group",
    "HindsightBatch",
    "HindsightSampler",
    "Minibatch",
    "Mixture",
    "MixtureBatch",
    "Player",
    "PrioritySummary",
    "Progress",
    "ReachedRows",
    "RelabelSampler",
    "ReplayBuffer",
    "ReturnColumn",
    "Source",
    "Steps",
    "TrainResult",
    "UserError",
    "VectorEnv",
    "WindowSampler",
    "Windows",
    "__version__",
    "advantages",
    "agent_names",
    "data",
    "effective_sample_size",
    "env_ids",
    "lambda_returns",
    "load",
    "make_agent",
    "make_vec",
    "optimal_value",
    "register",
    "returns_to_go",
    "spec",
    "train",
    "transition_table",
    "wrappers",
]
