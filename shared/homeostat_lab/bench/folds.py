"""The folds that are measured, by name: this package knows no service until one is asked for."""

import importlib
from typing import Any, Final

from homeostat.core import Fold
from homeostat_lab.bench.row import BenchFailed

_FOLDS: Final = {
    "intake.telemetry": ("homeostat.services.intake", "TelemetryIntake"),
    "drift_detector": ("homeostat.services.drift_detector", "DriftDetector"),
    "meta_learner": ("homeostat.services.meta_learner", "MetaLearner"),
}


def fold_of(name: str) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Raises:
        BenchFailed: Its extra is not installed.
    """
    module, class_name = _FOLDS[name]
    try:
        fold: Fold[Any] = getattr(importlib.import_module(module), class_name)()
    except ModuleNotFoundError as missing:
        extra = module.rpartition(".")[2].replace("_", "-")
        raise BenchFailed(f"{name}: {missing}; pip install 'homeostat[{extra}]'") from None
    return fold
