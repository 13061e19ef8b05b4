"""Statistics of the folds: the same bits on every machine. Pure numpy and standard library.

`portable` holds the elementary functions, everything else is built on it.
"""

from homeostat.stats.conformal import AdaptiveConformal
from homeostat.stats.ebh import e_bh
from homeostat.stats.exchangeability import ExchangeabilityMonitor
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.linear import BayesianLinear
from homeostat.stats.page_hinkley import ZPageHinkley
from homeostat.stats.paired import PairedEProcess
from homeostat.stats.rates import RateEvidence
from homeostat.stats.surprise_score import Surprise

__all__ = [
    "AdaptiveConformal",
    "BayesianLinear",
    "Draws",
    "ExchangeabilityMonitor",
    "PairedEProcess",
    "RateEvidence",
    "Surprise",
    "ZPageHinkley",
    "e_bh",
]
