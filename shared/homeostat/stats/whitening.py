"""What of a column is new: its values less what the value before says of them."""

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import FloatArray, fixed_row_sums

_LAGS = 5
_SEEN_DEVIATIONS = 3.0
_LEFT_DEVIATIONS = 4.0


def autocorrelation(x: FloatArray, lag: int) -> FloatArray:
    """Return the correlation of each row's values with those `lag` before; 0 for a constant row.

    Args:
        x: (d, n), n > lag.
        lag: >= 1.
    """
    n = x.shape[1]
    centred = x - (fixed_row_sums(x) / n)[:, None]
    power = fixed_row_sums(centred * centred)
    product = fixed_row_sums(centred[:, lag:] * centred[:, :-lag])
    return np.where(power > 0.0, product / np.where(power > 0.0, power, 1.0), 0.0)


def fit(x: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Find the AR(1) coefficients that make columns white.

    Args:
        x: (d, n) values in their order, n > 10, finite.

    Returns:
        (d,) coefficients, 0 where the first autocorrelation is within chance (3 deviations of 1 / sqrt(n)); and (d,)
        whether the residuals are white: no autocorrelation of lag 1 to 5 beyond 4 deviations. A column that is not
        must be watched by means of blocks that are longer than its memory.
    """
    n = x.shape[1]
    chance = 1.0 / float(np.sqrt(n))
    first = autocorrelation(x, 1)
    phi = np.where(np.abs(first) > _SEEN_DEVIATIONS * chance, first, 0.0)
    residuals = x[:, 1:] - phi[:, None] * x[:, :-1]
    left = np.zeros(x.shape[0])
    for lag in range(1, _LAGS + 1):
        left = np.maximum(left, np.abs(autocorrelation(residuals, lag)))
    return phi, left <= _LEFT_DEVIATIONS * chance


def residuals(values: npt.NDArray[np.float32], phi: float, before: float) -> npt.NDArray[np.float32]:
    """Subtract from each of (n,) values what the one before it says; `before` stands before the first.

    Args:
        values: (n,); not changed.
        phi: Coefficient of the value before, in (-1, 1).
        before: Value before the first.
    """
    if phi == 0.0:
        return values
    shifted = np.concatenate((np.array([before]), values[:-1].astype(np.float64)))
    return (values - phi * shifted).astype(np.float32)


def residuals_of_columns(
    values: npt.NDArray[np.float32], phi: FloatArray, before: FloatArray
) -> npt.NDArray[np.float32]:
    """Do the same with (d, n) values, (d,) coefficients and (d,) values before.

    Args:
        values: (d, n); not changed.
        phi: (d,).
        before: (d,).
    """
    shifted = np.concatenate((before[:, None], values[:, :-1].astype(np.float64)), axis=1)
    return (values - phi[:, None] * shifted).astype(np.float32)
