"""The doors in memory, knocked at with raw records: no client is in between that would refuse first."""

from base64 import b64decode
from collections.abc import Iterable
from itertools import count
from typing import Any

from homeostat.admission.salt import NO_SALT, Salt
from homeostat.codec import Output, Record, decode_event
from homeostat.codec.encode import partition_of
from homeostat.core import Fold
from homeostat.events import EventRefused
from homeostat.events.logs import QUARANTINE, REPORTS, REQUESTS, TELEMETRY
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake


class Doors:
    """All doors, and the detector behind them."""

    def __init__(self, salt: Salt = NO_SALT) -> None:
        self.log = MemoryLog()
        doors = (TelemetryIntake, TracesIntake, RequestsIntake, ReportsIntake)
        folds: list[Fold[Any]] = [*(door(salt=salt) for door in doors), DriftDetector()]
        self.loop = MemoryLoop(self.log, folds)
        self._ids = count()

    def send(self, subject: str, *payloads: Any, log: str = TELEMETRY, source: str = "/client", **more: str) -> None:
        """Publish payloads under fresh ids, or the one given, and let the doors see them."""
        for data in payloads:
            id_ = more.get("id_", f"e{next(self._ids)}")
            is_signed = log in (REQUESTS, REPORTS)
            claims = [("signature", b"A" * 86 + b"=="), ("key-id", b"0" * 16)] if is_signed else []
            self.log.publish(log, subject, data, id_=id_, source=source, headers=claims)
        self.loop.settle()

    def send_raw(
        self, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]], log: str = TELEMETRY
    ) -> None:
        """Publish a record as it is."""
        place = partition_of(key or b"", self.log.n_partitions(log))
        self.log.append(Output(log, place, key, value, list(headers)))  # type: ignore[arg-type]  # no key is a key too
        self.loop.settle()

    def events(self, log: str, *, of: type[Any] | None = None) -> list[Any]:
        """What a log holds."""
        found = [decode_event(r, time=r.timestamp, emitter="", is_door=False) for r in self.log.all(log)]
        return [event for event in found if of is None or isinstance(event.data, of)]

    def refusals(self) -> list[EventRefused]:
        """What was refused, in order of the quarantine."""
        return [event.data for event in self.events(QUARANTINE, of=EventRefused)]

    def everything(self) -> bytes:
        """Bytes of all records behind the doors, what is in base64 decoded too."""
        parts = list[bytes]()
        for topic in self.log.topics():
            if topic == TELEMETRY or topic.startswith(("homeostat.traces", "homeostat.requests", "homeostat.reports")):
                continue
            for record in self.log.all(topic):
                parts += _bytes_of(record)
        for refusal in self.refusals():
            parts += [b64decode(text) for text in (refusal.key, refusal.value) if text]
            parts += [b64decode(text) for _, text in refusal.headers if text]
        return b"\0".join(parts)


def _bytes_of(record: Record) -> list[bytes]:
    return [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
