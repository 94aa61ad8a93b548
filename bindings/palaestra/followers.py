"""What is kept up to date beside a replay buffer: returns of its rows, rows that reached goals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from palaestra import _arguments, _palaestra
from palaestra.minibatch import Array
from palaestra.replay import ReplayBuffer


class ReturnColumn(_palaestra.ReturnColumn):
    """Keeps a column of Monte-Carlo returns: when an episode closes, its rows get theirs.

    Call `follow` behind every ``add``, ``extend`` and ``pin``, or at the latest before rows of a
    closed episode are evicted. Rows of running episodes keep what they were added with. When the
    buffer has loaded other rows, the next `follow` looks at all of them.

    Parameters
    ----------
    buffer
        With a column "reward"; its returns lie in an extra column, such as
        ``extra={"return_to_go": ("float32", ())}``.
    column
        Name of that column: one float32 and no state.
    discount
        gamma in [0, 1].
    truncated
        What comes after an episode that was cut off; with None its rows keep what they were added
        with.

    Raises
    ------
    UserError
        For a column that is unknown or does not fit, and numbers out of range.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        column: str = "return_to_go",
        *,
        discount: float = 0.99,
        truncated: float | None = 0.0,
    ) -> None:
        _arguments.texts("ReturnColumn", column=column)
        _arguments.numbers("ReturnColumn", discount=discount)
        if truncated is not None:
            _arguments.numbers("ReturnColumn", truncated=truncated)
        super().__init__(buffer, column, discount, truncated)


class ReachedRows(_palaestra.ReachedRows):
    """The stored rows that lead to states which satisfy their own desired goal: "successes".

    `HindsightSampler.sample_arrivals` draws from them. `follow` looks at what is new; it is called
    by that function, too. When the buffer has loaded other rows, it looks at all of them.

    Parameters
    ----------
    buffer
        Of a goal environment.
    reached
        Says of achieved and desired goals, [n, goal size] each, where the one satisfies the other:
        bool[n]. What it raises is passed on by `follow`, which then goes on there the next time.
    achieved, desired
        Names of the columns; the achieved goal must be a state.

    Raises
    ------
    UserError
        For columns that are unknown or do not fit.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        reached: Callable[[Array, Array], Any],
        *,
        achieved: str = "achieved_goal",
        desired: str = "desired_goal",
    ) -> None:
        _arguments.texts("ReachedRows", achieved=achieved, desired=desired)
        super().__init__(buffer, reached, achieved, desired)
