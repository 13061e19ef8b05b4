"""What the doors of a running system refused and admitted, to be compared with what was sent."""

import time
from base64 import b64decode
from typing import Any

from tests.support import invalid_events as nonsense
from tests.support.live_chaos import Ordeal

from homeostat.admission.redaction import Redaction
from homeostat.admission.salt import Salt
from homeostat.audit.keys import load
from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Output, decode_event
from homeostat.events import (
    BrakeConfirmed,
    EventRefused,
    IncidentRecorded,
    ScopeConfigured,
    SignalObserved,
)
from homeostat.events.logs import (
    MAX_INPUT_BYTES,
    POLICY_THRESHOLD,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TRACES,
)
from homeostat_lab.demo.play import payloads

Sent = tuple[str, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""A record as it was sent: log, partition, key, value, headers."""


def good_events(builder: EventBuilder, n: int, partitions: int, ordeal_: Ordeal) -> dict[str, Output]:
    """The `n`-th event that each door takes."""
    operator = ordeal_.stack.keys()[1]
    hand = load(ordeal_.system.settings.keys_dir, "threshold_actuator")
    signal_ = SignalObserved(layer="service", name="load", value=float(n))
    incident = IncidentRecorded(incident=f"i-{n}", symptoms=("hot",), fix=("cooled",))
    confirmed = BrakeConfirmed(hand=hand.name, log=POLICY_THRESHOLD, partition=0, freeze=f"f-{n}", scope=nonsense.SCOPE)
    scope = ScopeConfigured(scope=nonsense.SCOPE, owner="testers", valid_until=int(time.time() * 1000) + 600_000)
    return {
        TELEMETRY: builder.build(TELEMETRY, nonsense.MODEL, signal_, partitions),
        TRACES: builder.build(TRACES, nonsense.FAMILY, incident, partitions),
        REQUESTS: builder.build(REQUESTS, nonsense.SCOPE, scope, partitions, operator),
        REPORTS: builder.build(REPORTS, nonsense.MODEL, confirmed, partitions, hand),
    }


def refused(ordeal_: Ordeal) -> list[tuple[Sent, str]]:
    """What lies in quarantine, as it was sent, with the reason."""
    return [
        (
            (
                data["log"],
                data["partition"],
                decoded_bytes(data.get("key")),
                decoded_bytes(data.get("value")) if "digest" not in data else None,
                tuple((name, decoded_bytes(text)) for name, text in data["headers"]),
            ),
            data["reason"],
        )
        for data in payloads(ordeal_.system, QUARANTINE, EventRefused.TYPE)
    ]


def kept_of(bad: nonsense.Nonsense, salt: Salt) -> bytes | None:
    """What quarantine keeps of a value: without what the model's contract calls personal, nothing of a huge one."""
    if len(bad.value or b"") > MAX_INPUT_BYTES:
        return None
    names = nonsense.CONTRACT.personal_features if (bad.door, bad.key) == (TELEMETRY, nonsense.MODEL.encode()) else ()
    return Redaction(nonsense.SCOPE, names, salt).record(bad.key, bad.value, bad.headers).value


def decoded_bytes(encoded: str | None) -> Any:
    return None if encoded is None else b64decode(encoded)


def admitted(ordeal_: Ordeal, log: str, source: str) -> list[str]:
    """Ids of the events of a source that lie in an inner log, JSON ones."""
    found = []
    for record in ordeal_.system.records(log):
        if dict(record.headers)["content-type"].startswith(b"application/json"):
            event: Any = decode_event(record, time=0, emitter="", is_door=False)
            provenance = getattr(event.data, "provenance", None)
            if provenance is not None and provenance.source == source:
                found.append(provenance.id)
    return found
