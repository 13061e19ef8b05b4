"""The documents are true: every setting and command is in them, and nothing that is not there.

`python tests/contract/test_docs.py` writes the generated part of `docs/configuration.md` anew.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic_settings import BaseSettings

from homeostat.runtime import librdkafka
from homeostat.runtime.librdkafka import check_properties, properties_of
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.app import app

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BEGIN, END = "<!-- generated: python tests/contract/test_docs.py -->", "<!-- /generated -->"
README_LINES = 170
_ANY = "text"
_CHOICES = ("security.protocol", "sasl.oauthbearer.method")
"""Settings of librdkafka that do not take any text."""

NAMED = re.compile(r"HOMEOSTAT_[A-Z_]*[A-Z](?![A-Z_])")  # a prefix ends in an underscore


def settings_classes() -> list[type[BaseSettings]]:
    """Every class that reads the environment: the hosts', then one per service that has any, by name."""
    found: list[type[BaseSettings]] = [HostSettings]
    for path in sorted((ROOT / "services").glob("*/settings.py")):
        module = importlib.import_module(f"homeostat.services.{path.parent.name}.settings")
        classes = [value for value in vars(module).values() if inspect.isclass(value)]
        found += [value for value in classes if issubclass(value, BaseSettings) and value.__module__ == module.__name__]
    return found


def variables(settings: type[BaseSettings]) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of each variable of a class; the meaning is in its docstring."""
    doc = inspect.cleandoc(settings.__doc__ or "").partition("Args:")[2]
    told = dict(re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", doc, re.MULTILINE))
    for name, field in settings.model_fields.items():
        if name == "kafka":
            continue  # any number of variables, which the text explains
        variable = field.validation_alias or f"{settings.model_config['env_prefix']}{name}".upper()
        meaning = re.sub(r"\s+", " ", told[name]).replace("|", "\\|")
        yield str(variable), shown(field.get_default(call_default_factory=True, validated_data={})), meaning


def shown(value: Any) -> str:
    """A default as one would set it: JSON for lists and tables, and no path of this machine."""
    plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    text = json.dumps(plain) if isinstance(plain, bool | dict | tuple) else str(plain)
    return f"`{text.replace(sys.executable, 'python')}`" if text and plain is not None else ""


def generated() -> str:
    """The tables of all settings classes."""
    parts = []
    for settings in settings_classes():
        first = inspect.cleandoc(settings.__doc__ or "").splitlines()[0]
        rows = "\n".join(f"| `{name}` | {default} | {meaning} |" for name, default, meaning in variables(settings))
        owner = "Every process and client" if settings is HostSettings else f"`{settings.__module__.split('.')[-2]}`"
        parts.append(f"## {owner}\n{first}\n\n| variable | default | meaning |\n|---|---|---|\n{rows}\n")
    return f"{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}"


def replaced(text: str) -> str:
    """A document with its generated part renewed."""
    before, _, rest = text.partition(BEGIN)
    return before + generated() + rest.partition(END)[2]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Full names of all commands; a group that does something without a subcommand is one too."""
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield " ".join(path)
    for name, child in children.items():
        yield from commands(child, (*path, name))


COMMANDS = sorted(commands(typer.main.get_command(app)))


def test_the_configuration_is_that_of_the_code() -> None:
    """Every variable with its default and meaning. To renew: `python tests/contract/test_docs.py`."""
    text = CONFIGURATION.read_text("utf-8")

    assert text == replaced(text), "out of date: run `python tests/contract/test_docs.py`"


def test_every_variable_that_the_code_names_is_documented() -> None:
    """Those too that no settings class has."""
    sources = [path for folder in ("shared", "services") for path in sorted((ROOT / folder).rglob("*.py"))]
    named = {name for path in sources for name in NAMED.findall(path.read_text("utf-8"))}

    assert sorted(named - set(NAMED.findall(CONFIGURATION.read_text("utf-8")))) == []


def test_every_documented_variable_is_known_to_the_code() -> None:
    """No document speaks of a setting that does nothing; some are for the tests."""
    sources = [path for folder in ("shared", "services", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    known = {name for path in sources for name in NAMED.findall(path.read_text("utf-8"))}
    known |= {name for settings in settings_classes() for name, _, _ in variables(settings)}
    named = {name for path in DOCUMENTS for name in NAMED.findall(path.read_text("utf-8"))}
    properties = {name for name in named if name.startswith(librdkafka.PREFIX)}
    check_properties({name: _ANY for name in properties_of(dict.fromkeys(properties, "")) if name not in _CHOICES})

    assert sorted(named - known - properties) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """In the document of the command line."""
    assert re.search(rf"`homeostat {command}\b", (ROOT / "docs" / "cli.md").read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_commands_that_there_are(document: Path) -> None:
    """What stands in code after `homeostat` can be typed."""
    groups = {command.split()[0] for command in COMMANDS}
    wrong = []
    for first, second in re.findall(r"`homeostat ([a-z-]+)(?: ([a-z]+))?", document.read_text("utf-8")):
        has_children = any(command.startswith(f"{first} ") for command in COMMANDS)
        if first not in groups or (has_children and second and f"{first} {second}" not in COMMANDS):
            wrong.append(f"{first} {second}".strip())

    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """To a file of this repository, relative to the document."""
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8"))

    assert [target for target in targets if "://" not in target and not (document.parent / target).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    """And has a status, options, and consequences of both kinds."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")
    for path in sorted(folder.glob("0*.md")):
        text = path.read_text("utf-8")

        assert f"]({path.name})" in index
        assert all(
            part in text for part in ("**Status:**", "## Context", "## Options", "## Decision", "- Good:", "- Bad:")
        )


def test_the_readme_names_every_folder_of_services() -> None:
    """Who reads it knows where everything is."""
    readme = (ROOT / "README.md").read_text("utf-8")
    services = [path.parent.name for path in sorted((ROOT / "services").glob("*/__init__.py"))]
    shared = [path.parent.name for path in sorted((ROOT / "shared" / "homeostat").glob("*/__init__.py"))]

    assert [name for name in services if f"`services/{name}`" not in readme] == []
    assert [name for name in shared if f"`{name}`" not in readme] == []


def test_the_readme_is_short() -> None:
    """A first screen and three more."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES


if __name__ == "__main__":
    CONFIGURATION.write_text(replaced(CONFIGURATION.read_text("utf-8")), encoding="utf-8")
