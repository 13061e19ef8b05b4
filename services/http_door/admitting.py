"""From an event that came over HTTP to the record that a client would have written, or the reason against it."""

import re
from difflib import get_close_matches
from typing import Final

from homeostat.admission.contract import check_finite
from homeostat.client.checking import check_record
from homeostat.codec import Output
from homeostat.codec.cloudevents import check_version
from homeostat.codec.encode import rfc3339, traceparent
from homeostat.codec.record import Headers
from homeostat.core import Reject
from homeostat.core.identity import identity
from homeostat.events import MODELS, Samples
from homeostat.events.routes import INGRESS_OF
from homeostat.services.http_door.binding import PROOF, Received
from homeostat.services.http_door.grants import Grant, check_grant

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PLACED: Final = {"specversion", "id", "source", "type", "time", "subject", "correlationid", "traceparent", *PROOF}
_LONGEST: Final = 200


def admit(received: Received, grant: Grant, now: int) -> Output:
    """Lay an event out as a record of its ingress topic, as `homeostat.client` does, and check it as that does.

    What only intake can know (contracts, what was served, whose signature is whose, repeats) is not looked at: such an
    event goes on, and what intake refuses of it lies in quarantine.

    Args:
        received: The event.
        grant: What the sender may say.
        now: Time of the event if it has none, ms since the epoch.

    Returns:
        The record; its partition is still open.

    Raises:
        Reject: `header_missing`, `header_invalid`: it is no CloudEvent; `type_unknown`, `type_internal`; `key_missing`;
            `scope_forbidden`, `door_forbidden`; or as the door would refuse it.
    """
    attributes = received.attributes
    check_version(dict(attributes))
    for name in ("id", "source", "type"):
        if not attributes.get(name):
            raise Reject("header_missing", f"the event needs the CloudEvents attribute {name}")
    if "time" in attributes and not _TIME.fullmatch(attributes["time"]):
        raise Reject("header_invalid", "the attribute time is that of RFC 3339, for example 2026-01-31T12:00:00Z")
    topic, subject = topic_of(attributes["type"]), attributes.get("subject", "")
    if not subject:
        raise Reject("key_missing", "the event needs the attribute subject: what it is about, for example scope/model")
    check_grant(grant, topic, subject)
    output = Output(topic, 0, subject.encode(), received.value, _headers(received, subject, now))
    event = check_record(output)
    if isinstance(event.data, Samples):
        check_finite(event.data)
    return output


def topic_of(type_: str) -> str:
    """Return the ingress topic that takes a type.

    Raises:
        Reject: `type_unknown`, with what is near; `type_internal`.
    """
    topic = INGRESS_OF.get(type_)
    if topic is not None:
        return topic
    if type_ in MODELS:
        raise Reject("type_internal", f"{type_} is said by Homeostat itself; no door takes it")
    near = get_close_matches(type_[:_LONGEST], INGRESS_OF, n=3)
    meant = f"did you mean {' or '.join(near)}?" if near else "`homeostat topics --types` lists them"
    raise Reject("type_unknown", f"no event type {type_[:_LONGEST]!r}; {meant}")


def _headers(received: Received, subject: str, now: int) -> Headers:
    """Headers in the order of `homeostat.client`, what else the event has behind them."""
    given = received.attributes
    own = identity(given["source"], given["id"])
    story = given.get("correlationid", "") or own
    trace = given.get("traceparent", "")
    headers = [
        ("ce_specversion", given["specversion"].encode()),
        ("ce_id", given["id"].encode()),
        ("ce_source", given["source"].encode()),
        ("ce_type", given["type"].encode()),
        ("ce_time", (given.get("time") or rfc3339(now)).encode()),
        ("ce_subject", subject.encode()),
        ("ce_correlationid", story.encode()),
        ("content-type", received.content_type.encode()),
        ("traceparent", trace.encode() if _TRACE.fullmatch(trace) else traceparent(story, own)),
    ]
    headers += [(f"ce_{name}", text.encode()) for name, text in given.items() if name not in _PLACED]
    headers += [(header, given[name].encode()) for name, header in PROOF.items() if name in given]
    return headers
