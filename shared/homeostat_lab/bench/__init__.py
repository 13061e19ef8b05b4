"""Benchmarks: what the system does on this machine, beside references measured in the same run."""

from homeostat_lab.bench.catalogue import NAMES, run
from homeostat_lab.bench.row import Row

__all__ = ["NAMES", "Row", "run"]
