"""Native part of the palaestra package."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

class UserError(ValueError):
    """Something the caller can mend: a bad argument, file, setting or environment id."""

class Space:
    """A box of numbers, or the integers below a count."""

    @staticmethod
    def discrete(count: int) -> Space:
        """The integers below a count."""
    @staticmethod
    def box(
        low: Sequence[float],
        high: Sequence[float],
        dtype: np.dtype[Any],
        shape: Sequence[int],
    ) -> Space:
        """A box with bounds per element, row-major."""
    @property
    def kind(self) -> str:
        """``"box"`` or ``"discrete"``."""
    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one element; empty where discrete."""
    @property
    def low(self) -> list[float]:
        """Lower bounds, row-major."""
    @property
    def high(self) -> list[float]:
        """Upper bounds, row-major."""
    @property
    def count(self) -> int:
        """Number of choices where discrete."""

class EnvSpec:
    """Everything there is to know about an environment without running it."""

    @property
    def id(self) -> str:
        """The original's id."""
    @property
    def family(self) -> str:
        """``classic``, ``mujoco``, ..."""
    @property
    def origin(self) -> str:
        """Package the original comes from."""
    @property
    def engine(self) -> str:
        """Engine that the bits depend on, with its version; empty for our own code."""
    @property
    def summary(self) -> str:
        """One sentence."""
    @property
    def oracle(self) -> str:
        """What checks it, and within which bound."""
    @property
    def observation(self) -> Space:
        """Observation space."""
    @property
    def action(self) -> Space:
        """Action space."""
    @property
    def time_limit(self) -> int:
        """Steps until truncation; 0 for never."""
    @property
    def render_fps(self) -> int:
        """Pictures per second that show it at its speed; 0 where it draws none."""
    @property
    def tracking_camera(self) -> str:
        """``camera_name`` that follows what moves; empty where the default does."""
    @property
    def deterministic(self) -> bool:
        """Whether a step draws no random number."""
    @property
    def distinct_starts(self) -> bool:
        """Whether no two episodes start alike, but by a chance nobody meets."""
    @property
    def goal(self) -> bool:
        """Whether there are achieved and desired goals."""
    @property
    def goal_widths(self) -> tuple[int, int, int] | None:
        """Numbers of a goal task's observation, achieved and desired goal in its row."""
    @property
    def info(self) -> list[str]:
        """Names of the info columns."""

class VectorEnv:
    """A batch of environments; see `palaestra.VectorEnv`."""

    def __init__(
        self,
        id: str,
        num_envs: int,
        *,
        seed: int = 0,
        threads: int = 0,
        autoreset_mode: str = "NextStep",
        time_limit: int | None = None,
        copy: bool = False,
        keywords: Mapping[str, float | str] = ...,
        wrappers: Sequence[tuple[str, Mapping[str, Any]]] = ...,
    ) -> None: ...
    def _reset(
        self,
        seeds: npt.NDArray[np.uint64] | None,
        mask: npt.NDArray[np.bool_] | None,
        options: Mapping[str, float | str] = ...,
    ) -> tuple[Any, dict[str, Any]]: ...
    def _columns(self) -> tuple[Any, dict[str, Any]]: ...
    def step(
        self, actions: npt.ArrayLike, /
    ) -> tuple[
        Any,
        npt.NDArray[np.float64],
        npt.NDArray[np.bool_],
        npt.NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Advance every environment by one step."""
    def get_state(self, rows: npt.ArrayLike | None = None) -> npt.NDArray[np.uint8]:
        """Everything that decides the future of some rows: uint8[rows, state_bytes]."""
    def set_state(
        self, rows: npt.ArrayLike | None, states: npt.NDArray[np.uint8]
    ) -> None:
        """Put saved states into some rows."""
    def get_physics(self, row: int) -> npt.NDArray[np.float64]:
        """Physical state of one row, in Gymnasium's order."""
    def set_physics(self, row: int, values: npt.ArrayLike) -> None:
        """Put one row into a physical state and observe it."""
    def get_statistics(self) -> npt.NDArray[np.float64]:
        """Running statistics of the wrappers, from the innermost one on; empty without any."""
    def set_statistics(self, values: npt.ArrayLike) -> None:
        """Put statistics in their place; they show from the next step or reset on."""
    def _recorded_episodes(
        self,
    ) -> tuple[
        int,
        npt.NDArray[np.float64],
        npt.NDArray[np.int64],
        npt.NDArray[np.float64],
    ]: ...
    def _render(self, row: int) -> npt.NDArray[np.uint8]: ...
    def set_goal(self, row: int, goal: npt.ArrayLike) -> None:
        """Give one row of a goal task another desired goal and observe it."""
    def _compute_reward(
        self, achieved: npt.ArrayLike, desired: npt.ArrayLike
    ) -> npt.NDArray[np.float64]: ...
    def _compute_terminated(
        self, achieved: npt.ArrayLike, desired: npt.ArrayLike
    ) -> npt.NDArray[np.uint8]: ...
    def close(self) -> None:
        """Give the memory back; any later call raises `UserError`."""
    @property
    def closed(self) -> bool:
        """Whether close() was called."""
    @property
    def native_spec(self) -> EnvSpec:
        """The environment's facts, keyword options applied."""
    @property
    def num_envs(self) -> int:
        """Number of rows."""
    @property
    def state_bytes(self) -> int:
        """Bytes of one row's saved state."""
    @property
    def physics_size(self) -> int:
        """Numbers of one row's physical state."""
    @property
    def position_size(self) -> int:
        """How many of those, the first ones, are joint positions; 0 where none are told apart."""
    @property
    def threads(self) -> int:
        """How many threads step the rows."""
    @property
    def autoreset_mode(self) -> str:
        """``"NextStep"``, ``"SameStep"`` or ``"Disabled"``."""
    @property
    def copies(self) -> bool:
        """Whether calls hand out copies instead of live views."""

class DataSet:
    """Recorded episodes on disk."""

    def __init__(self, path: str, time_limit: int = 0) -> None: ...
    @property
    def format(self) -> str:
        """``"minari"`` or ``"d4rl"``."""
    @property
    def path(self) -> str:
        """Where it is."""
    @property
    def ignored(self) -> list[str]:
        """What is in the file and not read, a line each."""
    @property
    def _columns(
        self,
    ) -> list[tuple[str, np.dtype[Any], list[int], bool, Space | None, int]]: ...
    @property
    def _metadata(self) -> str: ...
    def __len__(self) -> int: ...
    def _steps(self) -> int: ...
    def _episode(
        self, number: int
    ) -> tuple[int, int, bool, bool, bool, int | None]: ...
    def _episode_return(self, number: int) -> float: ...
    def _read(
        self, column: str, episode: int, first: int, count: int
    ) -> npt.NDArray[Any]: ...
    def check(self) -> dict[str, Any]:
        """Read everything and compare it with what it should be.

        ``good``, ``problems`` and ``remarks`` (lines that say which episode, step and column),
        ``more_problems``, and figures: ``episodes``, ``steps``, ``terminated``, ``truncated``,
        ``cut_off``, ``return_mean``, ``return_std``, ``return_min``, ``return_max``,
        ``length_mean``.
        """
    def _convert(
        self,
        path: str,
        format: str,
        first: int,
        end: int | None,
        compression: int,
        replace: bool,
    ) -> list[str]: ...

class DataSetWriter:
    """Writes a data set episode by episode; nothing stands under its name before `finish`."""

    def __init__(
        self,
        path: str,
        format: str,
        columns: Sequence[
            tuple[str, np.dtype[Any], Sequence[int], bool, Space | None, int]
        ],
        metadata: str,
        compression: int,
        replace: bool,
    ) -> None: ...
    def _add(
        self, length: int, columns: dict[str, npt.NDArray[Any]], seed: int | None
    ) -> None: ...
    def finish(self) -> None:
        """Sync and name what was written."""
    @property
    def episodes(self) -> int:
        """Episodes so far."""
    @property
    def steps(self) -> int:
        """Steps so far."""

class ReplayBuffer:
    """The weighted replay buffer; see `palaestra.ReplayBuffer`."""

    def __init__(
        self,
        columns: Sequence[tuple[str, np.dtype[Any], Sequence[int], bool]],
        capacity: int,
        lanes: int,
        tail: int,
        pinned: int,
        file: str,
        priorities: str,
        priority_exponent: float,
        removal: str,
        seed: int,
        threads: int,
        one_observation: bool,
    ) -> None: ...
    def _add(
        self,
        columns: Mapping[str, npt.ArrayLike],
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        skip: npt.ArrayLike | None,
        next: Mapping[str, npt.ArrayLike],
        last: Mapping[str, npt.ArrayLike],
        priority: npt.ArrayLike | None,
        /,
    ) -> None: ...
    def _extend(
        self,
        lane: int,
        columns: Mapping[str, npt.ArrayLike],
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        after: Mapping[str, npt.ArrayLike],
        priority: npt.ArrayLike | None,
        /,
    ) -> None: ...
    def _pin(
        self,
        columns: Mapping[str, npt.ArrayLike],
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
        after: Mapping[str, npt.ArrayLike],
        priority: npt.ArrayLike | None,
        /,
    ) -> None: ...
    def write(self, column: str, index: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Overwrite a column of stored rows that is no state: rewards, labels."""
    def cut(self, lane: int) -> None:
        """End a lane's running episode where it is, as a truncation."""
    def mark(self) -> None:
        """Put what is added from here on into the tail; cuts the running episodes."""
    def roll_back(self) -> None:
        """Forget what was added since `mark`; cuts the running episodes."""
    @property
    def marked(self) -> bool:
        """Whether a mark is set."""
    def begin_group(self, tag: int = 0) -> int:
        """Give the rows from here on a group of their own; return its id."""
    def end_group(self) -> None:
        """Close the open group: it can now be drawn."""
    def drop_group(self, id: int) -> None:
        """Forget a closed group; its rows stay stored, but belong to none."""
    def _set_group_kind(self, kind: str, discount: float, eviction: str, /) -> None: ...
    def _set_group_weights(self, weights: npt.ArrayLike, /) -> None: ...
    def _groups(self) -> list[tuple[int, int, int, float]]: ...
    def group_of(self, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Ids of the groups that stored rows belong to, -1 where none."""
    @property
    def group_open(self) -> bool:
        """Whether a group is open."""
    def _sample(
        self,
        rows: int,
        selection: str,
        recent: int,
        n_step: int,
        discount: float,
        importance_exponent: float,
        weight_scale: str,
        stratified: bool,
        stored: bool,
        /,
    ) -> dict[str, Any]: ...
    def _draw(
        self,
        rows: int,
        selection: str,
        recent: int,
        importance_exponent: float,
        weight_scale: str,
        stratified: bool,
        /,
    ) -> tuple[
        npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float64]
    ]: ...
    def _gather(
        self, index: npt.ArrayLike, n_step: int, discount: float, stored: bool, /
    ) -> dict[str, Any]: ...
    def update_priorities(self, index: npt.ArrayLike, priorities: npt.ArrayLike) -> int:
        """Give rows their priorities; return how many were gone already."""
    def weights(self, index: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """``priority ** priority_exponent`` of stored rows, or their priorities where ranked."""
    def _read(
        self, column: str, index: npt.ArrayLike, after: bool, /
    ) -> npt.NDArray[Any]: ...
    def column(self, name: str) -> npt.NDArray[Any]:
        """Show a column of all slots, [slots, ...], read-only and without a copy.

        ``column(name)[slots()]`` are the rows in the order of `ids`. The view is live: adding
        writes into slots, evicted rows first. It keeps the memory alive, and after `load` shows
        what was there before. Slots without a row are zero or hold the remains of one; the one
        behind a lane's newest row holds the state after it.
        """
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of all rows that can be drawn, lane by lane and oldest first."""
    def slots(self, index: npt.ArrayLike | None = None) -> npt.NDArray[np.int64]:
        """Where rows are in `column`: those of `ids`, or the ones given; until the next `add`."""
    def _episodes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
    def group_histogram(self, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many of the rows are of each closed group, oldest first; at the back, of none."""
    def _age_summary(
        self, index: npt.ArrayLike, /
    ) -> tuple[int, int, float, float, npt.NDArray[np.int64]]: ...
    def _priority_summary(self) -> tuple[int, int, float, float, float, float]: ...
    def set_limit(
        self,
        *,
        min_size: int = 1,
        samples_per_insert: float = 0.0,
        slack: float = 0.0,
    ) -> None:
        """Refuse from now on to draw or add rows where the other side is too far behind.

        Rows drawn less ``samples_per_insert`` times rows added stay within ``slack``, counted from
        the row on with which the buffer holds ``min_size``; 0 sets no limit. Draws of `draw` do
        not count.
        """
    @property
    def may_sample(self) -> int:
        """How many rows may be drawn before more come; `sys.maxsize` where nothing limits them."""
    @property
    def may_insert(self) -> int:
        """How many rows may be added before more are drawn; `sys.maxsize` where nothing does."""
    def footprint(self) -> dict[str, int]:
        """Bytes for columns, bookkeeping, padding and final states."""
    def _load_data_set(
        self,
        data: DataSet,
        first_episode: int,
        end_episode: int | None,
        first_step: int,
        end_step: int | None,
        fraction: float,
        lane: int | None,
        pinned: bool,
        sources: dict[str, list[str]],
    ) -> tuple[int, int, int]: ...
    def _save(self, file: str, /) -> None: ...
    def _load(self, file: str, /) -> None: ...
    def __len__(self) -> int: ...
    @property
    def capacity(self) -> int:
        """Rows it can keep, tail and pinned ones included."""
    @property
    def lanes(self) -> int:
        """Number of rings."""
    @property
    def priorities(self) -> str | None:
        """``"proportional"``, ``"ranked"`` or None."""

class WindowSampler:
    """Draws pieces of episodes; see `palaestra.WindowSampler`."""

    def __init__(
        self, buffer: ReplayBuffer, columns: Sequence[tuple[str, bool]]
    ) -> None: ...
    def _sample(
        self,
        windows: int,
        length: int,
        before: int,
        padding: str,
        fit: str,
        choice: Mapping[str, Any],
        /,
    ) -> dict[str, Any]: ...

class RelabelSampler:
    """Draws minibatches whose steps are rewritten; see `palaestra.RelabelSampler`."""

    def __init__(self, buffer: ReplayBuffer, relabel: Any) -> None: ...
    def _sample(self, rows: int, choice: Mapping[str, Any], /) -> dict[str, Any]: ...

class ReturnColumn:
    """Keeps returns of rows; see `palaestra.ReturnColumn`."""

    def __init__(
        self,
        buffer: ReplayBuffer,
        column: str,
        discount: float,
        truncated: float | None,
    ) -> None: ...
    def follow(self) -> int:
        """Write the returns of the episodes that have closed since the last call.

        Return how many rows got theirs.
        """

class ReachedRows:
    """Rows that reached their own goal; see `palaestra.ReachedRows`."""

    def __init__(
        self, buffer: ReplayBuffer, reached: Any, achieved: str, desired: str
    ) -> None: ...
    def __len__(self) -> int: ...
    def follow(self) -> int:
        """Look at the rows that are new since the last call and forget evicted ones.

        Return how many there are.
        """
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of the rows as of the last `follow`, lane by lane and oldest first."""

class HindsightSampler:
    """Draws transitions with goals in hindsight; see `palaestra.HindsightSampler`."""

    def __init__(
        self, buffer: ReplayBuffer, relabel: Any, achieved: str, desired: str
    ) -> None: ...
    def _sample(
        self, rows: int, goals: Mapping[str, Any], choice: Mapping[str, Any], /
    ) -> dict[str, Any]: ...
    def _sample_arrivals(
        self,
        reached: ReachedRows,
        rows: int,
        goals: Mapping[str, Any],
        choice: Mapping[str, Any],
        /,
    ) -> dict[str, Any]: ...

def _draw_goals(
    buffer: ReplayBuffer, index: npt.ArrayLike, goals: Mapping[str, Any], /
) -> npt.NDArray[np.int64]: ...

class Mixture:
    """Draws from several buffers in exact proportion; see `palaestra.Mixture`."""

    def __init__(
        self,
        sources: Sequence[
            tuple[str, ReplayBuffer, float, float, int, Mapping[str, Any]]
        ],
        seed: int,
    ) -> None: ...
    def _sample(self, rows: int, step: int, /) -> dict[str, npt.NDArray[Any]]: ...
    def _update_priorities(
        self, source: npt.ArrayLike, index: npt.ArrayLike, priorities: npt.ArrayLike, /
    ) -> int: ...
    def _save(self, file: str, /) -> None: ...
    def _load(self, file: str, /) -> None: ...
    @property
    def owed(self) -> list[float]:
        """Rows that each source should have had up to now, less those it had."""

def lambda_returns(
    reward: npt.ArrayLike,
    terminated: npt.ArrayLike,
    truncated: npt.ArrayLike,
    next_value: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    discount: float = 0.99,
    lam: float = 0.95,
) -> npt.NDArray[np.float32]:
    """Lambda returns of windows, [windows, length], from values of the states after each step."""

def advantages(
    value: npt.ArrayLike,
    reward: npt.ArrayLike,
    terminated: npt.ArrayLike,
    truncated: npt.ArrayLike,
    next_value: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    discount: float = 0.99,
    lam: float = 0.95,
) -> npt.NDArray[np.float32]:
    """Generalised advantages of windows, [windows, length] (arXiv 1506.02438)."""

def returns_to_go(
    buffer: ReplayBuffer,
    index: npt.ArrayLike,
    *,
    discount: float = 0.99,
    truncated: float | None = 0.0,
    open: float | None = None,
) -> npt.NDArray[np.float32]:
    """Discounted rewards from stored rows to the ends of their episodes.

    ``truncated`` and ``open`` are what comes after an episode that was cut off, or still runs; with
    None the returns of its rows are not a number.
    """

def effective_sample_size(weights: npt.ArrayLike) -> float:
    """``sum(w) ** 2 / sum(w ** 2)``: as many equal weights would average as well."""

def env_ids() -> list[str]:
    """Ids of all environments, sorted."""

def env_spec(id: str, keywords: Mapping[str, float | str] = ...) -> EnvSpec:
    """Facts about one environment."""

def tabular_model(
    id: str, keywords: Mapping[str, float | str] = ...
) -> tuple[list[float], list[list[list[tuple[float, int, float, bool]]]]]:
    """First states and outcomes of a finite task."""

def optimal_value(
    id: str, horizon: int | None = None, keywords: Mapping[str, float | str] = ...
) -> float:
    """Mean return of the best policy of a finite task."""

class AgentRows:
    """The rows in which an agent acts step by step; see `palaestra.Player`."""

    def __init__(self, agent: Agent, rows: int) -> None:
        """Rows without a history."""
    def act(
        self,
        begins: npt.NDArray[np.uint8],
        reward: npt.NDArray[np.float32],
        observations: npt.NDArray[np.float32],
        mode: str,
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int64]:
        """Actions for float32[rows, observation_size], from what came before."""
    def promised(self) -> npt.NDArray[np.float64] | None:
        """What was promised of each row's episode."""

class Agent:
    """A native agent; see `palaestra.Agent`."""

    def act(
        self, observations: npt.NDArray[np.float32], mode: str, step: int
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int64]:
        """Actions for float32[rows, observation_size]: [rows, action_size]; choices as int64."""
    def update(self, batch: Mapping[str, npt.NDArray[Any]]) -> None:
        """Make one gradient update."""
    def imitate(
        self,
        batch: Mapping[str, npt.NDArray[Any]],
        demonstrations: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        """Make one gradient update of an agent that imitates."""
    def judge(self, steps: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Rewards of the agent's own, [rows]."""
    def metrics(self) -> dict[str, float]:
        """Losses and the like of the last update."""
    def evaluate(
        self,
        env: str,
        options: str,
        episodes: int,
        seed: int,
        policy: str,
        mode: str,
    ) -> dict[str, Any]:
        """Run episodes of a policy; the fields of `palaestra.Evaluation`."""
    def policies(self) -> list[str]:
        """Names of the agent's other policies."""
    def save(self, file: str) -> None:
        """Write everything that decides the future."""
    def load(self, file: str) -> None:
        """Read what save() or a run wrote."""
    @property
    def name(self) -> str:
        """``"sac"``, ..."""
    @property
    def observation_size(self) -> int:
        """Numbers of one observation."""
    @property
    def action_size(self) -> int:
        """Numbers of one action."""
    @property
    def updates(self) -> int:
        """Gradient updates so far."""

def agent_names() -> list[str]:
    """Names of all agents."""

def make_agent(
    name: str,
    observation: Space,
    action: Space,
    seed: int,
    threads: int,
    settings: Sequence[tuple[str, Any]],
) -> Agent:
    """Make an untrained agent."""

def load_run(run: str, threads: int) -> tuple[Agent, dict[str, Any]]:
    """Load the agent of a run, and facts about the run."""

def setting_fields(agent: str) -> list[tuple[str, Any, str, str]]:
    """Every setting of a run with that agent: key, default, what is accepted, meaning."""

def train(
    out: str,
    config: str,
    agent: str | None,
    settings: Sequence[tuple[str, Any]],
    resume: bool,
    force: bool,
    threads: int,
    callback: Any,
) -> tuple[bool, int]:
    """Train; return whether the run is complete, and its steps."""
