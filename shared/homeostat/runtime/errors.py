"""Why a fold stops before it writes anything wrong; each says what a human has to do."""

from pathlib import Path

from homeostat.core import Halt
from homeostat.events.logs import SNAPSHOTS


class VersionMismatch(Halt):
    """The snapshot was left by another version in mid-work.

    Operator: start the old version once and stop it cleanly (`homeostat down`), then start this one.
    Or set HOMEOSTAT_HOST_ADOPT_VERSION=true: the outputs between the marker and the crash were made
    by the old version, so a replay of that stretch will differ.
    """

    def __init__(self, fold: str, partition: int, found: str, own: str) -> None:
        super().__init__(
            f"{fold}[{partition}]: version {found} stopped in mid-work, this is {own}; "
            "let the old version finish and stop cleanly, or set HOMEOSTAT_HOST_ADOPT_VERSION=true"
        )
        self.fold, self.partition, self.found, self.own = fold, partition, found, own


class GapFound(Halt):
    """Records are missing from an internal log, which never loses any while it is kept.

    Operator: restore the topic from an export; or `homeostat folds rebuild FOLD`, to begin with what is left. At a
    door, where gaps are normal, this is never raised.
    """

    def __init__(self, fold: str, topic: str, partition: int, expected: int, found: int) -> None:
        super().__init__(
            f"{topic}[{partition}]: offset {expected} expected, {found} found: records were deleted before {fold} read "
            f"them. Restore the topic from an export; or, without them, run `homeostat folds rebuild {fold}`, or "
            f"delete the topic {SNAPSHOTS}{fold} and run `homeostat topics create`: it begins again with what is left"
        )
        self.fold, self.topic, self.partition, self.expected, self.found = fold, topic, partition, expected, found


class TopicReplaced(Halt):
    """An internal log was deleted and made again: what the fold stands on is gone.

    Operator: as for `GapFound`. A door that is made again is begun anew by itself.
    """

    def __init__(self, fold: str, topic: str, partition: int) -> None:
        super().__init__(
            f"{topic}[{partition}] was deleted and made again since {fold} read it. Restore it from an export; or, to "
            f"begin with what is in it now, run `homeostat folds rebuild {fold}` (or delete {SNAPSHOTS}{fold} and run "
            "`homeostat topics create`)"
        )
        self.fold, self.topic, self.partition = fold, topic, partition


class SnapshotDamaged(Halt):
    """The snapshot of a partition is not what its writers have stored: a record is gone, cut, or somewhere else.

    Operator: restore the snapshot topic from a backup; or `homeostat folds rebuild FOLD`, which folds the input again
    from its beginning, or from what is left of it.
    """

    def __init__(self, topic: str, partition: int, what: str) -> None:
        super().__init__(
            f"{topic}[{partition}] is damaged: {what}. Restore the topic from a backup, or run "
            f"`homeostat folds rebuild {topic.removeprefix(SNAPSHOTS)}`: the fold begins again with what its input has"
        )
        self.topic, self.partition, self.what = topic, partition, what


class SnapshotUnsealed(Halt):
    """A record of a snapshot has no valid seal: somebody else wrote it, or a host without the key. It was not read.

    Operator: if hosts have run without the key until now, stop them (`homeostat down`), and start once with
    HOMEOSTAT_HOST_ADOPT_SNAPSHOTS=true. Otherwise somebody has written the topic who must not: take the right away,
    then restore the topic, or `homeostat folds rebuild FOLD`.
    """

    def __init__(self, topic: str, partition: int, key: bytes | None, reason: str) -> None:
        shown = (key or b"")[:200].decode(errors="replace")
        super().__init__(
            f"{topic}[{partition}]: the record {shown!r} {reason}, and was not read. If hosts have run without the key "
            "until now, start once with HOMEOSTAT_HOST_ADOPT_SNAPSHOTS=true; otherwise somebody has written this topic "
            f"who must not: restore it, or run `homeostat folds rebuild {topic.removeprefix(SNAPSHOTS)}`"
        )
        self.topic, self.partition, self.key, self.reason = topic, partition, key, reason


class SealKeyUnusable(Halt):
    """The file with the key of the snapshots cannot be used.

    Operator: give every host the same file (mode 600), one key of 64 hex digits a line; `homeostat up` makes one.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}; every host of a service needs the same file (mode 600), one key of 64 hex digits a "
            "line. HOMEOSTAT_SNAPSHOTS_KEY names it"
        )
        self.path, self.reason = path, reason


class SnapshotOutdated(Halt):
    """A state cannot be read: another version of the fold stored it in another form.

    Operator: go back to that version; or `homeostat folds rebuild FOLD`.
    """

    def __init__(self, fold: str, partition: int, unit: str, reason: str) -> None:
        topic = SNAPSHOTS + fold
        super().__init__(
            f"{topic}[{partition}]: the state of {unit!r} is in another form ({reason}): another version stored it. Go "
            f"back to that one, or delete the topic with `homeostat folds rebuild {fold}`: the fold begins again with "
            "what its input still has"
        )
        self.topic, self.partition, self.unit = topic, partition, unit


class LogTruncated(Halt):
    """A log ends before the position: the broker has lost what was read and acknowledged (an unclean leader election).

    Operator: find out what the cluster has lost; then begin anew as for `TopicReplaced`.
    """

    def __init__(self, fold: str, topic: str, partition: int, position: int) -> None:
        super().__init__(
            f"{topic}[{partition}] ends before offset {position}, which {fold} has read: the broker has lost records. "
            f"Delete and create the topic (a door then begins anew by itself), or delete {SNAPSHOTS}{fold} too"
        )
        self.fold, self.topic, self.partition, self.position = fold, topic, partition, position


class RecordUnreadable(Halt):
    """A batch of an internal log cannot be decompressed: it is damaged.

    Operator: restore the topic from an export.
    """

    def __init__(self, topic: str, partition: int, offset: int, reason: str) -> None:
        super().__init__(
            f"{topic}[{partition}] offset {offset} cannot be read ({reason}): it is damaged; restore it from an export"
        )
        self.topic, self.partition, self.offset = topic, partition, offset
