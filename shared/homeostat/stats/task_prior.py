"""What earlier tasks say about how configurations do on a new one, and how its first results change that."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.cholesky import factorise, solve, solve_lower
from homeostat.stats.portable import FloatArray, exp, fixed_row_sums, fixed_sum, log

_PSEUDO_TASKS: Final = 5.0
"""Tasks that "configurations near each other do alike" is worth beside the covariance that was seen."""
_NEAR: Final = 0.3
"""Distance, in shares of a hyperparameter's range, at which likeness falls to 1/e."""
_NOISE_RATIO: Final = 0.02
"""Variance of one result that no configuration explains, as a share of the variance between tasks."""
_N_GRID: Final = 8
_LEAST_WEIGHT: Final = 1e-3
"""A scale of the task less probable than this, beside the likeliest, is left out."""
_LEAST_REFERENCES: Final = 3
_TINY: Final = 1e-9

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What is expected of every configuration on the task in question: a mixture over its unknown level and range.

    Args:
        weight: (l,) probability of each scale; sums to 1.
        low: (l,) result that counts as 0, in units of the metric.
        span: (l,) result units per unit of score, > 0.
        mean: (l, c) expected score.
        sd: (c,) standard deviation of the score, > 0.
    """

    weight: FloatArray
    low: FloatArray
    span: FloatArray
    mean: FloatArray
    sd: FloatArray

    def results(self) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of the results, (c,) each, in units of the metric."""
        each = self.low[:, None] + self.span[:, None] * self.mean
        mean = _weighted(self.weight, each)
        wide = self.span[:, None] * self.sd
        variance = _weighted(self.weight, (each - mean) * (each - mean) + wide * wide)
        return mean, np.sqrt(variance)


@dataclass(frozen=True, slots=True, eq=False)
class TaskPrior:
    """Scores of configurations over tasks ~ N(mean, covariance), where a score is (result - low) / span of its task.

    The covariance is that of the tasks seen, and for what they leave open a smooth one over the hyperparameters.

    Source: the learnt-prior (HyperBO) idea of Wang et al. 2021 with the empirical covariance shrunk as by Ledoit and
    Wolf 2004; level and range of the new task are integrated out over those of earlier tasks.

    Attributes:
        mean: (c,) mean score.
        rest: (n, c) deviation of each task from it; smoothed from its neighbours where missing.
        smooth_sd: (c,) standard deviation of what the tasks leave open.
        points: (c, d) hyperparameters; d may be 0.
        low: (l,) lows of the tasks that were seen well enough, and combinations of their levels and ranges.
        span: (l,) their ranges.
        log_weight: (l,) their prior log weights.
    """

    mean: FloatArray
    rest: FloatArray
    smooth_sd: FloatArray
    points: FloatArray
    low: FloatArray
    span: FloatArray
    log_weight: FloatArray

    @classmethod
    def of(cls, results: FloatArray, points: FloatArray) -> "TaskPrior":
        """Learn from tasks.

        Args:
            results: (n, c), NaN where not run; n >= 1 and every row has two different results.
            points: (c, d), numbers in [0, 1]; d may be 0.

        Raises:
            ValueError: A wrong shape, or a row without two different results.
        """
        if results.ndim != 2 or not len(results) or len(points) != results.shape[1]:
            raise ValueError(f"expected tasks x configurations and their points, got {results.shape}, {points.shape}")
        seen = np.isfinite(results)
        low, span = _scales(results, seen)
        if not (span > 0.0).all():
            raise ValueError("every task needs two different results")
        scores = np.where(seen, (results - low[:, None]) / span[:, None], 0.0)
        whole = _counts(seen) * 2 >= results.shape[1]
        if not whole.all() and whole.sum() >= _LEAST_REFERENCES:
            low, span = _aligned(results, seen, scores, low, span, whole)
            scores = np.where(seen, (results - low[:, None]) / span[:, None], 0.0)
            low, span = low[whole], span[whole]
        like = alike(points, np.arange(len(points) if not seen.all() else 0))
        mean = _means(scores, seen, like)
        rest = np.where(seen, scores - mean, 0.0)
        n_seen = _counts(seen.T)
        squares = _column_sums(rest * rest)
        usual = max(_TINY, fixed_sum(squares) / fixed_sum(n_seen))
        total = (squares + _PSEUDO_TASKS * usual) / (n_seen + _PSEUDO_TASKS)
        if not seen.all():
            rest = _filled(rest, seen, like)
        explained = _column_sums(rest * rest) / (len(rest) + _PSEUDO_TASKS)
        smooth = np.sqrt(np.maximum(total - explained, _TINY))
        middle = fixed_sum(mean) / len(mean)
        return cls(mean, rest, smooth, points, *_lines(low, span, middle))

    def outlook(self, tried: Indices, results: FloatArray) -> Outlook:
        """Condition on what was run on the task.

        Args:
            tried: (k,) configurations, each at most once; k may be 0.
            results: (k,) their results, finite.
        """
        covariance = self._covariance(tried)
        variance = _column_sums(self.rest * self.rest) / (len(self.rest) + _PSEUDO_TASKS) + self.smooth_sd**2
        noise = _NOISE_RATIO * fixed_sum(variance) / len(variance)
        root = factorise(covariance[:, tried] + np.eye(len(tried)) * noise)
        scores = (results - self.low[:, None]) / self.span[:, None] - self.mean[tried]
        weight = self._weights(root, scores)
        kept = np.flatnonzero(weight >= _LEAST_WEIGHT * weight.max())
        weight = weight[kept] / fixed_sum(weight[kept])
        half, pull = solve_lower(root, covariance), solve(root, covariance)
        mean = np.repeat(self.mean[None], len(kept), 0)
        for j in range(len(tried)):
            mean += scores[kept, j, None] * pull[j]
            variance = variance - half[j] * half[j]
        return Outlook(weight, self.low[kept], self.span[kept], mean, np.sqrt(np.maximum(variance, _TINY)))

    def _covariance(self, tried: Indices) -> FloatArray:
        """Return the rows (k, c) of the covariance that belong to the configurations tried."""
        total = np.zeros((len(tried), len(self.mean)))
        for rest in self.rest:
            total += rest[tried, None] * rest
        smooth = self.smooth_sd[tried, None] * self.smooth_sd * alike(self.points, tried)
        covariance: FloatArray = total / (len(self.rest) + _PSEUDO_TASKS) + smooth
        return covariance

    def _weights(self, root: FloatArray, scores: FloatArray) -> FloatArray:
        """Return the posterior weight of each scale, (l,), from the scores (l, k) the results have by it."""
        unexplained = solve_lower(root, scores.T.copy())
        fit: FloatArray = self.log_weight - scores.shape[1] * log(self.span)
        for row in unexplained:
            fit = fit - 0.5 * row * row
        weight = exp(fit - float(fit.max()))
        return weight / fixed_sum(weight)


def completed(results: FloatArray) -> FloatArray:
    """Fill gaps (NaN) with the mean of the task plus the mean difference of the configuration to such means, if any.

    Args:
        results: (n, c); every row has a number.
    """
    seen = np.isfinite(results)
    known = np.where(seen, results, 0.0)
    level = (fixed_row_sums(known) / _counts(seen))[:, None]
    difference = _column_sums(np.where(seen, results - level, 0.0)) / np.maximum(_counts(seen.T), 1.0)
    return np.where(seen, results, level + difference)


def alike(points: FloatArray, rows: Indices) -> FloatArray:
    """Return how alike configurations are to those in `rows`, (k, c) in [0, 1]; without hyperparameters only to itself.

    Args:
        points: (c, d), numbers in [0, 1].
        rows: (k,) indices.
    """
    if not points.shape[1]:
        return np.where(rows[:, None] == np.arange(len(points)), 1.0, 0.0)
    distance = np.zeros((len(rows), len(points)))
    for column in points.T:
        distance += np.abs(column[rows, None] - column)
    return exp(-distance / _NEAR)


def _weighted(weight: FloatArray, rows: FloatArray) -> FloatArray:
    return _column_sums(weight[:, None] * rows)


def _column_sums(rows: FloatArray) -> FloatArray:
    """Sum over the first axis, length >= 1, from the first to the last."""
    sums: FloatArray = np.add.accumulate(rows, axis=0)[-1]
    return sums


def _counts(seen: NDArray[np.bool_]) -> FloatArray:
    return fixed_row_sums(seen.astype(np.float64))


def _scales(results: FloatArray, seen: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return least result and range of each task."""
    low = np.where(seen, results, np.inf).min(1)
    return low, np.where(seen, results, -np.inf).max(1) - low


def _means(scores: FloatArray, seen: NDArray[np.bool_], like: FloatArray) -> FloatArray:
    """Return mean scores; what few tasks ran is drawn to the mean of what is like it."""
    n_seen, sums = _counts(seen.T), _column_sums(scores)
    if seen.all():
        return sums / n_seen
    middle = fixed_sum(sums) / fixed_sum(n_seen)
    near = (fixed_row_sums(like * sums) + middle) / (fixed_row_sums(like * n_seen) + 1.0)
    return (sums + near) / (n_seen + 1.0)


def _filled(rest: FloatArray, seen: NDArray[np.bool_], like: FloatArray) -> FloatArray:
    """Fill gaps of a task with its deviations nearby, drawn to 0 where nothing near was run."""
    filled = rest.copy()
    for i in np.flatnonzero(~seen.all(1)):
        js, gaps = np.flatnonzero(seen[i]), np.flatnonzero(~seen[i])
        near = like[np.ix_(js, gaps)]
        filled[i, gaps] = _column_sums(near * rest[i, js, None]) / (_column_sums(near) + 1.0)
    return filled


def _aligned(
    results: FloatArray,
    seen: NDArray[np.bool_],
    scores: FloatArray,
    low: FloatArray,
    span: FloatArray,
    whole: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Return low and span of all tasks, where those of tasks with few results are the likeliest among the others'.

    The least and the greatest of a few chosen results are not those of the task: a search runs mostly what is good.
    """
    n_seen = np.maximum(_counts(seen[whole].T), 1.0)
    mean = _column_sums(scores[whole]) / n_seen
    gap = np.where(seen[whole], scores[whole] - mean, 0.0)
    variance = _column_sums(gap * gap) / n_seen
    variance = variance + fixed_sum(variance) / len(variance)
    lows, spans, log_weight = _lines(low[whole], span[whole], fixed_sum(mean) / len(mean))
    low, span = low.copy(), span.copy()
    for i in np.flatnonzero(~whole):
        js = np.flatnonzero(seen[i])
        off = (results[i, js] - lows[:, None]) / spans[:, None] - mean[js]
        best = int((log_weight - len(js) * log(spans) - 0.5 * fixed_row_sums(off * off / variance[js])).argmax())
        low[i], span[i] = lows[best], spans[best]
    return low, span


def _lines(low: FloatArray, span: FloatArray, middle: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return scales a new task may have: half the weight on those seen, half on pairs of their levels and ranges."""
    spans = np.repeat(_quantiles(span), _N_GRID)
    lows = np.tile(_quantiles(low + span * middle), _N_GRID) - spans * middle
    weights = np.concatenate([np.full(len(low), 0.5 / len(low)), np.full(len(lows), 0.5 / len(lows))])
    return np.concatenate([low, lows]), np.concatenate([span, spans]), log(weights)


def _quantiles(values: FloatArray) -> FloatArray:
    """Return `_N_GRID` evenly spaced quantiles, the middles of equal shares, between neighbours in proportion."""
    ordered = np.sort(values)
    place = (np.arange(_N_GRID) + 0.5) / _N_GRID * (len(ordered) - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
