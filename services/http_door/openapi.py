"""The OpenAPI document of the door: types, limits and reasons read off the code."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from homeostat.codec.schemas import DIALECT
from homeostat.events import COLUMNS, MODELS
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.events.routes import INGRESS_OF
from homeostat.services.http_door.binding import BATCH, PROOF, STRUCTURED
from homeostat.services.http_door.refusals import PROBLEM, STATUS, UNPROCESSABLE
from homeostat.services.http_door.settings import HttpDoorSettings

EVENTS: Final = "/v1/events"
OPENAPI: Final = "/v1/openapi.json"

Json = dict[str, Any]
_TEXT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 400}
_NAME: Final = r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}"
_PAIR: Final = f"^{_NAME}/{_NAME}$"
_SCOPE: Final = rf"^(\*|{_NAME})$"
_SUBJECT: Final = rf"^(\*|{_NAME}(/{_NAME})?)$"
_REF: Final = "#/components/schemas/{model}"
_EXTENSION: Final[Json] = {
    "type": ["string", "integer", "boolean", "null"],
    "minimum": -(2**31),
    "maximum": 2**31 - 1,
    "description": "Extension attributes are carried along.",
}
_CONTENT_TYPES: Final = ["application/json", "application/msgpack", "application/vnd.apache.arrow.stream"]
_ATTRIBUTES: Final[dict[str, Json]] = {
    "specversion": {"type": "string", "const": "1.0"},
    "id": {**_TEXT, "description": "With source it names the event: the same again is dropped."},
    "source": {**_TEXT, "format": "uri-reference", "description": "Who says it. Distrust acts on it."},
    "type": {"type": "string", "description": "Decides the topic."},
    "subject": {
        "type": "string",
        "pattern": _SUBJECT,
        "description": "What it is about, `scope/model`, `scope/family` or a scope: the key of the record.",
    },
    "time": {
        "type": "string",
        "format": "date-time",
        "description": "The sender's; that of arrival if it is left out.",
    },
    "correlationid": {
        "type": "string",
        "maxLength": 801,
        "description": "Story; the event opens one if it is left out.",
    },
    "signature": {
        "type": "string",
        "pattern": "^[A-Za-z0-9+/]{86}==$",
        "description": "Base64 of the Ed25519 signature (docs/requests.md).",
    },
    "keyid": {
        "type": "string",
        "pattern": "^[0-9a-f]{16}$",
        "description": "First 16 hex digits of the sha256 of the raw public key.",
    },
    "publickey": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Raw public key, 32 bytes in hex."},
}
_REQUIRED: Final = ("specversion", "id", "source", "type", "subject")
_STATUS_TEXT: Final = {
    400: "It cannot be read as CloudEvents.",
    401: "No token, or none that is known.",
    403: "The token does not speak for this scope, or not through this door.",
    408: "The body came too slowly.",
    413: "Too large, or too many events at once.",
    415: "A content type that is not taken.",
    421: "Without tokens: the Host header does not name this machine.",
    422: "The door would refuse it, for the reason that is given. Nothing was sent.",
    429: "More events than this token may send; see Retry-After.",
    503: "Kafka has not acknowledged all of it, or too much waits; the same again does no harm. See Retry-After.",
}


_TYPES: Final = tuple(sorted(INGRESS_OF))


def document(settings: HttpDoorSettings, types: Sequence[str] = _TYPES) -> Json:
    """Return the document, OpenAPI 3.1.

    Args:
        settings: Limits that are told.
        types: Event types that are described, of those that a door takes.
    """
    has_tokens = bool(settings.tokens or settings.token_file or settings.oidc_issuer)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Homeostat, HTTP door",
            "version": "1",
            "description": (
                "CloudEvents 1.0 into the ingress topics. 202 means that Kafka has all of them; what intake refuses of "
                f"them later lies in quarantine. A body has at most {settings.body_bytes} bytes, a batch "
                f"{settings.batch_events} events, a token {settings.events_per_second:g} events a second."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "paths": {
            EVENTS: {"post": _post(types) | ({"security": [{"token": []}]} if has_tokens else {})},
            OPENAPI: {"get": _get("This document.", "application/json", {"type": "object"})},
            "/healthz": {"get": _get("The process is alive.", "text/plain; charset=utf-8", {"type": "string"})},
            "/readyz": {
                "get": _get("Kafka is there.", "text/plain; charset=utf-8", {"type": "string"}, 503, "It is not.")
            },
            "/metrics": {
                "get": _get("For Prometheus.", "text/plain; version=0.0.4; charset=utf-8", {"type": "string"})
            },
        },
        "components": {
            "schemas": _schemas(settings, types),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _get(says: str, media_type: str, schema: Json, other: int = 0, otherwise: str = "") -> Json:
    content = {"content": {media_type: {"schema": schema}}}
    more = {str(other): {"description": otherwise, **content}} if other else {}
    return {"summary": says, "responses": {"200": {"description": says, **content}} | more}


def _post(types: Sequence[str]) -> Json:
    retry = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    challenge = {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}}}
    headers = {429: retry, 503: retry, 401: challenge, 403: challenge}
    refusal = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {
        "operationId": "postEvents",
        "summary": "Put events into the ingress topics, all of them or none.",
        "description": (
            "Binary mode: attributes are the headers ce-…, the body is the payload. A signed event brings signature, "
            "key-id and public-key, or the attributes signature, keyid and publickey."
        ),
        "parameters": [
            {"name": f"ce-{name}", "in": "header", "required": False, "schema": schema}
            for name, schema in _attributes(types).items()
        ]
        + [
            {"name": header, "in": "header", "required": False, "schema": _ATTRIBUTES[name]}
            for name, header in PROOF.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": {"$ref": "#/components/schemas/CloudEvent"}},
                BATCH: {"schema": {"$ref": "#/components/schemas/Batch"}},
                "application/json": {"schema": {"$ref": "#/components/schemas/Payload"}},
                "application/msgpack": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "responses": {
            "202": {
                "description": "Kafka has all of them.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}},
            }
        }
        | {
            str(status): {"description": _STATUS_TEXT[status], **refusal}
            | ({"headers": headers[status]} if status in headers else {})
            for status in sorted({*STATUS.values(), UNPROCESSABLE})
        },
    }


def _event(type_: str, payload: Json) -> Json:
    """What is asked of one type beside what all events have: its payload, its subject, a signature at two doors."""
    door = INGRESS_OF[type_]
    subject = {TELEMETRY: _PAIR, TRACES: _PAIR, REQUESTS: _SCOPE}.get(door, _SUBJECT)
    return {
        "title": type_,
        "required": [
            *(() if type_ in COLUMNS else ("data",)),
            *(("signature", "keyid") if door in (REQUESTS, REPORTS) else ()),
        ],
        "properties": {"type": {"const": type_}, "subject": {"pattern": subject}, "data": payload},
    }


def _attributes(types: Sequence[str]) -> Json:
    return _ATTRIBUTES | {"type": {**_ATTRIBUTES["type"], "enum": list(types)}}


def _schemas(settings: HttpDoorSettings, types: Sequence[str]) -> Json:
    refs, payloads = models_json_schema([(MODELS[type_], "validation") for type_ in types], ref_template=_REF)
    schemas: Json = payloads["$defs"]
    for payload in schemas.values():
        payload.get("properties", {}).pop("provenance", None)  # intake sets it
    events = [_event(type_, refs[(MODELS[type_], "validation")]) for type_ in types]
    reason = {"type": "string", "description": "A stable code; dashboards and senders route on it."}
    detail = {"type": "string", "description": "What is wrong, and what would be right."}
    refused: Json = {
        "type": "object",
        "required": ["index", "reason", "detail"],
        "properties": {"index": {"type": "integer", "minimum": 0}, "reason": reason, "detail": detail},
    }
    return schemas | {
        "CloudEvent": {
            "type": "object",
            "required": list(_REQUIRED),
            "properties": {
                **_attributes(types),
                "datacontenttype": {"enum": _CONTENT_TYPES, "default": _CONTENT_TYPES[0]},
                "data": {"description": "The payload; its bytes are kept as they are written here."},
                "data_base64": {"type": "string", "contentEncoding": "base64"},
            },
            "additionalProperties": _EXTENSION,
            "propertyNames": {"pattern": "^([a-z0-9]{1,64}|data_base64)$"},
            "not": {"required": ["data", "data_base64"]},
            "oneOf": events,
        },
        "Batch": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/CloudEvent"},
            "maxItems": settings.batch_events,
        },
        "Payload": {"anyOf": [refs[(MODELS[type_], "validation")] for type_ in types]},
        "Accepted": {
            "type": "object",
            "required": ["accepted"],
            "properties": {"accepted": {"type": "integer", "minimum": 0, "description": "Events that Kafka has."}},
        },
        "Problem": {
            "type": "object",
            "required": ["status", "reason", "detail"],
            "properties": {
                "status": {"type": "integer"},
                "reason": reason,
                "detail": detail,
                "refused": {
                    "type": "array",
                    "items": refused,
                    "description": "The events of a batch that are refused.",
                },
            },
        },
    }
