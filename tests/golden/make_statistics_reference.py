"""Write what SciPy and rliable make of some samples, for the tests of our own statistics.

    python3 -m venv /tmp/rliable
    /tmp/rliable/bin/pip install rliable==1.2.0 scipy==1.17.1 'pandas<3'
    /tmp/rliable/bin/python tests/golden/make_statistics_reference.py

The samples have ties, one value a task, unequal sizes, and two humps as learning curves have them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rliable import library, metrics
from scipy import stats

FILE = Path(__file__).parent / "statistics" / "reference.json"
RESAMPLES = 50_000


def pairs() -> list[tuple[list[float], list[float]]]:
    """Return two samples each, made once and written out."""
    random = np.random.default_rng(7)
    return [
        ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]),
        ([1.0, 1.0, 2.0, 5.0], [1.0, 2.0, 2.0]),
        (
            [1309.0, 2674.0, 4031.0, 4589.0, 4262.0, 4549.0, 1251.0, 976.0],
            [4784.0, 4212.0, 4102.0, 4573.0],
        ),
        (
            random.normal(0, 1, 10).round(6).tolist(),
            random.normal(0.5, 3, 10).round(6).tolist(),
        ),
        (
            random.normal(5, 1, 14).round(6).tolist(),
            random.normal(5, 1, 13).round(6).tolist(),
        ),
        ([3.0, 3.0, 3.0], [3.0, 3.0, 3.1]),
    ]


def describe(x: list[float], y: list[float]) -> dict:
    """What SciPy says of two samples."""
    welch = stats.ttest_ind(x, y, equal_var=False)
    interval = welch.confidence_interval(0.95)
    difference = lambda a, b, axis=-1: np.mean(a, axis=axis) - np.mean(b, axis=axis)  # noqa: E731
    permutation = stats.permutation_test(
        (x, y),
        difference,
        vectorized=True,
        n_resamples=200_000,
        rng=np.random.default_rng(0),
    )
    result = {
        "x": x,
        "y": y,
        "mean": np.mean(x),
        "median": np.median(x),
        "interquartile_mean": stats.trim_mean(x, 0.25),
        "standard_deviation": np.std(x, ddof=1),
        "improvement": stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)),
        "welch": {
            "p": welch.pvalue,
            "degrees_of_freedom": welch.df,
            "low": interval.low,
            "high": interval.high,
        },
        "permutation": permutation.pvalue,
    }
    if len(x) == len(y):
        paired = stats.ttest_rel(x, y)
        interval = paired.confidence_interval(0.95)
        signs = stats.permutation_test(
            (x, y),
            difference,
            permutation_type="samples",
            vectorized=True,
            n_resamples=200_000,
        )
        result["paired"] = {
            "p": paired.pvalue,
            "low": interval.low,
            "high": interval.high,
            "permutation": signs.pvalue,
        }
    return result


def aggregates(scores: np.ndarray, other: np.ndarray) -> dict:
    """What rliable says of a matrix of runs x tasks, and of it against another one."""
    functions = {
        "mean": metrics.aggregate_mean,
        "median": metrics.aggregate_median,
        "interquartile_mean": metrics.aggregate_iqm,
        "optimality_gap": metrics.aggregate_optimality_gap,
    }
    every = lambda s: np.array([f(s) for f in functions.values()])  # noqa: E731
    points, intervals = library.get_interval_estimates(
        {"a": scores}, every, reps=RESAMPLES
    )
    improvement, improvement_interval = library.get_interval_estimates(
        {"a,b": (scores, other)}, metrics.probability_of_improvement, reps=2_000
    )
    return {
        "scores": scores.T.tolist(),
        "other": other.T.tolist(),
        "improvement": {
            "value": float(np.ravel(improvement["a,b"])[0]),
            "low": float(np.ravel(improvement_interval["a,b"])[0]),
            "high": float(np.ravel(improvement_interval["a,b"])[1]),
        },
        **{
            name: {
                "value": points["a"][i],
                "low": intervals["a"][0, i],
                "high": intervals["a"][1, i],
            }
            for i, name in enumerate(functions)
        },
    }


def main() -> None:
    """Write the file."""
    random = np.random.default_rng(11)
    matrices = [
        (random.normal(0.8, 0.3, (5, 4)), random.normal(0.7, 0.4, (5, 4))),
        (random.gamma(2, 0.4, (10, 6)), random.gamma(2, 0.5, (8, 6))),
        (random.normal(1.0, 0.2, (3, 1)), random.normal(0.5, 0.2, (3, 1))),
    ]
    tables = [
        [[3, 5], [0, 4]],
        [[8, 2], [1, 5]],
        [[0, 3], [4, 0]],
        [[10, 10], [10, 10]],
        [[0, 0], [3, 4]],
        [[120, 80], [95, 110]],
    ]
    t = [(-2.5, 3.0), (0.0, 1.0), (0.3, 7.25), (4.0, 50.0), (-31.6, 2.0), (1e-3, 12.0)]
    document = {
        "pairs": [describe(x, y) for x, y in pairs()],
        "tables": [{"table": c, "p": stats.fisher_exact(c).pvalue} for c in tables],
        "shares": [
            {"successes": k, "runs": n, "low": low, "high": high}
            for k, n in [(0, 4), (3, 4), (10, 10), (1, 7), (50, 80), (1, 1)]
            for low, high in [stats.binomtest(k, n).proportion_ci(method="wilson")]
        ],
        "student_t": [
            {"t": x, "degrees_of_freedom": n, "below": stats.t.cdf(x, n)} for x, n in t
        ],
        "student_t_quantiles": [
            {"p": p, "degrees_of_freedom": n, "t": stats.t.ppf(p, n)}
            for p in (0.01, 0.3, 0.975, 0.9999)
            for n in (1.0, 2.7, 9.0, 200.0)
        ],
        "aggregates": [aggregates(a.round(6), b.round(6)) for a, b in matrices],
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
