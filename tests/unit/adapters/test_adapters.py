"""What all adapters have in common: valid events with stable ids, and errors that name the field."""

import msgspec
import pytest
from tests.unit.adapters.payloads import FILES, FOLDER, read

from homeostat.adapters import AdaptedEvent, UnreadablePayload, adapter, adapters
from homeostat.adapters.registry import ADAPTERS, AdapterUnknown
from homeostat.client.checking import Checker
from homeostat.client.event_builder import EventBuilder
from homeostat.events.logs import TRACES
from homeostat.events.routes import INGRESS_OF

_CASES = [(name, file) for name, files in FILES.items() for file in files]


def _missing(name: str, path: str) -> bytes:
    """A fixture without one field."""
    body = msgspec.json.decode((FOLDER / FILES[name][0]).read_bytes())
    *above, last = path.replace("]", "").replace("[", ".").split(".")
    owner = body
    for part in above:
        owner = owner[int(part)] if isinstance(owner, list) else owner[part]
    del owner[last]
    return msgspec.json.encode(body)


def test_every_adapter_has_a_payload_to_try() -> None:
    """And every payload an adapter."""
    assert list(FILES) == list(ADAPTERS)
    named = {file for files in FILES.values() for file in files}
    assert named == {path.name for path in FOLDER.iterdir()} - {"README.md"}


@pytest.mark.parametrize(("name", "file"), _CASES)
def test_a_payload_becomes_events_that_a_door_takes(name: str, file: str) -> None:
    """In the order of time, each with an id of its own that does not change."""
    payload = (FOLDER / file).read_bytes()
    events = read(name, payload)

    assert events
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events)
    assert [event.id for event in events] == [event.id for event in read(name, payload)]
    for event in events:
        assert event.data.TYPE in INGRESS_OF
        _check(event)


def _check(event: AdaptedEvent) -> None:
    subject = "shop/rankers" if INGRESS_OF[event.data.TYPE] == TRACES else event.subject
    Checker("/adapt").check(EventBuilder("/adapt").build(INGRESS_OF[event.data.TYPE], subject, event.data))


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("payload", [b"{", b"[1]", b'{"a": 1}', b"\xff\xfe\x00", b"null"])
def test_what_is_something_else_is_refused(name: str, payload: bytes) -> None:
    """With the one error that says where."""
    with pytest.raises(UnreadablePayload) as told:
        read(name, payload)

    assert told.value.field
    assert told.value.reason == "payload_unreadable"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("prometheus", "data.resultType"),
        ("prometheus", "data.result[0].metric"),
        ("prometheus-remote-write", "timeseries[0].samples[1].timestamp"),
        ("otlp-metrics", "resourceMetrics[0].scopeMetrics[0].metrics[1].name"),
        ("otlp-metrics", "resourceMetrics[0].scopeMetrics[0].metrics[1].gauge.dataPoints[0].timeUnixNano"),
        ("alertmanager", "alerts[0].startsAt"),
        ("kubernetes-events", "items[0].reason"),
        ("argo-rollouts", "items[0].status"),
        ("github", "workflow_run.updated_at"),
        ("gitlab", "object_attributes.finished_at"),
        ("mlflow-runs", "runs[0].info.end_time"),
        ("mlflow-webhook", "data.version"),
    ],
)
def test_a_missing_field_is_named(name: str, path: str) -> None:
    """By its path in the payload."""
    with pytest.raises(UnreadablePayload, match="is missing") as told:
        read(name, _missing(name, path))

    assert told.value.field == path


def test_a_name_that_is_no_adapter_says_which_there_are() -> None:
    """So does the table."""
    with pytest.raises(AdapterUnknown, match="prometheus"):
        adapter("promethus")

    assert set(ADAPTERS) <= set(adapters())
