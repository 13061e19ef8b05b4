"""The OpenAPI document is true: what Schemathesis makes of it is answered as it says."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.unit.http_door.conftest import MemorySink

from homeostat.events.routes import INGRESS_OF
from homeostat.services.http_door.access import Access
from homeostat.services.http_door.openapi import document
from homeostat.services.http_door.refusals import STATUS
from homeostat.services.http_door.server import Door, create_app
from homeostat.services.http_door.settings import HttpDoorSettings

CHECKS: Any = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
SINK = MemorySink()
APP = create_app(Door(HttpDoorSettings(), Access("127.0.0.1", None, None), SINK), "0")
TYPES = ("homeostat.model.registered.v1", "homeostat.signal.observed.v1")
"""Of all of them Schemathesis makes nothing but schemas, for minutes."""

SCHEMA = schemathesis.openapi.from_dict(document(HttpDoorSettings(), TYPES))
SCHEMA.app = APP
SCHEMA.config.phases.update(phases=["fuzzing"])


@SCHEMA.parametrize()
@settings(max_examples=50, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_in_the_document(case: Any) -> None:
    """Whatever is sent, right or wrong: status, content type, headers and body are those that are told."""
    case.call_and_validate(base_url="http://127.0.0.1:8090", checks=CHECKS)


def test_events_of_the_document_are_taken() -> None:
    """Some of what it calls an event arrives: the schema is not another one than the door's."""
    assert SINK.records()


def test_it_names_every_type_that_a_door_takes() -> None:
    """And every status that there is, with the limits in force."""
    told = document(HttpDoorSettings(batch_events=7))

    schemas = told["components"]["schemas"]
    assert set(schemas["CloudEvent"]["properties"]["type"]["enum"]) == set(INGRESS_OF)
    assert {event["title"] for event in schemas["CloudEvent"]["oneOf"]} == set(INGRESS_OF)
    assert schemas["Batch"]["maxItems"] == 7
    post = told["paths"]["/v1/events"]["post"]
    assert set(post["responses"]) == {"202", "422", *map(str, STATUS.values())}
    assert "security" not in post
    assert document(HttpDoorSettings(oidc_issuer="x", oidc_audience="y"))["paths"]["/v1/events"]["post"]["security"]


def test_its_references_lead_somewhere() -> None:
    """Within the document."""
    told = document(HttpDoorSettings())
    named = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", repr(told)))

    assert named
    assert named <= set(told["components"]["schemas"])


@pytest.mark.parametrize("reason", STATUS)
def test_a_reason_is_a_code(reason: str) -> None:
    """Dashboards route on it."""
    assert re.fullmatch(r"[a-z_]+", reason)
