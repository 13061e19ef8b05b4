"""Refusals that a fold emits itself, where it goes on from the event; the host describes what a fold raises."""

from base64 import b64encode

from homeostat.admission.redaction import Kept, Redaction
from homeostat.core import Event
from homeostat.events import EventRefused


def refused(
    event: Event,
    reason: str,
    detail: str,
    service: str,
    *,
    id_: str = "",
    content_type: str = "application/json",
    redaction: Redaction | None = None,
) -> EventRefused:
    """Describe an event that is refused, in the words of the quarantine; its signature is left out.

    Args:
        event: As it was read.
        reason: Code.
        detail: One sentence for a person.
        service: Name of the fold.
        id_: That it has when it is put back; empty: its own.
        content_type: Of its content.
        redaction: What may be kept of it; None keeps all.
    """
    named = {
        "ce_specversion": "1.0",
        "ce_id": id_ or event.id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_subject": event.subject,
        "ce_causationid": event.cause or "",
        "content-type": content_type,
    }
    kept = Kept(event.subject.encode(), event.content, [(name, text.encode()) for name, text in named.items() if text])
    if redaction is not None:
        kept, detail = redaction.record(kept.key, kept.value, kept.headers), redaction.text(detail)
    return EventRefused(
        reason=reason,
        detail=detail,
        service=service,
        log=event.position.topic,
        partition=event.position.partition,
        offset=event.position.offset,
        key=None if kept.key is None else _base64(kept.key),
        value=None if kept.value is None else _base64(kept.value),
        headers=tuple((name, _base64(raw)) for name, raw in kept.headers),
        redacted=kept.fields or None,
    )


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
