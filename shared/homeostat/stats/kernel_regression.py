"""What descriptors of tasks say about results: tasks that look alike turn out alike, if they ever did."""

from typing import Final

import numpy as np

from homeostat.stats.cholesky import factorise, solve
from homeostat.stats.portable import FloatArray, exp, fixed_row_sums, fixed_sum

_RIDGES: Final = (0.5, 2.0, 8.0)
"""Noise variances, in units of what descriptors could explain, that are averaged over: choosing one overfits."""
_MARGINS: Final = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Advantages, as shares of the spread between configurations, that a prediction must have to overrule the mean."""
_LEAST_T: Final = 1.0
"""Standard errors that the gain on left-out tasks must lie above 0."""
_LEAST_TASKS: Final = 8


def overruling(results: FloatArray, features: FloatArray, asked: FloatArray) -> FloatArray | None:
    """Return how much better or worse than on average each configuration is expected to do on a task, or None.

    None means that on the tasks seen, each left out in turn, choosing by such expectations was not better than choosing
    what is best on average: then nothing is known, and the mean stands. Ridge regression in a Laplace kernel over ranks
    of the descriptors, averaged over ridges, with the least advantage that pays.

    Args:
        results: (n, c) results of the tasks, all finite.
        features: (n, d) descriptors; NaN where missing.
        asked: (d,) those of the task in question.

    Source: kernel ridge and its exact leave-one-out residuals, Rasmussen and Williams 2006, 5.4.2.
    """
    n = len(results)
    if n < _LEAST_TASKS or not features.shape[1]:
        return None
    ranks, own = _ranks(features, asked)
    if not ranks.shape[1]:
        return None
    level = results - (fixed_row_sums(results) / results.shape[1])[:, None]
    mean = np.add.accumulate(level, axis=0)[-1] / n
    rest = level - mean
    near, like = _likeness(ranks, ranks), _likeness(own[None], ranks)[0]
    expected, left_out = np.zeros(results.shape[1]), np.zeros_like(rest)
    for ridge in _RIDGES:
        root = factorise(near + np.eye(n) * ridge)
        inverse = solve(root, np.eye(n))
        pull = solve(root, rest)
        left_out += (rest - pull / np.diagonal(inverse)[:, None]) / len(_RIDGES)
        expected += np.add.accumulate(like[:, None] * pull, axis=0)[-1] / len(_RIDGES)
    # The mean of the others is less the task itself: rest leaves it out by n / (n - 1).
    others = mean - rest / (n - 1.0)
    spread = np.sqrt(fixed_sum(fixed_row_sums(rest * rest)) / rest.size)
    found = [(gain, margin) for margin in _MARGINS if (gain := _gain(results, others, left_out, margin * spread)) > 0.0]
    if not found:
        return None
    margin = max(found)[1] * spread
    best = int(mean.argmax())
    better = mean + expected > mean[best] + expected[best] + margin
    return expected if better.any() else None


def _gain(results: FloatArray, mean: FloatArray, expected: FloatArray, margin: float) -> float:
    """Return the gain of choosing by expectation, in standard errors, 0 if below `_LEAST_T`."""
    rows, n = np.arange(len(results)), len(results)
    usual = mean.argmax(1)
    value = mean + expected
    value[rows, usual] += margin
    gains = results[rows, value.argmax(1)] - results[rows, usual]
    middle = fixed_sum(gains) / n
    error = np.sqrt(fixed_sum((gains - middle) * (gains - middle)) / n / n)
    return float(middle / error) if middle > _LEAST_T * error > 0.0 else 0.0


def _ranks(features: FloatArray, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return descriptors as ranks, of variance 1; missing ones lie in the middle, constant ones are left out."""
    columns, own = [], []
    for column, value in zip(features.T, asked, strict=True):
        known = np.sort(column[np.isfinite(column)])
        if len(known) < 2 or known[0] == known[-1]:
            continue
        ranks = _place(known, column)
        sd = np.sqrt(fixed_sum(ranks * ranks) / len(ranks) - (fixed_sum(ranks) / len(ranks)) ** 2)
        if sd > 0.0:
            columns.append(ranks / sd)
            own.append(_place(known, np.array([value]))[0] / sd)
    return np.array(columns).reshape(-1, len(features)).T.copy(), np.array(own)


def _place(known: FloatArray, values: FloatArray) -> FloatArray:
    below, upto = np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right")
    return np.where(np.isfinite(values), (below + upto) / len(known) - 1.0, 0.0)


def _likeness(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return exp(-distance), (len(a), len(b)), distances per root of the number of columns."""
    squares = np.zeros((len(a), len(b)))
    for x, y in zip(a.T, b.T, strict=True):
        squares += (x[:, None] - y) * (x[:, None] - y)
    distance: FloatArray = np.sqrt(squares / a.shape[1])
    return exp(-distance)
