"""`events.catalogue` is what the code does: who makes and who reads each type, and which topics it is emitted to."""

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

import pytest

from homeostat import events
from homeostat.events import Data, EventRefused, logs, short
from homeostat.events.catalogue import CATALOGUE, Row
from homeostat.events.logs import DOORS, LOGS, POLICIES, QUARANTINE, REPORTS
from homeostat.events.routes import TOPICS_OF, topics_read_by, topics_written_by
from homeostat.runtime import registry

ROOT = Path(__file__).parents[2]
INPUT_OF = {name: entry.topic for name, entry in registry.folds().items()}
FOLDS = tuple(dict.fromkeys(fold.partition(".")[0] for fold in INPUT_OF))
HANDS = tuple(registry.hands())
SERVICES = (*FOLDS, *HANDS, "auditor")
SHELLS = {
    "host": ("shared/homeostat/runtime", "shared/homeostat/commands"),
    "client": ("shared/homeostat/client",),
    "cli": ("shared/homeostat_tools",),
    "audit": ("shared/homeostat/audit",),
}
"""What runs the services, what users call, what people look through, and what verifies."""

CLASSES: dict[str, type] = {name: value for name, value in vars(events).items() if isinstance(value, type)}
LOG_NAMES: dict[str, str] = {name: value for name, value in vars(logs).items() if isinstance(value, str)}

every_row = pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: short(row.type.TYPE))


def folders_of(name: str) -> tuple[str, ...]:
    """Where the code of a writer or reader lies; nothing for `people` and `nobody`."""
    if name in ("people", "nobody"):
        return ()
    return SHELLS.get(name) or (f"services/{name.partition('.')[0]}",)


@cache
def trees(folder: str) -> tuple[ast.Module, ...]:
    """Syntax trees of a folder's modules."""
    return tuple(ast.parse(path.read_text("utf-8"), path.name) for path in sorted((ROOT / folder).rglob("*.py")))


def types_of(name: str) -> set[str]:
    """Event types that a class of this name stands for, those of its subclasses included."""
    class_ = CLASSES.get(name)
    if class_ is None or class_ is Data:
        return set()
    type_ = getattr(class_, "TYPE", None)  # of columns too, and of a kind: several classes have one type
    own = {type_} if isinstance(type_, str) else set()
    return own | {row.type.TYPE for row in CATALOGUE if issubclass(row.type, class_)}


def names_in(node: ast.AST) -> set[str]:
    """Plain names and last parts of dotted ones."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


@cache
def made(folder: str) -> set[str]:
    """Types that are constructed in a folder."""
    calls = [node for tree in trees(folder) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    classes = [CLASSES[name] for call in calls for name in names_in(call.func) if name in CLASSES]
    return {type_ for class_ in classes if isinstance(type_ := getattr(class_, "TYPE", None), str)}


@cache
def named(folder: str) -> set[str]:
    """Types whose class a folder names at all, imports apart."""
    return {type_ for tree in trees(folder) for name in names_in(tree) for type_ in types_of(name)}


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
    """Topics that a folder emits to: `Emit(TOPIC, …)`, `Output(TOPIC, …)`, or through a table of topics."""
    found: set[str] = set()
    for tree in trees(folder):
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        emits = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("Emit", "Output")]
        for call in emits:
            if call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in LOG_NAMES:
                found.add(LOG_NAMES[call.args[0].id])
            elif call.args:  # a variable: any topic that the module names may be meant
                found |= {LOG_NAMES[name] for name in names_in(tree) if name in LOG_NAMES}
    return found


def in_reach(service: str, types: Collection[str]) -> set[str]:
    """Types among these that a service is sent: they lie in its input, or in what a hand works from and not from it."""
    if inputs := {topic for fold, topic in INPUT_OF.items() if fold.partition(".")[0] == service}:
        return {type_ for type_ in types if inputs & set(TOPICS_OF[type_])}
    inputs = set(topics_read_by(service))
    return {type_ for type_ in types if inputs & set(TOPICS_OF[type_]) and REPORTS not in TOPICS_OF[type_]}


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "intake"])
def test_a_service_reads_what_the_catalogue_says(service: str) -> None:
    """What it tells apart of what lies in its topics, no more and no less: else mend the row or the code."""
    said = {row.type.TYPE for row in CATALOGUE if service in row.readers}

    assert said == in_reach(service, read(f"services/{service}"))


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_makes_is_in_its_rows(service: str) -> None:
    """A type that it constructs and that is not its input has it as a writer."""
    said = {row.type.TYPE for row in CATALOGUE if any(writer.partition(".")[0] == service for writer in row.writers)}

    assert made(f"services/{service}") - in_reach(service, read(f"services/{service}")) <= said


@every_row
def test_a_row_claims_nothing(row: Row) -> None:
    """Who it names as a writer names its class, or lets it in; who it names as a reader tells it apart."""
    for writer in row.writers:
        is_let_in = writer.startswith("intake.") and row.ingress == INPUT_OF[writer]
        folders = folders_of(writer)
        is_refusal = row.type is EventRefused and any(QUARANTINE in written(folder) for folder in folders)
        is_named = any(row.type.TYPE in named(folder) for folder in folders)
        assert is_let_in or is_refusal or is_named or writer == "nobody", writer
    for reader in row.readers:
        folders = folders_of(reader)
        assert not folders or any(row.type.TYPE in read(folder) for folder in folders), reader


@every_row
def test_every_event_has_a_writer_and_a_reader(row: Row) -> None:
    """Where that is nobody yet, or people only, a note says why, and no service reads it."""
    assert row.writers
    assert row.readers
    if "nobody" in (*row.writers, *row.readers) or "people" in row.readers:
        assert row.note
    if {"nobody", "people"} & set(row.readers):
        assert {"nobody", "people"} >= set(row.readers) - set(SHELLS)


@every_row
def test_what_is_let_in_is_passed_on_by_intake(row: Row) -> None:
    """An ingress topic is a door, its fold writes the type behind it, and nobody but hands writes into a door."""
    intakes = {writer for writer in row.writers if writer in INPUT_OF and INPUT_OF[writer] in DOORS}
    into_doors = {writer for writer, topics in row.writers.items() if set(topics) & set(DOORS)}

    assert row.ingress is None or row.ingress in {INPUT_OF[intake] for intake in intakes}
    assert into_doors <= {*HANDS, "host"}


@pytest.mark.parametrize("log", [log.name for log in LOGS if log.kind == "log"])
def test_every_log_has_a_writer(log: str) -> None:
    """Some service, the host or the command line emits to it."""
    writers = {writer for row in CATALOGUE for writer, topics in row.writers.items() if log in topics}

    assert writers - {"nobody"}


@pytest.mark.parametrize("fold", FOLDS)
def test_a_fold_emits_to_the_topics_of_its_rows(fold: str) -> None:
    """Its code names those topics, and no others."""
    said = {topic for name in INPUT_OF if name.partition(".")[0] == fold for topic in topics_written_by(name)}

    assert written(f"services/{fold}") == said


@pytest.mark.parametrize("log", POLICIES)
def test_only_the_governor_writes_policy(log: str) -> None:
    """Commands have one author."""
    assert [name for name in FOLDS if log in written(f"services/{name}")] == ["governor"]
    assert [name for name in INPUT_OF if log in topics_written_by(name)] == ["governor"]
