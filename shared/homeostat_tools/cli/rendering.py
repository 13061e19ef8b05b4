"""Records of a log as people and programs read them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from pydantic import BaseModel

from homeostat.codec import Record, decode_event
from homeostat.core import Event, Payload, Reject
from homeostat.core.identity import identity
from homeostat.events import short
from homeostat.events.columns import Labels, Samples, f8
from homeostat.events.logs import DOORS, LOGS
from homeostat_tools.cli.exit_codes import usage
from homeostat_tools.cli.times import iso

PREFIX: Final = "homeostat."


def topics_of(names: Sequence[str], default: Sequence[str]) -> list[str]:
    """Return the topics that names mean, with or without the prefix.

    Raises:
        CommandFailed: There is no such log.
    """
    known = [log.name for log in LOGS]
    wanted = [name if name.startswith(PREFIX) else PREFIX + name for name in names]
    for topic in wanted:
        if topic not in known:
            names_known = ", ".join(name.removeprefix(PREFIX) for name in known)
            raise usage(f"no log {topic.removeprefix(PREFIX)!r}; the logs are {names_known}")
    return wanted or list(default)


@dataclass(frozen=True, slots=True)
class Attributes:
    """The CloudEvents headers of a record; what is missing or unreadable is empty."""

    type: str
    source: str
    id: str
    subject: str
    story: str
    cause: str
    sequence: str
    headers: dict[str, str] = field(repr=False)

    @property
    def identity(self) -> str:
        """The event's identity."""
        return identity(self.source, self.id)


def attributes(record: Record) -> Attributes:
    """Read the headers only, without the value."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    source, id_ = headers.get("ce_source", ""), headers.get("ce_id", "")
    return Attributes(
        type=headers.get("ce_type", ""),
        source=source,
        id=id_,
        subject=(record.key or b"").decode(errors="replace"),
        story=headers.get("ce_correlationid") or identity(source, id_),
        cause=headers.get("ce_causationid", ""),
        sequence=headers.get("ce_sequence", ""),
        headers=headers,
    )


def event_of(record: Record) -> Event:
    """Decode a record.

    Raises:
        Reject: It cannot be.
    """
    return decode_event(record, time=record.timestamp, emitter="", is_door=record.topic in DOORS)


def readable(record: Record) -> dict[str, Any]:
    """Everything about a record as a JSON object; `error` and the raw value where it cannot be decoded."""
    event, error = None, ""
    try:
        event = event_of(record)
    except Reject as reject:
        error = str(reject)
    found = attributes(record)
    body: dict[str, Any] = {
        "log": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "time": iso(record.timestamp),
        "type": event.type if event else found.type,
        "source": event.source if event else found.source,
        "id": event.id if event else found.id,
        "subject": found.subject,
        "story": event.story if event else found.story,
        "cause": found.cause or None,
        "sequence": found.sequence or None,
        "signed_by": found.headers.get("key-id"),
    }
    if event is not None:
        return body | {"data": payload(event.data)}
    return body | {"error": error, "value": b64encode(record.value or b"").decode()}


def payload(data: Payload) -> dict[str, Any]:
    """A payload as a JSON object; columns as lists."""
    if isinstance(data, BaseModel):
        return data.model_dump(mode="json", exclude_none=True)
    if isinstance(data, Samples):
        return _samples(data)
    assert isinstance(data, Labels)
    body: dict[str, Any] = {"request": data.request, "label": _list(data.label), "time": _list(data.time)}
    if data.answers:
        body["answers"] = [
            {"version": a.version, "role": a.role, "prediction": _list(a.prediction), "score": _list(a.score)}
            for a in data.answers
        ]
        body["lag_seconds"] = _list(data.lag_seconds)
    return body | _provenance(data)


def _samples(data: Samples) -> dict[str, Any]:
    body: dict[str, Any] = {"version": data.version, "role": data.role, "request": data.request}
    body |= {"time": _list(data.time), "prediction": _list(data.prediction), "score": _list(data.score)}
    body["features"] = {name: _finite(row) for name, row in zip(data.features, data.matrix().tolist(), strict=True)}
    for name, column in (("label", data.label), ("latency_seconds", data.latency_seconds)):
        if column:
            body[name] = _list(column)
    if data.captured:
        body |= {"captured": data.captured, "inputs": data.captured_inputs().tolist()}
    return body | _provenance(data)


def _provenance(data: Samples | Labels) -> dict[str, Any]:
    return {} if data.provenance is None else {"provenance": msgspec.to_builtins(data.provenance)}


def _list(column: bytes) -> list[float | None]:
    return _finite(f8(column).tolist())


def _finite(values: list[float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]


def name_of(record: Record) -> str:
    """Short type of a record, or a mark that it has none."""
    type_ = attributes(record).type
    return short(type_) if type_ else "(no type)"
