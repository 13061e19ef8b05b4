"""Statistics of the folds: the same bits on every machine. Pure numpy and standard library.

`portable` holds the elementary functions, everything else is built on it.
"""

from homeostat.stats.draws import Draws
from homeostat.stats.linear import BayesianLinear
from homeostat.stats.page_hinkley import ZPageHinkley
from homeostat.stats.paired import PairedEProcess

__all__ = ["BayesianLinear", "Draws", "PairedEProcess", "ZPageHinkley"]
