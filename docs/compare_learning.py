r"""Compare what several seeds of two implementations learnt, and keep the numbers.

    .venv/bin/python docs/compare_learning.py runs/cheetah-* --peer sb3-*.jsonl \
        --record benchmarks/results/half_cheetah_sac.json --step 100000

Runs are folders of ``palaestra train``; the peer's files come from
benchmarks/peers/sb3_sac_learning.py. What they hold is added to the record, a JSON list of objects
with ``implementation``, ``seed`` and ``curve`` (step to mean return); a seed that is there already
is replaced. The table and the tests are over every seed of the record that got to the step.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from draw_learning import curve_of
from scipy import stats

Returns = npt.NDArray[np.float64]
OURS, PEER = "palaestra", "Stable-Baselines3"


@dataclass
class Summary:
    """Centre and spread of one implementation's returns, one number a seed."""

    median: float
    interquartile_mean: float
    mean: float
    half_width: float  # of the 95 % interval of the mean, Student's t


def summary(returns: Returns) -> Summary:
    """Describe at least two seeds."""
    n = len(returns)
    error = float(np.std(returns, ddof=1)) / np.sqrt(n)
    return Summary(
        float(np.median(returns)),
        float(stats.trim_mean(returns, 0.25)),
        float(np.mean(returns)),
        float(stats.t.ppf(0.975, n - 1) * error),
    )


@dataclass
class Comparison:
    """Two-sided p-values of three tests, and how often ours is better."""

    permutation: float
    mann_whitney: float
    welch: float
    improvement: (
        float  # probability that a seed of ours beats one of theirs; ties count half
    )
    improvement_low: float  # 95 % interval, bootstrap over seeds
    improvement_high: float
    difference_low: float  # of the means, 95 % interval of Welch's test
    difference_high: float


def improvement(ours: Returns, theirs: Returns) -> Returns:
    """Share of pairs in which ours is higher, ties counting half; over the last axes of both."""
    above = ours[..., :, None] > theirs[..., None, :]
    ties = ours[..., :, None] == theirs[..., None, :]
    return np.mean(above + 0.5 * ties, axis=(-2, -1))


def compare(ours: Returns, theirs: Returns) -> Comparison:
    """Test whether two samples differ. The permutation test is exact where there are few seeds."""
    random = np.random.default_rng(0)
    permutation = stats.permutation_test(
        (ours, theirs),
        lambda a, b: np.mean(a) - np.mean(b),
        n_resamples=200_000,
        random_state=random,
    )
    welch = stats.ttest_ind(ours, theirs, equal_var=False)
    interval = welch.confidence_interval(0.95)
    draws = improvement(
        random.choice(ours, (20_000, len(ours))),
        random.choice(theirs, (20_000, len(theirs))),
    )
    low, high = np.quantile(draws, [0.025, 0.975])
    return Comparison(
        float(permutation.pvalue),
        float(stats.mannwhitneyu(ours, theirs, alternative="two-sided").pvalue),
        float(welch.pvalue),
        float(improvement(ours, theirs)),
        float(low),
        float(high),
        float(interval.low),
        float(interval.high),
    )


def add(
    record: list[dict], implementation: str, seed: int, curve: dict[int, float]
) -> None:
    """Put a seed into the record in place of what was known of it."""
    record[:] = [
        row
        for row in record
        if (row["implementation"], row["seed"]) != (implementation, seed)
    ]
    rounded = {str(step): round(value, 1) for step, value in curve.items()}
    record.append({"implementation": implementation, "seed": seed, "curve": rounded})
    record.sort(key=lambda row: (row["implementation"], row["seed"]))


def returns_at(
    record: list[dict], implementation: str, step: int
) -> tuple[list[int], Returns]:
    """Seeds, and their mean returns at a step."""
    rows = [
        (row["seed"], row["curve"][str(step)])
        for row in record
        if row["implementation"] == implementation and str(step) in row["curve"]
    ]
    return [seed for seed, _ in rows], np.array([value for _, value in rows], float)


def table(record: list[dict], step: int) -> str:
    """Rows of both implementations in Markdown, and the tests below."""
    lines = [
        "| | returns by seed | median | interquartile mean | mean, 95 % interval (t) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in (OURS, PEER):
        seeds, values = returns_at(record, name, step)
        s = summary(values)
        listed = ", ".join(
            f"{seed}: {value:,.0f}" for seed, value in zip(seeds, values, strict=True)
        )
        lines.append(
            f"| {name}, {len(seeds)} seeds | {listed} | {s.median:,.0f} | "
            f"{s.interquartile_mean:,.0f} | {s.mean:,.0f} ± {s.half_width:,.0f} |"
        )
    c = compare(returns_at(record, OURS, step)[1], returns_at(record, PEER, step)[1])
    lines += [
        "",
        "| test | |",
        "| --- | ---: |",
        f"| difference of means, 95 % interval (Welch) | {c.difference_low:,.0f} to "
        f"{c.difference_high:,.0f} |",
        f"| p, Welch's t | {c.welch:.2f} |",
        f"| p, Mann-Whitney | {c.mann_whitney:.2f} |",
        f"| p, permutation of the means | {c.permutation:.2f} |",
        f"| probability that a seed of ours is the better one | {c.improvement:.2f} "
        f"({c.improvement_low:.2f} to {c.improvement_high:.2f}) |",
    ]
    return "\n".join(lines)


def main() -> None:
    """Add to the record, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--peer", nargs="*", default=[], type=Path)
    parser.add_argument("--record", required=True, type=Path)
    parser.add_argument("--step", type=int, default=100_000)
    arguments = parser.parse_args()
    record = (
        json.loads(arguments.record.read_text()) if arguments.record.exists() else []
    )
    for implementation, files in (
        (OURS, [run / "eval.jsonl" for run in arguments.runs]),
        (PEER, arguments.peer),
    ):
        for file in files:
            name = file.parent.name if file.name == "eval.jsonl" else file.stem
            seed = re.search(r"(\d+)$", name)
            if seed is None:
                parser.error(f"{name} does not end with its seed")
            add(record, implementation, int(seed[1]), curve_of(file))
    arguments.record.write_text(
        "[\n" + ",\n".join(json.dumps(row) for row in record) + "\n]\n"
    )
    print(table(record, arguments.step))


if __name__ == "__main__":
    main()
