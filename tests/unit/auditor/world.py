"""Records of logs, and an audit log in memory."""

from collections.abc import Iterable

from homeostat.codec import Record, encode_payload
from homeostat.core.identity import emit_id, sequence
from homeostat.events import CheckpointSigned, Data, LogDigested
from homeostat.events.logs import AUDIT


class AuditLog:
    """The audit topic: what is written gets the next offset."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, payloads: Iterable[Data]) -> list[Record]:
        """Append payloads; returns their records."""
        start = len(self.records)
        for payload in payloads:
            headers = [("ce_type", payload.TYPE.encode())]
            value, _ = encode_payload(payload)
            self.records.append(Record(AUDIT, "A", 0, len(self.records), 0, b"log", value, headers))
        return self.records[start:]

    @property
    def leaves(self) -> list[LogDigested]:
        """All leaves, decoded."""
        return [LogDigested.model_validate_json(r.value or b"") for r in self.records if _is(r, LogDigested)]

    @property
    def checkpoints(self) -> list[CheckpointSigned]:
        """All checkpoints, decoded."""
        return [CheckpointSigned.model_validate_json(r.value or b"") for r in self.records if _is(r, CheckpointSigned)]


def _is(record: Record, model: type[Data]) -> bool:
    return dict(record.headers)["ce_type"] == model.TYPE.encode()


def record(offset: int, *, log: str = "homeostat.governance", partition: int = 0, value: bytes | None = None) -> Record:
    """One record of a log, with the headers a host gives it."""
    headers = [
        ("ce_id", emit_id(offset).encode()),
        ("ce_source", b"/homeostat/governor/x/0"),
        ("ce_sequence", sequence(offset).encode()),
        ("traceparent", b"00-0-0-01"),
    ]
    return Record(log, "T", partition, offset, 1_000 + offset, b"acme", value or f"v{offset}".encode(), headers)
