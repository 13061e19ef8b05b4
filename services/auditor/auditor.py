"""Batches what it is shown into leaves and signs what the audit log has confirmed."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from auditor.chain import Chain, ChainBroken, Place, Run, append, audit_payload, checkpoint
from homeostat.audit.digest import RunDigest
from homeostat.audit.keys import Key
from homeostat.codec import Record
from homeostat.events import Data, LogDigested
from homeostat.events.logs import AUDIT

MAX_RECORDS: Final = 500
"""Records of one leaf: a verifier names an edit to within a leaf."""

MAX_AGE_MS: Final = 2_000
"""A record waits no longer for its leaf."""

CHECKPOINT_MS: Final = 5_000
"""Time between checkpoints while there are new leaves."""


@dataclass(slots=True)
class _Open:
    """The run of a partition that is being built: the next offset, and what was added since."""

    next: int | None = None
    first: int = 0
    n: int = 0
    since: int | None = None
    digest: RunDigest = field(default_factory=RunDigest)


class Auditor:
    """Turns records of all logs into leaves and checkpoints. No I/O, no clock.

    Order of calls: `resume` the chain from the audit log, read every log from `position` on (from its
    beginning where that is None) and the audit log from its end on, `observe` each record of both,
    `flush` often, write what comes back to the audit log in order, key = origin. After a crash the same
    again: what was flushed and not written is digested anew.

    A checkpoint covers only leaves that were read back from the audit log. So two auditors at once can
    never sign two different histories: the one whose leaf comes second stops with `ChainBroken`.

    Args:
        chain: As resumed.
        key: Signs the checkpoints.
    """

    def __init__(self, chain: Chain, key: Key) -> None:
        self._chain, self._confirmed, self._key = chain, chain, key
        self._signed_size = self._signed_at = 0
        self._open = {place: _Open(next=offset) for place, offset in chain.next_offsets.items()}
        self._ready: deque[tuple[Place, Run]] = deque()
        self._unconfirmed: deque[tuple[LogDigested, Chain]] = deque()

    def position(self, place: Place) -> int | None:
        """Next offset of a partition to observe; None if it was never observed."""
        opened = self._open.get(place)
        return None if opened is None else opened.next

    @property
    def confirmed(self) -> Chain:
        """The chain as far as the audit log has confirmed it."""
        return self._confirmed

    def observe(self, record: Record) -> None:
        """Take one record in: of a log, to be proven; of the audit log, to confirm what was written there.

        Records of a partition come in the order of their offsets; what was seen before is ignored. A gap
        starts a new leaf, and the verifier will name what lies between.

        Raises:
            ChainBroken: Somebody else writes the audit log.
        """
        if record.topic == AUDIT:
            self._confirm(record)
            return
        place = Place(record.topic, record.topic_id, record.partition)
        run = self._open.setdefault(place, _Open())
        if run.next is not None and record.offset < run.next:
            return
        if run.next is not None and record.offset > run.next:
            run = self._close(place, run)
        if run.n == 0:
            run.first = record.offset
        run.digest.update(record)
        run.n += 1
        run.next = record.offset + 1
        if run.n == MAX_RECORDS:
            self._close(place, run)

    def flush(self, now_ms: int) -> list[Data]:
        """Return the leaves and the checkpoint that are due, in the order to write them.

        Args:
            now_ms: Never decreasing. A run is due when it is full, or `MAX_AGE_MS` after the first flush
                that saw it.
        """
        for place in sorted(self._open):
            run = self._open[place]
            if run.n and run.since is None:
                run.since = now_ms
            if run.since is not None and now_ms - run.since >= MAX_AGE_MS:
                self._close(place, run)
        written: list[Data] = []
        while self._ready:
            self._chain, leaf = append(self._chain, *self._ready.popleft())
            self._unconfirmed.append((leaf, self._chain))
            written.append(leaf)
        if self._confirmed.index > self._signed_size and now_ms - self._signed_at >= CHECKPOINT_MS:
            written.append(checkpoint(self._confirmed, self._key))
            self._signed_size, self._signed_at = self._confirmed.index, now_ms
        return written

    def _close(self, place: Place, run: _Open) -> _Open:
        if run.n and run.next is not None:
            self._ready.append((place, Run(run.first, run.next - 1, run.digest.hexdigest())))
        opened = self._open[place] = _Open(next=run.next)
        return opened

    def _confirm(self, record: Record) -> None:
        payload = audit_payload(record)
        if not isinstance(payload, LogDigested) or payload.index < self._confirmed.index:
            return
        if not self._unconfirmed or payload != self._unconfirmed[0][0]:
            raise ChainBroken(payload.index, "another auditor wrote it")
        self._confirmed = self._unconfirmed.popleft()[1]
