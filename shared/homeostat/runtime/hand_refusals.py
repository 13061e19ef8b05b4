"""What a hand does not take for a command: kept in quarantine, sampled as the doors do, never answered."""

from collections import deque
from collections.abc import Callable
from typing import Final

from homeostat.admission.redaction import Redaction
from homeostat.admission.salt import NO_SALT
from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.commands.guard import UNSIGNED
from homeostat.core import Reject
from homeostat.core.identity import emit_id, scope_of, sequence
from homeostat.events.logs import QUARANTINE
from homeostat.runtime.ingress import Ingress
from homeostat.runtime.quarantine import refused, subject_of
from homeostat.runtime.refusals import RefusalTally

UNREADABLE: Final = "unreadable"
_KEY_LENGTH: Final = 1000


class HandRefusals:
    """Records of policy logs that nobody but a stranger can have written.

    The identity of a refusal is its place, so that who reads the record again after a crash says the same again. The
    tally is not stored: a process that starts keeps all of it at first.

    Args:
        hand: Its name.
    """

    def __init__(self, hand: str) -> None:
        self.counts: dict[str, int] = {UNSIGNED: 0, UNREADABLE: 0}
        self._hand = hand
        self._tallies: dict[tuple[str, int], RefusalTally] = {}
        self._waiting: deque[tuple[Record, Reject, int]] = deque()

    def admitted(self, record: Record) -> None:
        """Count a record that was what it should be."""
        self._tally(record).admitted(Ingress.source_of(record))

    def take(self, record: Record, reject: Reject) -> None:
        """Count a record that was not; the next `outputs` keep it, or leave it out of a flood."""
        self.counts[UNSIGNED if reject.reason == UNSIGNED else UNREADABLE] += 1
        n_left_out = self._tally(record).refused(Ingress.source_of(record))
        if n_left_out is not None:
            self._waiting.append((record, reject, n_left_out))

    def outputs(self, n_partitions: Callable[[str], int]) -> list[Output]:
        """Return the quarantine records of what was taken since the last call."""
        outputs = [self._output(*waiting, n_partitions(QUARANTINE)) for waiting in self._waiting]
        self._waiting.clear()
        return outputs

    def _tally(self, record: Record) -> RefusalTally:
        return self._tallies.setdefault((record.topic, record.partition), RefusalTally())

    def _output(self, record: Record, reject: Reject, n_left_out: int, n_partitions: int) -> Output:
        redaction = Redaction(scope_of(subject_of(record)), (), NO_SALT)  # a hand has no salt
        data = refused(record, reject, self._hand, n_left_out, redaction)
        subject = redaction.text((record.key or b"unknown")[: 4 * _KEY_LENGTH].decode(errors="replace"))
        subject = subject.replace("\0", "\ufffd")[:_KEY_LENGTH]
        return envelope(
            QUARANTINE,
            subject,
            data,
            id_=emit_id(record.offset),
            source=f"/homeostat/hand/{self._hand}/{record.topic}/{record.topic_id}/{record.partition}",
            time=record.timestamp,
            n_partitions=n_partitions,
            sequence=sequence(record.offset),
        )
