"""Which of many e-values are discoveries."""

from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import INV_LN2, FloatArray, log

_NOTHING: Final = -1e9


def e_bh(log2_e: FloatArray, alpha: float, *, n: int | None = None) -> npt.NDArray[np.bool_]:
    """Select hypotheses so that at most a share `alpha` of the selected is false in expectation.

    Holds under any dependence between the e-values: those of the features of one model, or of the models of a family
    that share a world. The k largest are selected, for the largest k with e_(k) >= n / (alpha k).

    Args:
        log2_e: (m,) base-2 logarithms; NaN counts as no evidence. Each must be an e-value now: expectation at most 1
            where nothing has moved (`drift.detected.log2_e` and `evidence.updated.log2_e` are, per epoch of rows:
            `TiltedMartingales`).
        alpha: False discovery rate, in (0, 1).
        n: Hypotheses watched, m unless told: those that never said anything count, with an e-value of at most 1.

    Returns:
        (m,) whether selected.

    Raises:
        ValueError: `alpha` outside (0, 1), or n < m.

    Source: Wang and Ramdas 2022, "False discovery rate control with e-values".
    """
    m = log2_e.size
    total = m if n is None else n
    if not 0.0 < alpha < 1.0 or total < m:
        raise ValueError(f"{alpha=} must lie in (0, 1) and {n=} be at least {m}")
    if not m:
        return np.zeros(0, np.bool_)
    known = np.where(np.isnan(log2_e), _NOTHING, log2_e)
    falling = -np.sort(-known)
    needed = log(total / (alpha * np.arange(1.0, m + 1.0))) * INV_LN2
    reached = np.flatnonzero(falling >= needed)
    if not reached.size:
        return np.zeros(m, np.bool_)
    selected: npt.NDArray[np.bool_] = known >= falling[reached[-1]]
    return selected


def strongest(log2_e: FloatArray, alpha: float) -> list[int]:
    """Return the indices that e-BH selects, the strongest first; the strongest alone if it selects none.

    Args:
        log2_e: (m,), m >= 1, as above.
        alpha: As above.
    """
    ordered = sorted(range(log2_e.size), key=lambda at: (-float(log2_e[at]), at))
    selected = e_bh(log2_e, alpha)
    return [at for at in ordered if selected[at]] or ordered[:1]
