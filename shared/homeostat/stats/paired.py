"""Sequential comparison of a candidate and a champion that answered the same requests."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import INV_LN2, log

_Three = tuple[float, float, float]
_Exponents = tuple[int, int, int]

BETS: Final[_Three] = (0.2, 0.5, 0.8)
"""Shares of the wealth put on each pair; the mixture needs no tuning to the size of the difference."""


def _bet(mantissas: _Three, exponents: _Exponents, gain: float) -> tuple[_Three, _Exponents]:
    # Products grow and shrink without bound; kept as mantissa and exponent they neither overflow nor vanish.
    a, b, c = ((1.0 + bet * gain) * m for bet, m in zip(BETS, mantissas, strict=True))
    (a, i), (b, j), (c, k) = math.frexp(a), math.frexp(b), math.frexp(c)
    return (a, b, c), (exponents[0] + i, exponents[1] + j, exponents[2] + k)


def _log2_mean(mantissas: _Three, exponents: _Exponents) -> float:
    top = max(exponents)
    a, b, c = (math.ldexp(m, e - top) for m, e in zip(mantissas, exponents, strict=True))
    return log((a + b + c) / 3.0) * INV_LN2 + top


@dataclass(frozen=True, slots=True)
class PairedEProcess:
    """Two betting e-processes on the difference of two errors in [0, 1], pair by pair.

    H0 of `worse`: the expected error of the candidate, given whatever went before, is at most the champion's at every
    pair; for errors of 0 and 1 that is P(candidate wrong | they differ) <= 1/2. H0 of `better`: the mirror. Under H0
    the chance that the e-value *ever* reaches 1/alpha is at most alpha (Ville), so it may be looked at after every pair
    and a crossing stays valid. It is a statement on means: a candidate that is a little better most of the time and far
    worse now and then is worse. Pairs with equal errors carry no evidence, small differences little: a steady one of d
    takes about log2(3 / alpha) / log2(1 + .8 d) pairs. How the pairs are cut into calls of `observe` changes nothing.

    Source: betting on a bounded mean (Waudby-Smith and Ramdas 2024), fixed bets 0.2, 0.5, 0.8 with equal weights.

    Attributes:
        n_pairs: Pairs seen.
        n_worse: Of these, the candidate's error was larger.
        n_better: Of these, the champion's error was larger.
        worse_mantissas: Wealth of each bet against the candidate is mantissa * 2^exponent.
        worse_exponents: See `worse_mantissas`.
        better_mantissas: Wealth of each bet for the candidate, likewise.
        better_exponents: See `better_mantissas`.
        max_log2_e_worse: Largest `log2_e_worse` after any pair so far, >= 0.
        max_log2_e_better: Largest `log2_e_better` after any pair so far, >= 0.
    """

    n_pairs: int = 0
    n_worse: int = 0
    n_better: int = 0
    worse_mantissas: tuple[float, float, float] = (1.0, 1.0, 1.0)
    worse_exponents: tuple[int, int, int] = (0, 0, 0)
    better_mantissas: tuple[float, float, float] = (1.0, 1.0, 1.0)
    better_exponents: tuple[int, int, int] = (0, 0, 0)
    max_log2_e_worse: float = 0.0
    max_log2_e_better: float = 0.0

    def observe(self, candidate_error: npt.ArrayLike, champion_error: npt.ArrayLike) -> "PairedEProcess":
        """Return the process after more pairs.

        Args:
            candidate_error: (n,) in [0, 1], in order of the requests; 0 and 1 (or booleans) of a classifier; n >= 0.
            champion_error: (n,) likewise, for the same requests.

        Raises:
            ValueError: Different lengths, not vectors, or values outside of [0, 1].
        """
        candidate, champion = np.asarray(candidate_error, np.float64), np.asarray(champion_error, np.float64)
        if candidate.ndim != 1 or candidate.shape != champion.shape:
            raise ValueError(f"pairs need two vectors of one length, got {candidate.shape} and {champion.shape}")
        for name, values in (("candidate_error", candidate), ("champion_error", champion)):
            if not np.all((values >= 0.0) & (values <= 1.0)):
                raise ValueError(f"{name} must hold numbers in [0, 1] only")
        losses = (candidate - champion)[candidate != champion].tolist()
        worse, better = (self.worse_mantissas, self.worse_exponents), (self.better_mantissas, self.better_exponents)
        max_worse, max_better = self.max_log2_e_worse, self.max_log2_e_better
        for loss in losses:
            worse, better = _bet(*worse, loss), _bet(*better, -loss)
            max_worse, max_better = max(max_worse, _log2_mean(*worse)), max(max_better, _log2_mean(*better))
        n_lost = sum(loss > 0.0 for loss in losses)
        n_worse, n_better = self.n_worse + n_lost, self.n_better + len(losses) - n_lost
        return PairedEProcess(self.n_pairs + candidate.size, n_worse, n_better, *worse, *better, max_worse, max_better)

    @property
    def n_discordant(self) -> int:
        """Pairs in which one error was larger."""
        return self.n_worse + self.n_better

    @property
    def log2_e_worse(self) -> float:
        """Evidence now that the candidate is worse, in bits; log2(1/alpha) is the line."""
        return _log2_mean(self.worse_mantissas, self.worse_exponents)

    @property
    def log2_e_better(self) -> float:
        """Evidence now that the candidate is better, in bits."""
        return _log2_mean(self.better_mantissas, self.better_exponents)

    def worse(self, alpha: float) -> bool:
        """Return whether the candidate was ever shown to be worse: E(worse) >= 1/alpha after some pair.

        Args:
            alpha: Chance of a false alarm over all looks, in (0, 1).
        """
        return self.max_log2_e_worse >= _line(alpha)

    def better(self, alpha: float) -> bool:
        """Return whether the candidate was ever shown to be better: E(better) >= 1/alpha after some pair."""
        return self.max_log2_e_better >= _line(alpha)


def _line(alpha: float) -> float:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie in (0, 1), got {alpha}")
    return -log(alpha) * INV_LN2
