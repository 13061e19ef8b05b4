"""The folds by name, as text: this package knows no service until one is asked for."""

import importlib
from typing import Any, Final

from homeostat.cli.exits import usage
from homeostat.core import Fold

FOLDS: Final = {
    "intake.telemetry": "intake:TelemetryIntake",
    "intake.traces": "intake:TracesIntake",
    "intake.requests": "intake:RequestsIntake",
    "intake.reports": "intake:ReportsIntake",
    "drift_detector": "drift_detector:DriftDetector",
    "outcome_evaluator": "outcome_evaluator:OutcomeEvaluator",
    "meta_learner": "meta_learner:MetaLearner",
    "governor": "governor:Governor",
}
"""`module:class`, made without arguments."""


def fold_of(name: str) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Raises:
        CommandFailed: There is none of this name, or its extra is not installed.
    """
    if name not in FOLDS:
        raise usage(f"no fold {name!r}; the folds are {', '.join(FOLDS)}, or all")
    module, _, class_name = FOLDS[name].partition(":")
    try:
        fold: Fold[Any] = getattr(importlib.import_module(module), class_name)()
    except ModuleNotFoundError as missing:
        raise usage(f"{name}: {missing}; pip install 'homeostat[{module.replace('_', '-')}]'") from None
    return fold


def group_of(name: str) -> str:
    """Consumer group of the service that runs a fold."""
    return FOLDS[name].partition(":")[0].replace("_", "-")
