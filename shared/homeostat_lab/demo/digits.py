"""The real part of the demo: 1,797 handwritten digits and how they are split."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

SIDE: Final = 8
PIXELS: Final = SIDE * SIDE
N_CLASSES: Final = 10
N_HISTORY: Final = 800
N_AUDIT: Final = 600


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Images with their digits.

    Args:
        x: (n, 64) float32 in [0, 1], rows of the 8x8 image after each other.
        y: (n,) int64 in 0..9.
    """

    x: Floats
    y: Labels

    def take(self, rows: npt.NDArray[np.int64]) -> "Pool":
        """Return a pool of these rows."""
        return Pool(self.x[rows], self.y[rows])

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Disjoint pools: nothing that is trained on is ever scored.

    Args:
        history: 800 images for installing models and for meta-training.
        audit: 600 images; every label the system sees after the install is one of theirs.
        traffic: 397 images that are only served and scored.
    """

    history: Pool
    audit: Pool
    traffic: Pool


@lru_cache(maxsize=1)
def digits() -> Pool:
    """Return all 1,797 images of the UCI optical recognition set, as shipped with scikit-learn."""
    x, y = load_digits(return_X_y=True)
    return Pool((x / 16.0).astype(np.float32), y.astype(np.int64))


def split(seed: int) -> Split:
    """Split the digits; the same seed gives the same pools."""
    pool = digits()
    order = np.random.default_rng(seed).permutation(len(pool))
    history, audit, traffic = np.split(order, [N_HISTORY, N_HISTORY + N_AUDIT])
    return Split(pool.take(history), pool.take(audit), pool.take(traffic))
