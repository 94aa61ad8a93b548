"""Palaestra: native reinforcement-learning environments and agents.

Importing the package registers every environment with Gymnasium under ``palaestra/``, so that
``gymnasium.make("palaestra/HalfCheetah-v5")`` and ``gymnasium.make_vec`` find it. `make_vec` of
this package is the faster door: it hands out live NumPy views without copying.
"""

from __future__ import annotations

from palaestra import _openmp  # noqa: F401  (first: loads the native module)
from palaestra._palaestra import UserError, __version__
from palaestra.registration import env_ids, register, spec
from palaestra.replay import Minibatch, ReplayBuffer
from palaestra.vector import VectorEnv, make_vec

register()

__all__ = [
    "Minibatch",
    "ReplayBuffer",
    "UserError",
    "VectorEnv",
    "__version__",
    "env_ids",
    "make_vec",
    "register",
    "spec",
]
