"""Wrappers of native vector environments, as data: ``make_vec(env_id, n, wrappers=[...])``.

They run inside the native batch, so that a wrapped environment keeps its live columns, speed and
its bits for any number of threads. The first of a list is the innermost. Names and formulas are
those of ``gymnasium.wrappers`` where there is such a wrapper; ``docs/wrappers.md`` has the whole
table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from palaestra._palaestra import UserError


@dataclass(frozen=True)
class Wrapper:
    """What all wrappers have in common."""

    #: As in settings, messages and saved files.
    name: ClassVar[str] = ""

    def to_native(self) -> tuple[str, dict[str, Any]]:
        """Return name and settings as the native side takes them."""
        return self.name, asdict(self)


@dataclass(frozen=True)
class ActionRepeat(Wrapper):
    """Take each action several times; stop where the episode ends.

    Rewards are summed. The time limit counts the inner steps, ``episode_length`` the repeated ones.

    Parameters
    ----------
    repeat
        Inner steps for each action, 1 or more.
    """

    name: ClassVar[str] = "action_repeat"
    repeat: int = 2


@dataclass(frozen=True)
class Crop(Wrapper):
    """Show a rectangle of an image observation.

    Parameters
    ----------
    top, left
        Its first row and column.
    height, width
        Its size in pixels; 0 is all that is left.
    """

    name: ClassVar[str] = "crop"
    top: int = 0
    left: int = 0
    height: int = 0
    width: int = 0


@dataclass(frozen=True)
class FlattenGoal(Wrapper):
    """Show observation and desired goal of a goal task as one row, without the achieved goal."""

    name: ClassVar[str] = "flatten_goal"


@dataclass(frozen=True)
class FrameStack(Wrapper):
    """Show the last few observations as one, the newest last.

    Parameters
    ----------
    size
        Frames, 1 or more: observations have the shape ``[size, ...]``.
    padding
        What lies before the first observation of an episode: ``"reset"`` repeats it, ``"zero"``
        shows zeros (or the nearest number in the space), an array is one observation to pad with.
    """

    name: ClassVar[str] = "frame_stack"
    size: int = 4
    padding: Literal["reset", "zero"] | npt.ArrayLike = "reset"

    def to_native(self) -> tuple[str, dict[str, Any]]:
        """Return name and settings as the native side takes them."""
        if isinstance(self.padding, str):
            return self.name, {"size": self.size, "padding": self.padding}
        try:
            custom = np.asarray(self.padding, dtype=np.float64).ravel().tolist()
        except (TypeError, ValueError):
            raise UserError(
                f"frame_stack: padding is {self.padding!r}; accepted: reset, zero, or one "
                "observation"
            ) from None
        return self.name, {"size": self.size, "custom": custom}


@dataclass(frozen=True)
class NormalizeObservation(Wrapper):
    """Show observations less their mean so far, over their standard deviation so far, as float32.

    One set of statistics for all rows, updated once for each step of the batch. They are
    `VectorEnv.get_statistics`: a count, the means, the variances.

    Parameters
    ----------
    epsilon
        Added to the variance, above 0.
    clip
        Largest magnitude that is shown; 0 is any.
    update
        False leaves the statistics as they are: for judging a policy.
    """

    name: ClassVar[str] = "normalize_observation"
    epsilon: float = 1e-8
    clip: float = 0.0
    update: bool = True


@dataclass(frozen=True)
class NormalizeReward(Wrapper):
    """Divide rewards by the standard deviation of the discounted returns so far.

    ``episode_return`` stays the task's own. `VectorEnv.get_statistics` holds count, mean and
    variance.

    Parameters
    ----------
    discount
        Of the returns, 0 to 1 (Gymnasium's ``gamma``).
    epsilon
        Added to the variance, above 0.
    update
        False leaves the statistics as they are.
    """

    name: ClassVar[str] = "normalize_reward"
    discount: float = 0.99
    epsilon: float = 1e-8
    update: bool = True


@dataclass(frozen=True)
class RecordStatistics(Wrapper):
    """Keep return, length and time of the last episodes: `VectorEnv.recorded_episodes`.

    Parameters
    ----------
    capacity
        How many are kept, 1 or more (Gymnasium's ``buffer_length``).
    """

    name: ClassVar[str] = "record_statistics"
    capacity: int = 100


@dataclass(frozen=True)
class RescaleObservation(Wrapper):
    """Show observations between two numbers, in proportion to the bounds of their space.

    Images of uint8 become float32. A space with an infinite bound is refused.

    Parameters
    ----------
    low, high
        What the bounds of each number become, the first below the second (Gymnasium's ``min_obs``
        and ``max_obs``).
    """

    name: ClassVar[str] = "rescale_observation"
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True)
class Resize(Wrapper):
    """Show an image observation (uint8, 0 to 255) in another size.

    Parameters
    ----------
    height, width
        The new size in pixels.
    method
        ``"area"``: each new pixel is the mean over the rectangle that it stands for.
        ``"bilinear"``: between the centres of the four nearest old pixels.
    """

    name: ClassVar[str] = "resize"
    height: int = 64
    width: int = 64
    method: Literal["area", "bilinear"] = "area"


@dataclass(frozen=True)
class RewardNoise(Wrapper):
    """Add a normal number to the reward now and then.

    Parameters
    ----------
    standard_deviation
        Of the number, 0 or more.
    probability
        Of its being added at a step, 0 to 1.
    """

    name: ClassVar[str] = "reward_noise"
    standard_deviation: float = 0.1
    probability: float = 0.1


@dataclass(frozen=True)
class TransitionNoise(Wrapper):
    """Shake actions before the task takes them, then clip them to the action space.

    At step ``t`` of an episode the noise is normal with the standard deviation
    ``(1 - exp(-0.01 t)) |sin t| sigma``.

    Parameters
    ----------
    sigma
        Size of the noise, 0 or more.
    """

    name: ClassVar[str] = "transition_noise"
    sigma: float = 1.0


_KINDS = {kind.name: kind for kind in Wrapper.__subclasses__()}


def to_native(
    wrappers: Sequence[Wrapper | tuple[str, Mapping[str, Any]]],
) -> list[tuple[str, dict[str, Any]]]:
    """Turn a list of wrappers into what the native side takes.

    Raises
    ------
    UserError
        For something that is no wrapper.
    """
    if not isinstance(wrappers, Sequence):
        raise UserError(f"wrappers is {wrappers!r}; accepted: a list of them")
    native = []
    for wrapper in wrappers:
        if isinstance(wrapper, Wrapper):
            native.append(wrapper.to_native())
        elif isinstance(wrapper, tuple) and len(wrapper) == 2:
            native.append((wrapper[0], dict(wrapper[1])))
        else:
            raise UserError(
                f"wrappers contains {wrapper!r}; accepted: objects of palaestra.wrappers, such as "
                "palaestra.wrappers.FrameStack(4)"
            )
    return native


def from_native(name: str, settings: Mapping[str, Any]) -> Wrapper:
    """Turn what the native side says of a wrapper into an object."""
    values = dict(settings)
    custom = values.pop("custom", None)
    if custom:
        values["padding"] = tuple(custom)
    return _KINDS[name](**values)
