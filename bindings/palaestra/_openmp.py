"""Loads the native module with OpenMP's waiting threads told to sleep soon.

By default an idle thread of GCC's OpenMP spins for hundreds of milliseconds. Where other processes
want the same cores, the spinning thread keeps the working one from running: measured 4 times slower
on two busy cores. The runtime reads its settings when it is loaded, so they are put into the
environment for that moment only; what the user has set stands.
"""

from __future__ import annotations

import os

_CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_SPINS = "2000"  # some 0.1 ms: longer than the pause between two steps


def _load() -> None:
    chosen = any(name in os.environ for name in _CHOICES)
    if not chosen:
        os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        import palaestra._palaestra  # noqa: F401
    finally:
        if not chosen:
            del os.environ["GOMP_SPINCOUNT"]


_load()
