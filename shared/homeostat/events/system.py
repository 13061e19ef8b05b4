"""Events of the machinery itself."""

from typing import ClassVar, Literal

from pydantic import Field

from homeostat.events.base import Data, Digest, Name, Ratio, Subject, Text
from homeostat.events.bounds import Millis


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
        operating_point: Of the band.
        threshold: That `value` was compared with.
        value: The signal now; at the operating point `page` its surprise: 1 is as surprising as anything remembered.
        is_alert: Whether an alert is on.
        rate: Realised alarm rate so far.
    """

    TYPE: ClassVar[str] = "homeostat.threshold.moved.v1"
    model: Subject
    signal: Name
    operating_point: Literal["page", "rate"] = "rate"
    threshold: float
    value: float
    is_alert: bool
    rate: Ratio


class EventRefused(Data):
    """An input that was not taken, verbatim, with the reason. Homeostat keeps what it refuses.

    Args:
        reason: Stable code.
        detail: What is wrong and what would be right.
        service: The fold that refused.
        log: Where it came from.
        partition: Of `log`.
        offset: In `log`.
        key: Verbatim key, base64.
        value: Verbatim value, base64; empty if it lies in an artifact.
        headers: Verbatim headers: name and base64 value.
        attempts: How often it was replayed before.
    """

    TYPE: ClassVar[str] = "homeostat.event.refused.v1"
    reason: Name
    detail: Text
    service: Name
    log: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    key: str
    value: str
    headers: tuple[tuple[str, str], ...] = ()
    attempts: int = Field(default=0, ge=0)


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
