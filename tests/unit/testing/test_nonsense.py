"""Everything that must not pass a door does not, without a broker; tests/integration does the same on a real one."""

import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from tests.support import invalid_events as nonsense

from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Record, decode_event
from homeostat.core import Fold
from homeostat.events import EventRefused
from homeostat.events.logs import DOORS, MAX_QUARANTINED_BYTES, QUARANTINE, REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime.replay import replay
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake
from homeostat_tools.cli.requeue import original

FOLDS: dict[str, Callable[[], Fold[Any]]] = {
    TELEMETRY: TelemetryIntake,
    TRACES: TracesIntake,
    REQUESTS: RequestsIntake,
    REPORTS: ReportsIntake,
}
REGISTERED = EventBuilder("/owner").build(TELEMETRY, nonsense.MODEL, nonsense.CONTRACT, 1)


def refused(bad: nonsense.Nonsense) -> list[Record]:
    """What a door says to one piece of nonsense."""
    known = [(REGISTERED.key, REGISTERED.value, REGISTERED.headers)] if bad.door == TELEMETRY else []
    sent: list[Any] = [*known, (bad.key, bad.value, bad.headers)]
    records = [Record(bad.door, "topic", 0, n, 1000, *one) for n, one in enumerate(sent)]
    outputs = replay(FOLDS[bad.door](), records, lambda _: 1)
    return [Record(o.topic, "", 0, 0, 0, o.key, o.value, o.headers) for o in outputs if o.topic == QUARANTINE]


@pytest.mark.parametrize("door", DOORS)
def test_each_kind_is_refused_for_its_reason(door: str) -> None:
    """One refusal each, verbatim but for personal data, which everybody can read and put back."""
    for bad in [bad for bad in nonsense.of_every_kind() if bad.door == door]:
        (record,) = refused(bad)
        event = decode_event(record, time=0, emitter="", is_door=False)

        assert isinstance(event.data, EventRefused)
        assert event.data.reason == bad.reason, (bad, event.data.detail)
        assert (None if event.data.key is None else b64decode(event.data.key)) == bad.key
        assert record.value is not None
        assert len(record.value) < MAX_QUARANTINED_BYTES
        back = original(event.data, lambda _: 1)
        if event.data.redacted:
            assert back.value != bad.value
        elif event.data.size_bytes is None:
            assert (back.value, back.headers[:-1]) == (bad.value, bad.headers)
        else:
            assert bad.value is not None
            assert event.data.digest == sha256(bad.value).hexdigest()
            assert event.data.size_bytes == len(bad.value)
            assert bad.value.startswith(back.value or b"nothing")


def test_the_kinds_are_many() -> None:
    """More than 20 reasons, and every door has more than 20 pieces of its own."""
    kinds = list(nonsense.of_every_kind())

    assert len({bad.reason for bad in kinds}) > 20
    assert all(sum(bad.door == door for bad in kinds) > 20 for door in DOORS)


def test_what_goes_through_is_no_nonsense() -> None:
    """The samples that the pieces are made from are good ones."""
    good = EventBuilder("/owner").build(TELEMETRY, nonsense.MODEL, nonsense.samples(3), 1)
    sent = [REGISTERED, good]
    records = [Record(TELEMETRY, "topic", 0, n, 1000, o.key, o.value, o.headers) for n, o in enumerate(sent)]

    outputs = replay(TelemetryIntake(), records, lambda _: 1)

    assert not [json.loads(output.value or b"") for output in outputs if output.topic == QUARANTINE]
