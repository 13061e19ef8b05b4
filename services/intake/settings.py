"""What the doors are tuned by; the digest of these values is part of their version."""

from dataclasses import dataclass
from typing import Final

from homeostat.admission.limits import IDENTITY_LENGTH, INLINE_ARRAY_BYTES, LABEL_WINDOW_SECONDS, REQUEST_LENGTH

DEDUPLICATION_EVENTS: Final = 4096
"""Clients repeat within seconds; a hand repeats its last commands. Both lie well inside."""

JOIN_WINDOW_MS: Final = LABEL_WINDOW_SECONDS * 1000
"""Labels later than this are unmatched, unless the registration says otherwise: the timeline keeps as long."""

JOIN_MEMORY_BYTES: Final = 640 * 2**20
"""Of one model, unless its registration says otherwise: ten million answers, a day at 100 requests a second."""

JOIN_BLOCK_ROWS: Final = 4096
"""So many answers, or labels, of a model are stored once and for all; the younger ones with every snapshot."""

JOIN_VERSIONS: Final = 16
"""A champion, a reference and a plan's candidates, twice over."""

DEPLOYMENTS_PER_HOUR: Final = 60
"""Of one model; no pipeline deploys every minute, and each change ends what is in flight."""


LEARN_ROWS: Final = 100
"""Below what the detector takes for its first reference: it begins with the features known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Windows and limits of the doors, per subject.

    Args:
        deduplication_events: Admitted events remembered by (scope, source, id).
        join_window_ms: How long answers wait for their labels, by broker time.
        join_memory_bytes: Memory for them, of one model; beyond it a sample of the requests is kept.
        join_block_rows: Answers that are stored together.
        join_versions: Versions (in one role each) whose answers go on with a label.
        learn_rows: Rows with features from which a contract without any is completed.
        request_length: Longest request id, characters.
        identity_length: Longest `ce_source` and longest `ce_id`, characters.
        inline_array_bytes: Largest array inside a task, decoded.
        deployments_per_hour: Announced changes of what a model serves that are followed.
    """

    deduplication_events: int = DEDUPLICATION_EVENTS
    join_window_ms: int = JOIN_WINDOW_MS
    join_memory_bytes: int = JOIN_MEMORY_BYTES
    join_block_rows: int = JOIN_BLOCK_ROWS
    join_versions: int = JOIN_VERSIONS
    learn_rows: int = LEARN_ROWS
    request_length: int = REQUEST_LENGTH
    identity_length: int = IDENTITY_LENGTH
    inline_array_bytes: int = INLINE_ARRAY_BYTES
    deployments_per_hour: int = DEPLOYMENTS_PER_HOUR
