"""Where an auditor begins: behind the audit log, if that is the one its kept checkpoint is of."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from homeostat.audit.kept import CheckpointUnreadable, in_force, is_abandoned, read_checkpoint, words
from homeostat.audit.keyring import Keyring
from homeostat.audit.verify import signature_of
from homeostat.codec import Record
from homeostat.services.auditor.chain import Chain, resume

log = structlog.get_logger(__name__)


def resume_kept(
    written: Sequence[Record],
    topic_id: str,
    content: bytes | None,
    where: str,
    public_keys: Mapping[str, str],
    keyring: Callable[[], Keyring],
) -> Chain:
    """Resume the chain, unless what was signed and kept is gone from it and nobody has signed for that.

    Args:
        written: The audit log, from its beginning to its end.
        topic_id: Its incarnation.
        content: Of the kept checkpoint; None where none was ever kept.
        where: It is kept.
        public_keys: That may have signed it, in hex by id.
        keyring: Of people; asked only where somebody's word is needed.

    Raises:
        ChainBroken: The audit log does not follow from itself.
        CheckpointLost: The kept checkpoint is not of it.
        CheckpointUnreadable: It is none, or signed by nobody who may.
    """
    said = words(written, topic_id, keyring)
    counts = in_force(written, said)
    for word in said:
        if word.said.is_anew:
            log.warning("audit_begun_anew", abandoned=word.said.abandoned_size, by=word.principal)
    if content is None:
        return resume(counts)
    kept = read_checkpoint(content, where)
    if not signature_of(kept, public_keys):
        raise CheckpointUnreadable(where)
    return resume(counts, kept=None if is_abandoned(kept, said) else kept)
