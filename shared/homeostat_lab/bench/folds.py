"""The folds that are measured, by name."""

from typing import Any

from homeostat.core import Fold
from homeostat.runtime import registry
from homeostat_lab.bench.row import BenchFailed


def fold_of(name: str) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Raises:
        BenchFailed: Its extra is not installed.
    """
    entry = registry.folds()[name]
    try:
        return registry.make_fold(entry)
    except ModuleNotFoundError as missing:
        raise BenchFailed(f"{name}: {missing}; pip install '{entry.requirement}'") from None
