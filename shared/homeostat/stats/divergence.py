"""How far two histograms are apart, in the numbers people know."""

from homeostat.stats.portable import FloatArray, fixed_row_sums, log

_SMOOTHING = 0.5


def shares(counts: FloatArray) -> FloatArray:
    """Return the shares of each row's counts, each bin with half a count more: an empty one must not be infinitely far.

    Args:
        counts: (d, k), >= 0.
    """
    more = counts + _SMOOTHING
    smoothed: FloatArray = more / fixed_row_sums(more)[:, None]
    return smoothed


def population_stability(expected: FloatArray, seen: FloatArray) -> FloatArray:
    """Return the population stability index of each row, (d,): the symmetric divergence, >= 0.

    Below .1 is commonly called stable, above .25 a shift. With n rows it is some 2 (k - 1) / n where nothing moves.

    Args:
        expected: (d, k) counts of the reference.
        seen: (d, k) recent counts.
    """
    p, q = shares(expected), shares(seen)
    return fixed_row_sums((q - p) * (log(q) - log(p)))


def kullback_leibler(expected: FloatArray, seen: FloatArray) -> FloatArray:
    """Return the divergence of the recent counts from the reference of each row, (d,), in nats."""
    p, q = shares(expected), shares(seen)
    return fixed_row_sums(q * (log(q) - log(p)))
