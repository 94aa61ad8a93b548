"""Finite tasks as tables of probabilities, and what the best policy earns in them."""

from __future__ import annotations

from palaestra import _arguments, _palaestra
from palaestra._ids import native_id
from palaestra._keywords import to_native

#: (probability, next state, reward, terminated)
Outcome = tuple[float, int, float, bool]


def transition_table(
    env_id: str, **keywords: object
) -> dict[int, dict[int, list[Outcome]]]:
    """Return all outcomes of a finite task, as ``env.unwrapped.P`` of Gymnasium's toy-text tasks.

    Parameters
    ----------
    env_id
        Id of a task of the stochastic family.
    **keywords
        The task's own options.

    Returns
    -------
    dict
        ``table[state][action]`` is a list of (probability, next state, reward, terminated).

    Raises
    ------
    UserError
        For an unknown id or option, and for a task whose outcomes cannot be listed.
    """
    native = to_native(env_id, keywords)
    _, rows = _palaestra.tabular_model(native_id(env_id), native)
    return {state: dict(enumerate(row)) for state, row in enumerate(rows)}


def optimal_value(
    env_id: str, *, horizon: int | None = None, **keywords: object
) -> float:
    """Return what the best policy earns per episode in the mean: exact, by dynamic programming.

    Parameters
    ----------
    env_id
        Id of a task of the stochastic family.
    horizon
        Steps; None is the task's time limit, 0 is no limit. With a limit, the policy may look at
        the clock.
    **keywords
        The task's own options.

    Raises
    ------
    UserError
        As `transition_table`, for a horizon below 0, and where a task without limit pays for ever.
    """
    native = to_native(env_id, keywords)
    if horizon is not None:
        _arguments.integers("optimal_value", horizon=horizon)
    return _palaestra.optimal_value(native_id(env_id), horizon, native)
