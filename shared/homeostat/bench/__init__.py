"""Benchmarks: what the system does on this machine, beside references measured in the same run."""

from homeostat.bench.catalogue import NAMES, run
from homeostat.bench.row import Row

__all__ = ["NAMES", "Row", "run"]
