"""The deployment protocol as an OpenAPI document, for whoever writes a server in another language.

Source: OpenAPI 3.1.0. What a server must do beside its form, `homeostat conform server URL` tries out.
"""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from homeostat.codec.schemas import Json, describe_fields
from homeostat.serving.deployment import Deployment, ModelState

FILE: Final = "deployment-protocol.json"
"""Name of the document under `schemas/`."""

PATH: Final = "/models/{scope}/{model}/deployment"
_PROMISES: Final = (
    "What the rollout actuator asks of a server of models, whoever wrote it. A deployment is the whole state of "
    "serving of one model: a server takes all of it or, with any answer but 200, nothing. Deployments are fenced: "
    "of one source a lower sequence than the last never acts (409), the same one acts once and is answered with "
    "200 each time. `OFFSET.ORDINAL` is compared as two numbers; other sources have fences of their own. What was "
    "set survives a restart. A client error is final: nobody asks again. After 401, any server error and no "
    "answer at all the same deployment is sent again, until it expires."
)
_COMPONENTS: Final = "#/components/schemas/{name}"


class Refusal(msgspec.Struct, frozen=True):
    """Why a server did not do what it was asked to.

    Args:
        reason: In one word: `stale` if a later deployment of the same source has acted, `unauthorized`,
            `deployment_invalid`, `artifact_unknown`, `artifact_unusable`, or a word of the server's own.
        detail: For people.
    """

    reason: str = ""
    detail: str = ""


def openapi() -> Json:
    """Return the document."""
    _, schemas = msgspec.json.schema_components((Deployment, ModelState, Refusal), ref_template=_COMPONENTS)
    for schema in schemas.values():
        describe_fields(schema)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Homeostat deployment protocol",
            "version": "1",
            "description": _PROMISES,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": "/", "description": "The base URL that the rollout actuator is given."}],
        "security": [],
        "paths": {PATH: {"parameters": [_parameter("scope"), _parameter("model")], "get": _get(), "put": _put()}},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The server's token, a line of a file."}
            },
        },
    }


def export(folder: Path) -> Path:
    """Write the document; the same code gives the same bytes."""
    path = folder / FILE
    text = json.dumps(openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def _parameter(name: str) -> Json:
    form = {"type": "string", "pattern": "^[^/]+$"}
    return {"name": name, "in": "path", "required": True, "schema": form}


def _answer(description: str, name: str) -> Json:
    content: Any = {"application/json": {"schema": {"$ref": _COMPONENTS.format(name=name)}}}
    return {"description": description, "content": content}


def _get() -> Json:
    return {
        "operationId": "readDeployment",
        "summary": "Say what a model serves.",
        "responses": {
            "200": _answer("What was set last.", "ModelState"),
            "404": _answer("Nothing was ever set, or the server has no such model.", "Refusal"),
        },
    }


def _put() -> Json:
    return {
        "operationId": "setDeployment",
        "summary": "Serve this, at once and whole, or go on with what served before.",
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _COMPONENTS.format(name="Deployment")}}},
        },
        "responses": {
            "200": _answer("It serves, or has acted before: what is served now.", "ModelState"),
            "401": _answer("No token, or not this server's; asked again with the token as it is then.", "Refusal"),
            "404": _answer("The server has no such model, and takes none.", "Refusal"),
            "409": _answer("`stale`: a later deployment of the same source has acted.", "Refusal"),
            "413": _answer("The body is too large.", "Refusal"),
            "422": _answer("It cannot be served, ever: its form, its sequence, or an artifact.", "Refusal"),
            "503": _answer("Not now: asked again.", "Refusal"),
        },
    }
