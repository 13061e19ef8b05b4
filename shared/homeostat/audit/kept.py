"""The auditor's last checkpoint, kept outside the broker: as a file, and what may be done without it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from homeostat.audit.digest import ORIGIN
from homeostat.audit.keyring import Keyring
from homeostat.audit.signing import signed_bytes, verify
from homeostat.codec import Record, decode_event
from homeostat.core import Halt, Reject
from homeostat.events import AuditBegun, CheckpointSigned


class CheckpointUnreadable(Halt):
    """A kept checkpoint is not one.

    Operator: put the right file there. If it is lost, remove it: the auditor then begins with what the audit log says.
    """

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is not a checkpoint of the audit log: put the right file there, or remove it")
        self.where = where


def write_checkpoint(checkpoint: CheckpointSigned) -> bytes:
    """Lay a checkpoint out as a file: the JSON of `checkpoint.signed`, one line."""
    return checkpoint.model_dump_json(exclude_none=True).encode() + b"\n"


def read_checkpoint(content: bytes, where: str) -> CheckpointSigned:
    """Read what `write_checkpoint` wrote; its signature is not checked here.

    Raises:
        CheckpointUnreadable: It is something else.
    """
    try:
        return CheckpointSigned.model_validate_json(content)
    except ValidationError:
        raise CheckpointUnreadable(where) from None


@dataclass(frozen=True, slots=True)
class Word:
    """An admin's word in an audit log.

    Args:
        said: What it says.
        principal: Who signed it.
        offset: Where it lies.
    """

    said: AuditBegun
    principal: str
    offset: int


def words(records: Iterable[Record], topic_id: str, keyring: Callable[[], Keyring]) -> list[Word]:
    """Return the words of admins in an audit log, in order; what others have put there does not count.

    Args:
        records: Of the audit log.
        topic_id: Its incarnation: a word counts in the one that it names.
        keyring: Whose word counts; asked only if there is any.
    """
    candidates = [r for r in records if (dict(r.headers).get("ce_type") or b"").decode() == AuditBegun.TYPE]
    admins = keyring().with_role("admin") if candidates else {}
    found = []
    for record in candidates:
        try:
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject:
            continue
        key = admins.get(event.key_id or "")
        signed = signed_bytes(event.type, ORIGIN, event.source, event.id, record.value or b"")
        if key is None or not verify(key.public, event.signature or "", signed):
            continue
        is_late = key.until_ms is not None and record.timestamp > key.until_ms
        if isinstance(event.data, AuditBegun) and event.data.topic_id == topic_id and not is_late:
            found.append(Word(event.data, key.principal, record.offset))
    return found


def is_abandoned(checkpoint: CheckpointSigned, said: Iterable[Word]) -> bool:
    """Whether somebody has signed that the audit log goes on without a checkpoint."""
    given_up = {(word.said.abandoned_size, word.said.abandoned_root) for word in said if word.said.is_anew}
    return (checkpoint.tree_size, checkpoint.root_hash) in given_up


def in_force(records: Sequence[Record], said: Iterable[Word]) -> list[Record]:
    """Return the records of an audit log that count: those behind the last word that lets it begin anew."""
    begun = max((word.offset for word in said if word.said.is_anew), default=-1)
    return [record for record in records if record.offset > begun]
