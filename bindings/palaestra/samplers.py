"""What stands beside a replay buffer: windows, rewritten steps, goals in hindsight, mixtures."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from palaestra import _arguments, _palaestra
from palaestra._checked_buffer import check_choice
from palaestra._palaestra import UserError
from palaestra.followers import ReachedRows
from palaestra.minibatch import Array, Minibatch
from palaestra.replay import ReplayBuffer


class Windows(NamedTuple):
    """Contiguous pieces of episodes; where a window has no row, everything is 0."""

    columns: dict[str, Array]
    """By name: [windows, length, ...], of a state with its value after the window one more."""
    mask: npt.NDArray[np.bool_]
    """[windows, length]: where there is a row."""
    terminated: npt.NDArray[np.bool_]
    truncated: npt.NDArray[np.bool_]
    start: npt.NDArray[np.int64]
    """Ids of the first rows; the others count up from them."""
    first: npt.NDArray[np.int32]
    """Where the first row stands."""
    rows: npt.NDArray[np.int32]
    """How many there are."""
    index: npt.NDArray[np.int64]
    """Ids of the rows that were drawn, around which the windows lie."""
    weight: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float64]


class WindowSampler(_palaestra.WindowSampler):
    """Draws pieces of episodes, for sequence and world models.

    Parameters
    ----------
    buffer
        Drawn from, with its own random numbers.
    columns
        Names of the columns that windows carry, each in its stored type.
    after
        Those of them (states) that also have their value after the last row.

    Raises
    ------
    UserError
        For unknown columns, and for `after` of what is no state.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        columns: Sequence[str] = ("observation", "action", "reward"),
        *,
        after: Collection[str] = (),
    ) -> None:
        unknown = set(after) - set(columns)
        if unknown:
            raise UserError(
                f"WindowSampler: after has {sorted(unknown)}; accepted: {list(columns)}"
            )
        super().__init__(buffer, [(name, name in after) for name in columns])
        self._views: dict[str, Any] | None = None

    def sample(
        self,
        windows: int = 64,
        length: int = 50,
        *,
        before: int = 0,
        padding: str = "behind",
        fit: str = "pad",
        **choice: Any,
    ) -> Windows:
        """Draw rows and copy the windows around them.

        Parameters
        ----------
        windows, length
            How many, and rows of each.
        before
            Rows wanted before the drawn one: burn-in of a recurrent network.
        padding
            Where the rows of a short window stand: at its start with padding ``"behind"``, at its
            end with padding ``"in_front"``, or ``"in_place"``: the drawn row at ``before``.
        fit
            ``"pad"``: around any row that the selection draws; ``"whole"``: each place where a
            whole window fits alike (the probabilities are then not known).
        **choice
            ``selection`` and the like, as for `ReplayBuffer.sample`.

        Returns
        -------
        Windows
            Live views, overwritten by the next call of the same shape.
        """
        where = "WindowSampler.sample"
        _arguments.integers(where, windows=windows, length=length, before=before)
        _arguments.texts(where, padding=padding, fit=fit)
        check_choice(where, choice)
        views = self._sample(windows, length, before, padding, fit, choice)
        if views is not self._views:
            self._views, self._windows = views, Windows(**views)
        return self._windows


class Steps(NamedTuple):
    """The single steps of a minibatch, float32, before they are summed to n-step returns."""

    observation: Array
    action: Array
    next_observation: Array
    reward: npt.NDArray[np.float32]
    """As stored."""
    discount: npt.NDArray[np.float32]
    """1, or 0 where the episode terminated: a factor."""
    index: npt.NDArray[np.int64]
    """Ids of the stored rows."""
    row: npt.NDArray[np.int32]
    """Of the minibatch, ascending."""
    achieved_goal: Array | None
    next_achieved_goal: Array | None
    goal: Array | None


class RelabelSampler(_palaestra.RelabelSampler):
    """Draws minibatches whose rewards are given anew, by a learnt discriminator, say.

    Parameters
    ----------
    buffer
        Drawn from, with its own random numbers.
    relabel
        Called once per minibatch with its `Steps`; returns rewards, or rewards and discounts.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        relabel: Callable[[Steps], Array | tuple[Array, Array]],
    ) -> None:
        super().__init__(buffer, lambda *steps: relabel(Steps(*steps)))

    def sample(self, rows: int = 256, **choice: Any) -> Minibatch:
        """Draw as `ReplayBuffer.sample` does, with its arguments; new arrays.

        Raises
        ------
        UserError
            For arguments out of range, and for rewards that do not fit or are not finite; what
            ``relabel`` raises is passed on. The draws are then where they were.
        """
        _arguments.integers("RelabelSampler.sample", rows=rows)
        check_choice("RelabelSampler.sample", choice)
        return Minibatch(**self._sample(rows, choice))


class HindsightBatch(NamedTuple):
    """Goal-conditioned transitions; the observations are without goals."""

    minibatch: Minibatch
    goal: npt.NDArray[np.float32]
    """What the row is to be judged by."""
    achieved_goal: npt.NDArray[np.float32]
    """In the states of ``observation``."""
    next_achieved_goal: npt.NDArray[np.float32]
    """In the states of ``next_observation``."""
    relabelled: npt.NDArray[np.bool_]
    """Whether the goal was replaced."""
    goal_row: npt.NDArray[np.int64]
    """Ids of the rows after which the goals were achieved, or -1."""
    offset: npt.NDArray[np.int32]
    """Steps from the row's states to the goal's; 0 where it is the own goal or a random one."""


class HindsightSampler(_palaestra.HindsightSampler):
    """Draws transitions whose goals are replaced by what was achieved (arXiv 1707.01495).

    Parameters
    ----------
    buffer
        Of a goal environment: its observations are a ``Dict`` with ``"observation"``. Drawn from
        with its own random numbers.
    reward
        Rewards of achieved and desired goals, [n, goal size] each: ``compute_reward`` of
        Gymnasium's goal environments, called with an empty info.
    terminated
        In the same way, whether such a step ends the episode; without it, what is stored stays.
    achieved, desired
        Names of the columns.

    Raises
    ------
    UserError
        For columns that are unknown or do not fit.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        reward: Callable[[Array, Array, dict[str, Any]], Array],
        *,
        terminated: Callable[[Array, Array, dict[str, Any]], Array] | None = None,
        achieved: str = "achieved_goal",
        desired: str = "desired_goal",
    ) -> None:
        def relabel(*values: Any) -> Any:
            steps = Steps(*values)
            goals = (steps.next_achieved_goal, steps.goal, {})
            if terminated is None:
                return reward(*goals)
            ends = np.asarray(terminated(*goals), bool)
            return reward(*goals), 1.0 - ends.astype(np.float32)

        super().__init__(buffer, relabel, achieved, desired)

    def sample(
        self,
        rows: int = 256,
        *,
        relabel: float = 0.8,
        future: float = 1.0,
        geometric: float = 0.0,
        final: float = 0.0,
        episode: float = 0.0,
        random: float = 0.0,
        achieved: float = 0.0,
        future_margin: int = 0,
        goal_discount: float = 0.99,
        clamp: bool = False,
        **choice: Any,
    ) -> HindsightBatch:
        """Draw rows, and goals for them; new arrays.

        Parameters
        ----------
        rows
            How many.
        relabel
            Chance that a goal is replaced.
        future, geometric, final, episode, random, achieved
            Relative weights of the ways to choose the row whose achieved goal it becomes: this or a
            later one of the episode alike; that many steps later with probability in proportion to
            ``goal_discount ** steps``; the last one; any of the episode; any that is stored; this
            very one.
        future_margin
            How many of the last rows of an episode ``future`` leaves out.
        clamp
            Of ``geometric``: beyond the end stands the last row, instead of another draw.
        **choice
            ``selection``, ``n_step`` and the like, as for `ReplayBuffer.sample`.
        """
        law = {
            "relabel": relabel,
            "future": future,
            "geometric": geometric,
            "final": final,
            "episode": episode,
            "random": random,
            "achieved": achieved,
            "future_margin": future_margin,
            "discount": goal_discount,
            "clamp": clamp,
        }
        _check_law("HindsightSampler.sample", rows, law, choice)
        return _hindsight_batch(self._sample(rows, law, choice))

    def sample_arrivals(
        self,
        reached: ReachedRows,
        rows: int = 256,
        *,
        relabel: float = 0.8,
        future: float = 1.0,
        future_margin: int = 0,
        **law_and_choice: Any,
    ) -> HindsightBatch:
        """Draw steps that arrive at a goal (the second half of a minibatch of SMORe).

        A row whose goal would be replaced gives way to the row after which that goal was achieved;
        instead of one that would keep its goal, one of ``reached`` is drawn, each alike. Its
        ``weight`` is that of the row drawn first, its ``probability`` is not a number.

        Parameters
        ----------
        reached
            Of the same buffer; it follows first.
        rows, relabel, future, future_margin, **law_and_choice
            As for `sample`.

        Raises
        ------
        UserError
            For arguments out of range, rows of another buffer, and an empty ``reached`` while goals
            are to be kept.
        """
        names = ("geometric", "final", "episode", "random", "achieved", "clamp")
        law = {
            name: law_and_choice.pop(name) for name in names if name in law_and_choice
        }
        law |= {"relabel": relabel, "future": future, "future_margin": future_margin}
        if "goal_discount" in law_and_choice:
            law["discount"] = law_and_choice.pop("goal_discount")
        _check_law("HindsightSampler.sample_arrivals", rows, law, law_and_choice)
        arrays = self._sample_arrivals(reached, rows, law, law_and_choice)
        return _hindsight_batch(arrays)


def _check_law(
    where: str, rows: object, law: dict[str, Any], choice: dict[str, Any]
) -> None:
    """Refuse arguments of the wrong type, by the names that the caller knows."""
    _arguments.integers(where, rows=rows)
    for name, value in law.items():
        if name == "future_margin":
            _arguments.integers(where, future_margin=value)
        elif name == "clamp":
            _arguments.flags(where, clamp=value)
        else:
            known = "goal_discount" if name == "discount" else name
            _arguments.numbers(where, **{known: value})
    check_choice(where, choice)


def _hindsight_batch(arrays: dict[str, Any]) -> HindsightBatch:
    arrays["minibatch"] = Minibatch(**arrays["minibatch"])
    return HindsightBatch(**arrays)


class Source:
    """One of the buffers of a `Mixture`.

    Parameters
    ----------
    name
        In messages and files.
    buffer
        Drawn from.
    share
        Of all rows: a number in [0, 1], or ``(first, last, steps)``: on a line from one to the
        other.
    **choice
        ``selection``, ``n_step`` and the like, as for `ReplayBuffer.sample`.
    """

    def __init__(
        self,
        name: str,
        buffer: ReplayBuffer,
        share: float | tuple[float, float, int],
        **choice: Any,
    ) -> None:
        self.name, self.buffer, self.choice = name, buffer, choice
        self.share = share if isinstance(share, tuple) else (share, share, 0)
        if len(self.share) != 3:
            raise UserError(
                f"Source {name}: share is {share!r}; accepted: a number or (first, last, steps)"
            )
        first, last, steps = self.share
        _arguments.numbers(f"Source {name}: share", first=first, last=last)
        _arguments.integers(f"Source {name}: share", steps=steps)
        check_choice(f"Source {name}", choice)


class MixtureBatch(NamedTuple):
    """A minibatch whose rows come from several buffers."""

    minibatch: Minibatch
    """``index``, ``weight`` and ``probability`` are those of the row's source."""
    source: npt.NDArray[np.int32]
    """Which one, in the order they were given."""


class Mixture(_palaestra.Mixture):
    """Draws minibatches from several buffers in exact proportion.

    Fractions of a row are carried over to the next minibatch, and the sources are interleaved, so
    that parts of a minibatch keep the proportion.

    Parameters
    ----------
    sources
        Buffers of the same spaces; shares that add up to 1 at every step.
    seed
        Of the draws, from all buffers.

    Raises
    ------
    UserError
        For buffers that do not go together, and shares that do not add up.
    """

    def __init__(self, sources: Sequence[Source], *, seed: int = 0) -> None:
        _arguments.integers("Mixture", seed=seed)
        super().__init__(
            [
                (source.name, source.buffer, *source.share, source.choice)
                for source in sources
            ],
            seed,
        )

    def sample(self, rows: int = 256, step: int = 0) -> MixtureBatch:
        """Draw rows; ``step`` is what the shares depend on. New arrays."""
        _arguments.integers("Mixture.sample", rows=rows, step=step)
        arrays = self._sample(rows, step)
        source = arrays.pop("source")
        return MixtureBatch(Minibatch(**arrays), source)

    def update_priorities(self, batch: MixtureBatch, priorities: npt.ArrayLike) -> int:
        """Give rows priorities, where their source keeps any; return how many were gone."""
        return self._update_priorities(batch.source, batch.minibatch.index, priorities)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write what is carried over and the position of the draws; not the buffers."""
        self._save(os.fspath(file))

    def load(self, file: str | os.PathLike[str]) -> None:
        """Read what `save` wrote into a mixture of the same sources."""
        self._load(os.fspath(file))
