"""The committed contract: a JSON Schema per event type, and one AsyncAPI document over all logs.

Source: JSON Schema 2020-12; AsyncAPI 3.0.0; AsyncAPI Kafka bindings 0.5.0; CloudEvents 1.0.2 with its Kafka
protocol binding.
"""

import json
import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from homeostat.events import COLUMNS, MODELS, Data, schema_path, short
from homeostat.events.logs import DOORS, LOGS, Log
from homeostat.events.routes import TYPES_IN

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_BINDING: Final = "0.5.0"
_FORMAT: Final = "application/schema+json;version=2020-12"
_ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.*)$")

Json = dict[str, Any]


def export(folder: Path) -> list[Path]:
    """Write `<noun>/<verb>.v1.json` for every type and `asyncapi.json`; the same code gives the same bytes.

    Args:
        folder: Usually `schemas/`; files of types that no longer exist are left alone.

    Returns:
        What was written, sorted.
    """
    documents = {schema_path(type_): schema_of(model) for type_, model in MODELS.items()}
    documents["asyncapi.json"] = asyncapi()
    written = []
    for name, document in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return sorted(written)


def schema_of(model: type[Data]) -> Json:
    """Return the JSON Schema 2020-12 of a payload; what its docstring says of a field describes that field.

    Of a type that has kinds it is one of the schemas of these, told apart by `kind`.
    """
    schema = {"$schema": DIALECT, "$id": f"urn:homeostat:schema:{model.TYPE}", **model.model_json_schema()}
    inherited: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, Data):
            inherited |= _arguments(parent.__doc__ or "")[1]
    kinds = [kind["$ref"].rpartition("/")[2] for kind in schema.get("oneOf", ())]
    if kinds:
        schema |= {"title": model.__name__, "description": model.__doc__ or ""}
    describe_fields(schema, inherited)
    for name, definition in schema.get("$defs", {}).items():
        describe_fields(definition, inherited if name in kinds else {})
    return schema


def describe_fields(schema: Json, inherited: Mapping[str, str] | None = None) -> None:
    """Move `Args:` of a docstring from the description of a schema, in place, to its properties."""
    schema["description"], own = _arguments(schema.get("description", ""))
    for name, said in (dict(inherited or {}) | own).items():
        if name in schema.get("properties", {}):
            schema["properties"][name].setdefault("description", said)


def _arguments(doc: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into its text and what it says of each argument."""
    text, _, tail = cleandoc(doc).partition("Args:\n")
    said: dict[str, str] = {}
    name = ""
    for line in tail.splitlines():
        match = _ARGUMENT.match(line)
        if match:
            name = match[1]
            said[name] = match[2]
        elif name and line.strip():
            said[name] += " " + line.strip()
    return text.strip(), said


def asyncapi() -> Json:
    """Return the AsyncAPI document: every log is a channel, its types are its messages."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:homeostat",
        "info": {
            "title": "Homeostat",
            "version": "1",  # of the contract: grows when a type gets a new major version
            "description": (
                "Logs of CloudEvents 1.0 in binary mode. Users write the doors and read the rest. `(ce_source, ce_id)` "
                "names an event: after a crash a plain consumer may see the same event, byte for byte, twice."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "A Kafka cluster.",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of a broker."}},
            }
        },
        "channels": {_channel_name(log): _channel(log) for log in LOGS},
        "operations": dict(_operation(log) for log in LOGS),
        "components": {
            "messages": dict(_messages()),
            "messageTraits": {
                "cloudEvents": {
                    "headers": _headers(),
                    "correlationId": {"location": "$message.header#/ce_correlationid"},
                }
            },
        },
    }


def _channel_name(log: Log) -> str:
    return log.name.removeprefix("homeostat.").replace("-", "_").replace(".", "_")


def _message_name(model: type[Data], log: Log) -> str:
    """Name of a type's message in a log: the hot types have another form behind the doors."""
    name = short(model.TYPE).replace(".", "_").replace("-", "_")
    return name + "_columns" if model.TYPE in COLUMNS and log.name not in DOORS else name


def _channel(log: Log) -> Json:
    config = log.config()
    kafka: Json = {
        "topic": log.name,
        "topicConfiguration": {
            "cleanup.policy": config["cleanup.policy"].split(","),
            "retention.ms": int(config["retention.ms"]),
        },
        "bindingVersion": _BINDING,
    }
    if log.partitions is not None:
        kafka["partitions"] = log.partitions
    names = [_message_name(model, log) for model in TYPES_IN[log.name]]
    return {
        "address": log.name,
        "description": f"{log.purpose[0].upper()}{log.purpose[1:]}. Key: {log.subject}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": kafka},
    }


def _operation(log: Log) -> tuple[str, Json]:
    """What Homeostat does with a log, as its users see it: it receives from the doors and sends to the rest."""
    name = _channel_name(log)
    action = "receive" if log.name in DOORS else "send"
    return f"{action}_{name}", {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _messages() -> Iterator[tuple[str, Json]]:
    for log in LOGS:
        for model in TYPES_IN[log.name]:
            name = _message_name(model, log)
            is_columns = name.endswith("_columns")
            message: Json = {
                "name": model.TYPE,
                "title": short(model.TYPE),
                "summary": (model.__doc__ or "").strip().splitlines()[0],
                "contentType": "application/msgpack" if is_columns else "application/json",
                "traits": [{"$ref": "#/components/messageTraits/cloudEvents"}],
                "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": _BINDING}},
            }
            if is_columns:
                message["description"] = (
                    "The rows of the JSON form as columns: a msgpack map whose arrays are raw little-endian bytes, "
                    f"as `homeostat.events.columns.{COLUMNS[model.TYPE].__name__}` says."
                )
            else:
                message["payload"] = {"schemaFormat": _FORMAT, "schema": {"$ref": f"./{schema_path(model.TYPE)}"}}
            yield name, message


def _headers() -> Json:
    """CloudEvents attributes in binary mode, with the extensions that every event of ours has."""
    text: Json = {"type": "string"}
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {**text, "description": "With ce_source it names the event; the key to remove duplicates by."},
            "ce_source": {**text, "format": "uri-reference", "description": "Who wrote it."},
            "ce_type": {**text, "pattern": r"^homeostat\.[a-z\-]+\.[a-z\-]+\.v[0-9]+$"},
            "ce_time": {**text, "format": "date-time", "description": "Broker time of the input that led here."},
            "ce_subject": {**text, "description": "What it is about: the key of the record."},
            "ce_sequence": {**text, "description": "Order of events of one source; compare as text."},
            "ce_causationid": {**text, "description": "<source>#<id> of the event that led here."},
            "ce_correlationid": {**text, "description": "<source>#<id> of the event that opened the story."},
            "content-type": text,
            "traceparent": {**text, "description": "W3C Trace Context, derived: trace = story, span = event."},
            "signature": {**text, "description": "Base64 Ed25519 over the DSSE encoding; commands and verdicts."},
            "key-id": {**text, "description": "Key that made the signature."},
        },
    }
