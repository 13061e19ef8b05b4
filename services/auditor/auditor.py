"""Batches what it is shown into leaves and signs what the audit log has confirmed."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from homeostat.audit.digest import EntryDigests, RunDigest, digest_entries
from homeostat.audit.keys import Key
from homeostat.codec import Record
from homeostat.events import CheckpointSigned, Data, LogDigested
from homeostat.events.logs import AUDIT, SNAPSHOTS
from homeostat.services.auditor.chain import Chain, Overtaken, Place, Run, append, audit_payload, checkpoint

MAX_RECORDS: Final = 500
"""Records of one leaf: a verifier names an edit to within a leaf."""

MAX_AGE_MS: Final = 2_000
"""A record waits no longer for its leaf."""

SNAPSHOT_RECORDS: Final = 5_000
"""Records of one leaf of snapshots that are named one by one: 180 KB."""

SNAPSHOT_AGE_MS: Final = 30_000
"""Of snapshots, whose leaves name records: within this time most copies are replaced, and not named."""

CHECKPOINT_MS: Final = 5_000
"""Time between checkpoints while there are new leaves."""


@dataclass(slots=True)
class _Open:
    """The run of a partition that is being built: the next offset, and what was added since."""

    next: int | None = None
    first: int = 0
    n: int = 0
    time: int = 0
    since: int | None = None
    digest: RunDigest = field(default_factory=RunDigest)
    entries: EntryDigests | None = None

    def add(self, record: Record) -> None:
        """Add the next record."""
        if self.n == 0:
            self.first = record.offset
        (self.digest if self.entries is None else self.entries).update(record)
        self.n, self.next, self.time = self.n + 1, record.offset + 1, max(self.time, record.timestamp)

    @property
    def is_full(self) -> bool:
        """Whether it is a leaf as it is."""
        return self.n == MAX_RECORDS if self.entries is None else len(self.entries) == SNAPSHOT_RECORDS

    @property
    def age_ms(self) -> int:
        """How long it may wait."""
        return MAX_AGE_MS if self.entries is None else SNAPSHOT_AGE_MS

    def run(self) -> Run:
        """What was added, as a leaf says it; there is at least one record."""
        assert self.next is not None
        if self.entries is None:
            return Run(self.first, self.next - 1, self.digest.hexdigest(), self.time)
        entries = self.entries.entries()
        return Run(self.first, self.next - 1, digest_entries(entries), self.time, entries)


def _opened(place: Place, next_offset: int | None = None) -> _Open:
    """An empty run of a partition."""
    return _Open(next=next_offset, entries=EntryDigests() if place.log.startswith(SNAPSHOTS) else None)


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

    Attributes:
        signed: The newest checkpoint that this one has signed, to be kept outside of the broker.
    """

    def __init__(self, chain: Chain, key: Key) -> None:
        self._chain, self._confirmed, self._key = chain, chain, key
        self._signed_size = self._signed_at = 0
        self.signed: CheckpointSigned | None = None
        self._open = {place: _opened(place, offset) for place, offset in chain.next_offsets.items()}
        self._ready: deque[tuple[Place, Run]] = deque()
        self._unconfirmed: deque[tuple[LogDigested, Chain]] = deque()

    def position(self, place: Place) -> int | None:
        """Next offset of a partition to observe; None if it was never observed."""
        opened = self._open.get(place)
        return None if opened is None else opened.next

    @property
    def n_waiting(self) -> int:
        """Records that no written leaf covers yet."""
        return sum(run.n for run in self._open.values())

    @property
    def confirmed(self) -> Chain:
        """The chain as far as the audit log has confirmed it."""
        return self._confirmed

    def observe(self, record: Record) -> None:
        """Take one record in: of a log, to be proven; of the audit log, to confirm what was written there.

        Records of a partition come in the order of their offsets; what was seen before is ignored. A gap
        starts a new leaf, and the verifier will name what lies between; snapshots are full of gaps, which compaction
        makes.

        Raises:
            Overtaken: Somebody else writes the audit log.
        """
        if record.topic == AUDIT:
            self._confirm(record)
            return
        place = Place(record.topic, record.topic_id, record.partition)
        run = self._open.get(place)
        if run is None:
            run = self._open[place] = _opened(place)
        if run.next is not None and record.offset < run.next:
            return
        if run.next is not None and record.offset > run.next and run.entries is None:
            run = self._close(place, run)
        run.add(record)
        if run.is_full:
            self._close(place, run)

    def flush(self, now_ms: int) -> list[Data]:
        """Return the leaves and the checkpoint that are due, in the order to write them.

        Args:
            now_ms: Never decreasing. A run is due when it is full, or `MAX_AGE_MS` after the first flush
                that saw it; one of snapshots, `SNAPSHOT_AGE_MS`.
        """
        for place in sorted(self._open):
            run = self._open[place]
            if run.n and run.since is None:
                run.since = now_ms
            if run.since is not None and now_ms - run.since >= run.age_ms:
                self._close(place, run)
        written: list[Data] = []
        while self._ready:
            self._chain, leaf = append(self._chain, *self._ready.popleft())
            self._unconfirmed.append((leaf, self._chain))
            written.append(leaf)
        if self._confirmed.index > self._signed_size and now_ms - self._signed_at >= CHECKPOINT_MS:
            self.signed = checkpoint(self._confirmed, self._key)
            written.append(self.signed)
            self._signed_size, self._signed_at = self._confirmed.index, now_ms
        return written

    def _close(self, place: Place, run: _Open) -> _Open:
        if run.n and run.next is not None:
            self._ready.append((place, run.run()))
        opened = self._open[place] = _opened(place, run.next)
        return opened

    def _confirm(self, record: Record) -> None:
        payload = audit_payload(record)
        if not isinstance(payload, LogDigested) or payload.index < self._confirmed.index:
            return
        if not self._unconfirmed or payload != self._unconfirmed[0][0]:
            raise Overtaken(payload.index, "another auditor wrote it")
        self._confirmed = self._unconfirmed.popleft()[1]
