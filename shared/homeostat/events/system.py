"""Events of the machinery itself."""

from typing import ClassVar, Literal

from pydantic import Field

from homeostat.events.base import Data, Digest, Name, Ratio, Subject, Text
from homeostat.events.bounds import Identifier, Millis, Scalar


class ClockTicked(Data):
    """Time has passed for a subject; appended by the host that owns its partition.

    Args:
        due: The time that was waited for.
    """

    TYPE: ClassVar[str] = "homeostat.clock.ticked.v1"
    due: Millis


class IndicatorComputed(Data):
    """A number worth looking at.

    Args:
        model: Whose.
        name: Which.
        value: Its value.
        n: Rows behind it.
        version: The champion, where it speaks of that.
    """

    TYPE: ClassVar[str] = "homeostat.indicator.computed.v1"
    model: Subject
    name: Name
    value: float
    n: int = Field(default=1, ge=0)
    version: Name | None = None


class ThresholdMoved(Data):
    """A tracked threshold has a new value inside its approved band, or an alert begins or ends.

    Args:
        model: Whose.
        signal: Which.
        layer: Of the signal; None for what the detector measures itself.
        attributes: Of the signal, sorted by name; None if it has none. With the layer they say which of several
            thresholds of that name it is.
        operating_point: Of the band.
        threshold: That `value` was compared with.
        value: The signal now; at the operating point `page` its surprise: 1 is as surprising as anything remembered.
        is_alert: Whether an alert is on.
        rate: Realised alarm rate so far.
    """

    TYPE: ClassVar[str] = "homeostat.threshold.moved.v1"
    model: Subject
    signal: Name
    layer: Name | None = None
    attributes: dict[Name, Scalar] | None = None
    operating_point: Literal["page", "rate"] = "rate"
    threshold: float
    value: float
    is_alert: bool
    rate: Ratio


class EventRefused(Data):
    """An input that was not taken, with the reason: verbatim but for personal data. Homeostat keeps what it refuses.

    Args:
        reason: Stable code.
        detail: What is wrong and what would be right.
        service: The fold that refused.
        log: Where it came from.
        partition: Of `log`.
        offset: In `log`.
        key: Verbatim key, base64; nothing if there was none.
        value: Verbatim value, base64; nothing if there was none.
        headers: Verbatim headers: name and base64 value, or null.
        attempts: How often it was replayed before.
        size_bytes: Of the whole value, if the record was too large to be kept: key, value and headers are its beginning
            then, and it cannot be put back from here. While the door keeps it, it lies at `offset`.
        digest: sha256 of the whole value, where it was cut.
        n_left_out: Refused records of the same source since the last one that was kept, if any: a source that sends
            little else is sampled.
        redacted: Salted digest of each field that was personal, by contract or by its form, by its path. They are not
            in key, value and headers (no value is left where it could not be taken apart), so it cannot be put back
            from here. None where nothing was.
    """

    TYPE: ClassVar[str] = "homeostat.event.refused.v1"
    reason: Name
    detail: Text
    service: Name
    log: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    key: str | None = None
    value: str | None = None
    headers: tuple[tuple[str, str | None], ...] = ()
    attempts: int = Field(default=0, ge=0)
    size_bytes: int | None = Field(default=None, ge=0)
    digest: Digest | None = None
    n_left_out: int | None = Field(default=None, ge=1)
    redacted: dict[str, Digest] | None = Field(default=None, max_length=100)


class EventReplayed(Data):
    """A refused input was published again, at the door it had come to; said by who did it.

    Args:
        refusal: Identity of its `event.refused`.
        log: The door.
        partition: Where it lay there.
        offset: As above.
        attempts: Number of this attempt, from 1.
    """

    TYPE: ClassVar[str] = "homeostat.event.replayed.v1"
    refusal: Identifier
    log: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    attempts: int = Field(ge=1)


class LogDigested(Data):
    """Digest of a run of records of one log partition; a leaf of the audit log.

    Args:
        log: The log.
        topic_id: Its incarnation.
        partition: Of it.
        first: First offset.
        last: Last offset, included.
        digest: sha256 over the records, each length-prefixed: key, value, `ce_` headers.
        previous: Leaf hash before this one.
        leaf: sha256 of `previous` and this leaf's content.
        index: Number of the leaf, from 0.
        time: Broker time of the last record: what is gone before its retention has passed was deleted.
        entries: Of a compacted log: `offset:digest` of each record that was not replaced within the run. What
            compaction leaves is checked one by one; `digest` is over these.
    """

    TYPE: ClassVar[str] = "homeostat.log.digested.v1"
    log: str
    topic_id: str
    partition: int = Field(ge=0)
    first: int = Field(ge=0)
    last: int = Field(ge=0)
    digest: Digest
    previous: Digest
    leaf: Digest
    index: int = Field(ge=0)
    time: Millis | None = None
    entries: tuple[str, ...] | None = None


class CheckpointSigned(Data):
    """The audit log's head, signed.

    Args:
        origin: Name of the log.
        tree_size: Leaves.
        root_hash: Hash of the last leaf.
        signature: Base64 Ed25519 over `origin`, `tree_size`, `root_hash`, one a line.
        key: Id of the key.
    """

    TYPE: ClassVar[str] = "homeostat.checkpoint.signed.v1"
    origin: str
    tree_size: int = Field(ge=0)
    root_hash: Digest
    signature: str
    key: Name


class AuditBegun(Data):
    """A person's word that the audit log goes on without what was signed before; in the audit log, signed by an admin.

    Args:
        topic_id: Incarnation of the audit log that it lies in, and speaks of.
        is_anew: The chain begins anew behind this word, with leaf 0; else it only explains why the log began late.
        abandoned_size: Leaves of the checkpoint that is given up; 0 for none.
        abandoned_root: Hash of its last leaf.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.audit.begun.v1"
    topic_id: Identifier
    is_anew: bool
    abandoned_size: int = Field(ge=0)
    abandoned_root: Digest
    reason: Text = ""
