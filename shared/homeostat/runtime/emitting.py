"""What an assignment sends: the outputs of its fold, and what it refuses. It counts both."""

from collections.abc import Callable
from typing import Any, Final

from homeostat.codec import Output, Record, encode_emit
from homeostat.core import Emit, Event, Fold, Reject
from homeostat.events import EventRefused
from homeostat.events.logs import MAX_RECORD_BYTES, QUARANTINE
from homeostat.runtime.ingress import FULL, Glances, Ingress
from homeostat.runtime.observer import HostObserver
from homeostat.runtime.outbox import Outbox
from homeostat.runtime.quarantine import disowning, refusal
from homeostat.runtime.watermarks import Disowned

Emitted = list[tuple[Emit, tuple[bytes, bytes]]]
"""Of one step, each with its payload as `encode_payload` returns it: what is encoded no later step can change."""

Addressed = list[tuple[Emit, list[Output]]]
"""Of one step, each with the records that it becomes."""

_SHORT_VALUE: Final = 400_000
_SHORT_TEXT: Final = 50_000
"""Bytes of a value and characters of the texts in headers with which a record is below `MAX_RECORD_BYTES` for sure."""


class Emitting:
    """One partition of a fold, as far as it writes.

    Args:
        fold: The fold.
        partition: Of the input.
        emitter: Source of all that it sends.
        n_partitions: Number of partitions of a log.
        outbox: Where it goes.
        observer: Told of what happens.
    """

    def __init__(
        self,
        fold: Fold[Any],
        partition: int,
        emitter: str,
        n_partitions: Callable[[str], int],
        outbox: Outbox,
        observer: HostObserver | None,
    ) -> None:
        self.fold, self.partition, self.emitter, self.now = fold, partition, emitter, 0
        self.states: dict[str, Any] = {}
        self.n_left_out = 0
        self.outputs: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self._n_partitions, self._outbox = n_partitions, outbox
        self._ingress = Ingress(fold.log, partition, n_partitions) if fold.is_door else None
        self._glances = fold if isinstance(fold, Glances) else None
        self._is_tallied = False
        self._observer, self._sent = observer, list[Output]()

    def _addressed(self, event: Event, emitted: Emitted) -> Addressed:
        """Make records of what a step has emitted."""
        return [
            (emit, encode_emit(event, emit, ordinal, self._n_partitions(emit.log), payload))
            for ordinal, (emit, payload) in enumerate(emitted)
        ]

    def _emit_all(self, record: Record, event: Event, addressed: Addressed) -> None:
        if self._observer is not None:
            self._sent = []
        for ordinal, (emit, outputs) in enumerate(addressed):
            if _is_short(event, emit, outputs[0]):
                for output in outputs:
                    self._send(output, emit.data.TYPE)
            else:
                self._emit(record, emit, ordinal, outputs)
        if self._observer is not None:
            self._observer.folded(event, self._sent)

    def _emit(self, record: Record, emit: Emit, ordinal: int, outputs: list[Output]) -> None:
        size = outputs[0].size  # of a broadcast all are equal
        if size > MAX_RECORD_BYTES and emit.log != QUARANTINE:
            detail = f"{emit.data.TYPE} would have {size} bytes, of {MAX_RECORD_BYTES}: send fewer rows"
            self._refuse(record, Reject("output_too_large", detail), ordinal)
            return
        for output in outputs:
            self._send(output, emit.data.TYPE)

    def _refuse(self, record: Record, reject: Reject, ordinal: int = 0) -> None:
        n_left_out: int | None = 0
        if self._ingress is not None:
            if self._is_tallied:
                return
            source, is_one_of_many = self._ingress.source_of(record), reject.reason == FULL
            n_left_out = self._ingress.tally.refused(source, is_one_of_many=is_one_of_many)
        self.refused[reject.reason] = self.refused.get(reject.reason, 0) + 1
        if n_left_out is None:
            self.n_left_out += 1
            return
        self._send(
            refusal(record, reject, self, self._n_partitions(QUARANTINE), ordinal, n_left_out), EventRefused.TYPE
        )

    def _send(self, output: Output, type_: str) -> None:
        self.outputs[type_] = self.outputs.get(type_, 0) + 1
        self._outbox.send(output)
        if self._observer is not None:
            self._sent.append(output)

    def _say_disowned(self, record: Record, disowned: Disowned) -> None:
        self.refused["sequence_invalid"] = self.refused.get("sequence_invalid", 0) + 1
        self._send(disowning(record, disowned, self, self._n_partitions(QUARANTINE)), EventRefused.TYPE)


def _is_short(event: Event, emit: Emit, output: Output) -> bool:
    """Whether a record fits without its headers being added up, which takes longer than all else here."""
    return (
        output.value is not None
        and len(output.value) + 2 * len(output.key) <= _SHORT_VALUE
        and len(event.story) + len(event.source) + len(event.id) <= _SHORT_TEXT
        and (emit.story is None or len(emit.story) <= _SHORT_TEXT)
    )
