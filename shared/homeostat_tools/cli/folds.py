"""The folds by name, as text: this package knows no service until one is asked for."""

import importlib
from typing import Any, Final

from homeostat.admission.salt import NO_SALT, Salt
from homeostat.core import Fold
from homeostat_tools.cli.exits import usage

FOLDS: Final = {
    "intake.telemetry": "homeostat.services.intake:TelemetryIntake",
    "intake.traces": "homeostat.services.intake:TracesIntake",
    "intake.requests": "homeostat.services.intake:RequestsIntake",
    "intake.reports": "homeostat.services.intake:ReportsIntake",
    "drift_detector": "homeostat.services.drift_detector:DriftDetector",
    "outcome_evaluator": "homeostat.services.outcome_evaluator:OutcomeEvaluator",
    "meta_learner": "homeostat.services.meta_learner:MetaLearner",
    "training_advisor": "homeostat.services.training_advisor:TrainingAdvisor",
    "governor": "homeostat.services.governor:Governor",
}
"""`module:class`, made without arguments; doors with a salt."""


def fold_of(name: str, salt: Salt = NO_SALT) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Args:
        name: Of the fold.
        salt: Of the deployment; doors say by it what stands for personal data.

    Raises:
        CommandFailed: There is none of this name, or its extra is not installed.
    """
    if name not in FOLDS:
        raise usage(f"no fold {name!r}; the folds are {', '.join(FOLDS)}, or all")
    module, _, class_name = FOLDS[name].partition(":")
    try:
        made = getattr(importlib.import_module(module), class_name)
        fold: Fold[Any] = made(salt=salt) if module.endswith(".intake") else made()
    except ModuleNotFoundError as missing:
        raise usage(f"{name}: {missing}; pip install 'homeostat[{_extra(module)}]'") from None
    return fold


def _extra(module: str) -> str:
    return module.rpartition(".")[2].replace("_", "-")


_OWN_GROUPS: Final = {"intake.requests": "intake-requests"}
"""The door of people shares its group with no other: a rebalance of the others does not stop it."""


def group_of(name: str) -> str:
    """Consumer group of the host that runs a fold."""
    if name in _OWN_GROUPS:
        return _OWN_GROUPS[name]
    return _extra(FOLDS[name].partition(":")[0])
