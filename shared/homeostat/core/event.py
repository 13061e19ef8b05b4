"""What a fold sees and says: an event with its position, and an emit that has none yet."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar, dataclass_transform

from homeostat.core.identity import Identity, emit_id, identity

C = TypeVar("C")


@dataclass_transform(frozen_default=True)
def checked_frozen(cls: type[C]) -> type[C]:
    """Make a dataclass that is frozen for the type checker alone: at runtime that makes one six times as dear.

    Equal ones have equal hashes.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Payload(Protocol):
    """The typed data of an event; its class knows its CloudEvents type."""

    TYPE: ClassVar[str]


@checked_frozen
class Position:
    """Where a record lies.

    Args:
        topic: Name of the log.
        topic_id: The broker's id of this incarnation of the topic (KIP-516): a topic that was
            deleted and made again has another one, so its offsets name other identities.
        partition: >= 0.
        offset: >= 0.
    """

    topic: str
    topic_id: str
    partition: int
    offset: int


@checked_frozen
class Event:
    """One admitted record of a log, as a step sees it.

    Args:
        id: CloudEvents `id`; with `source` it is unique.
        source: CloudEvents `source`.
        type: CloudEvents `type`, `homeostat.<noun>.<verb>.v<n>`.
        subject: The key of the record: what the event is about.
        time: Broker time in milliseconds since the epoch, monotonic per partition. The only clock.
        data: The decoded payload.
        position: Where the record lies.
        story: `correlationid`: identity of the event that opened the story.
        cause: `causationid`: identity of the event that led here; None at a door.
        emitter: `/homeostat/<fold>/<topic>/<topic id>/<partition>`: the source of what a step emits.
        signature: The notary's or a person's signature header, verified by who needs it.
        key_id: Key that made `signature`.
        public_key: The key itself, hex, as the sender names it: what `key_id` and `signature` are checked against where
            there is no keyring.
        content: The verbatim value, for provenance and signatures.
    """

    id: str
    source: str
    type: str
    subject: str
    time: int
    data: Payload
    position: Position
    story: Identity
    emitter: str
    cause: Identity | None = None
    signature: str | None = None
    key_id: str | None = None
    public_key: str | None = None
    content: bytes = b""

    @property
    def identity(self) -> Identity:
        """The event's own identity."""
        return identity(self.source, self.id)

    def emit_identity(self, ordinal: int) -> Identity:
        """Identity that the `ordinal`-th emit of the step on this event will have (from 0)."""
        return identity(self.emitter, emit_id(self.position.offset, ordinal))


@checked_frozen
class Emit:
    """What a step says; the host adds identity, time and cause.

    Args:
        log: Topic the output goes to.
        data: Typed payload; decides the CloudEvents type.
        subject: Key of the output; None is the subject of the input.
        story: Story it belongs to; None inherits the input's, `OPENS` opens a new one at itself.
        broadcast: One identity to every partition of the log.
    """

    log: str
    data: Payload
    subject: str | None = None
    story: Identity | None = None
    broadcast: bool = False


OPENS: Identity = Identity("")
"""As `Emit.story`: the output is the first event of its own story."""
