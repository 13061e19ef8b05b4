"""Who emits and who reads each type, derived from the code: every event has a reader, every log its writers."""

import ast
from functools import cache
from pathlib import Path

import pytest

from homeostat import events
from homeostat.codec.channels import CHANNELS
from homeostat.events import MODELS, Data, logs
from homeostat.events.logs import LOGS

ROOT = Path(__file__).parents[2]
FOLDS = ("intake", "drift_detector", "outcome_evaluator", "meta_learner", "training_advisor", "governor")
HANDS = ("maml_trainer", "rollout_actuator", "retrain_actuator", "threshold_actuator", "auditor")
SHELLS = ("shared/homeostat/runtime", "shared/homeostat_tools/cli")
"""What runs the services, and what people look through."""

FOR_PEOPLE = {
    "homeostat.audit.begun.v1": "read by the auditor and by whoever verifies, in homeostat.audit.kept",
    "homeostat.event.refused.v1": "kept for people, who replay or discard it",
    "homeostat.incident.recorded.v1": "recorded for people and for later learners",
    "homeostat.advice.given.v1": "read by the training job that asked",
    "homeostat.indicator.computed.v1": "shown",
    "homeostat.weights.withdrawn.v1": "read by clients, which do not hand such weights out",
}
"""Types that no fold, hand or shell needs, and who does."""

RESERVED = {
    "homeostat.update.contributed.v1": "federated learning of initial weights",
    "homeostat.burn.reported.v1": "error budgets as a rule",
}
"""Types whose reader is yet to be written, and what it is for: schemas are fixed from the start."""

CLASSES: dict[str, type] = {name: value for name, value in vars(events).items() if isinstance(value, type)}
LOG_NAMES: dict[str, str] = {name: value for name, value in vars(logs).items() if isinstance(value, str)}


@cache
def trees(folder: str) -> tuple[ast.Module, ...]:
    """Syntax trees of a folder's modules."""
    return tuple(ast.parse(path.read_text("utf-8"), path.name) for path in sorted((ROOT / folder).rglob("*.py")))


def types_of(name: str) -> set[str]:
    """Event types that a class of this name stands for, those of its subclasses included."""
    class_ = CLASSES.get(name)
    if class_ is None or class_ is Data:
        return set()
    if issubclass(class_, Data):
        return {type_ for type_, model in MODELS.items() if issubclass(model, class_)}
    type_ = getattr(class_, "TYPE", None)  # columns
    return {type_} if isinstance(type_, str) else set()


def names_in(node: ast.AST) -> set[str]:
    """Plain names and last parts of dotted ones."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


@cache
def made(folder: str) -> set[str]:
    """Types that are constructed in a folder."""
    calls = (node for tree in trees(folder) for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {type_ for call in calls for name in names_in(call.func) for type_ in types_of(name)}


@cache
def read(folder: str) -> set[str]:
    """Types that a folder tells apart by `case X()` or `isinstance`."""
    names: set[str] = set()
    for tree in trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, ast.MatchClass):
                names |= names_in(node.cls)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                names |= names_in(node.args[1])
    return {type_ for name in names for type_ in types_of(name)}


@cache
def written(folder: str) -> set[str]:
    """Logs that a folder emits to: `Emit(LOG, …)`, `Output(LOG, …)`, or through a table of logs."""
    found: set[str] = set()
    for tree in trees(folder):
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        emits = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("Emit", "Output")]
        for call in emits:
            if call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in LOG_NAMES:
                found.add(LOG_NAMES[call.args[0].id])
            elif call.args:  # a variable: any log that the module names may be meant
                found |= {LOG_NAMES[name] for name in names_in(tree) if name in LOG_NAMES}
    return found


def readers_of(type_: str) -> list[str]:
    """Folders that tell a type apart; intake passes everything on and does not count."""
    folders = (*(f"services/{name}" for name in (*FOLDS, *HANDS) if name != "intake"), *SHELLS)
    return [folder for folder in folders if type_ in read(folder)]


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_every_event_has_a_reader(type_: str) -> None:
    """A fold, a hand, their host, the command line; or people, or nobody yet, and then it says why."""
    assert readers_of(type_) or type_ in FOR_PEOPLE | RESERVED


@pytest.mark.parametrize("type_", sorted(FOR_PEOPLE | RESERVED))
def test_no_excuse_outlives_its_reason(type_: str) -> None:
    """A type that is excused is in the catalogue, and nothing that decides or acts reads it."""
    assert type_ in MODELS
    assert [folder for folder in readers_of(type_) if folder.startswith("services/")] == []


@pytest.mark.parametrize("log", [log.name for log in LOGS if log.kind == "log"])
def test_every_log_has_a_writer(log: str) -> None:
    """Some service or the host emits to it."""
    folders = (*(f"services/{name}" for name in (*FOLDS, "auditor")), *SHELLS)

    assert [folder for folder in folders if log in written(folder)]


@pytest.mark.parametrize("fold", FOLDS)
def test_what_a_fold_makes_lies_in_a_log_it_writes(fold: str) -> None:
    """The published channels know every type that a fold constructs."""
    lying = {model.TYPE for log in written(f"services/{fold}") for model in CHANNELS[log]}

    assert made(f"services/{fold}") <= lying


@pytest.mark.parametrize("log", logs.POLICIES)
def test_only_the_governor_writes_policy(log: str) -> None:
    """Commands have one author."""
    authors = [name for name in FOLDS if log in written(f"services/{name}")]

    assert authors == ["governor"]
