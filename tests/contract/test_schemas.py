"""The committed `schemas/` are what the code says, and are valid."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from homeostat.codec.schemas import DIALECT, asyncapi, export, schema_of
from homeostat.events import MODELS, schema_path
from homeostat.events.logs import LOGS
from homeostat.events.routes import TYPES_IN
from homeostat.serving import openapi

COMMITTED = Path(__file__).parents[2] / "schemas"


def test_the_committed_schemas_are_a_fresh_export(tmp_path: Path) -> None:
    """Nothing forgotten, nothing left over. To renew: `homeostat schemas`."""
    written = [*export(tmp_path), openapi.export(tmp_path)]
    fresh = {path.relative_to(tmp_path): path.read_text("utf-8") for path in written}

    committed = {path.relative_to(COMMITTED): path.read_text("utf-8") for path in COMMITTED.rglob("*.json")}

    assert sorted(committed) == sorted(fresh)
    assert committed == fresh


def test_two_exports_are_equal(tmp_path: Path) -> None:
    """Deterministic, byte for byte."""
    first, second = export(tmp_path / "1"), export(tmp_path / "2")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def forms_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema, or of a type with kinds those of its kinds."""
    kinds = [kind["$ref"].rpartition("/")[2] for kind in schema.get("oneOf", ())]
    return [schema["$defs"][name] for name in kinds] or [schema]


@pytest.mark.parametrize("type_", MODELS)
def test_every_type_has_a_valid_schema(type_: str) -> None:
    """2020-12, closed, named by a URN, every field described by the docstring or by its name alone."""
    schema = json.loads((COMMITTED / schema_path(type_)).read_text("utf-8"))

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:homeostat:schema:{type_}"
    assert [form for form in forms_of(schema) if form["additionalProperties"] is not False] == []
    assert "Args:" not in json.dumps(schema)


@pytest.mark.parametrize("type_", MODELS)
def test_the_docstring_describes_every_field(type_: str) -> None:
    """A schema is read by people who have no code."""
    forms = forms_of(schema_of(MODELS[type_]))

    fields = [(name, field) for form in forms for name, field in form["properties"].items()]
    assert [name for name, field in fields if not field.get("description")] == []


def references(node: object) -> list[str]:
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for item in node for ref in references(item)] if isinstance(node, list) else []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """Inside the document, or to a committed schema."""
    document = asyncapi()

    for reference in references(document):
        if reference.startswith("#/"):
            node: Any = document
            for part in reference[2:].split("/"):
                node = node[part]
        else:
            assert (COMMITTED / reference).is_file()


def test_every_log_is_a_channel_and_every_type_lies_somewhere() -> None:
    """And nothing else does."""
    assert sorted(TYPES_IN) == sorted(log.name for log in LOGS)
    assert {model.TYPE for models in TYPES_IN.values() for model in models} == set(MODELS)
    assert len(asyncapi()["channels"]) == len(LOGS)


def test_a_channel_shows_its_kafka_binding() -> None:
    """Topic, retention, and partitions where they are fixed."""
    binding = asyncapi()["channels"]["governance"]["bindings"]["kafka"]

    assert binding["topic"] == "homeostat.governance"
    assert binding["partitions"] == 1
    assert binding["topicConfiguration"] == {"cleanup.policy": ["delete"], "retention.ms": -1}
