"""What the doors are tuned by; the digest of these values is part of their version."""

from dataclasses import dataclass
from typing import Final

DEDUPLICATION_EVENTS: Final = 4096
"""Clients repeat within seconds; a hand repeats its last commands. Both lie well inside."""

JOIN_REQUESTS: Final = 4096
"""Labels later than this many requests of the model are refused as unmatched."""

JOIN_VERSIONS: Final = 16
"""A champion, a reference and a plan's candidates, twice over."""

REQUEST_LENGTH: Final = 128
"""Longest request id in characters: bounds the memory of the join, fits a trace id with room."""

IDENTITY_LENGTH: Final = 400
"""Longest `ce_source` and longest `ce_id`: two of them, and words around, fit into a sentence of 2,000 characters."""

INLINE_ARRAY_BYTES: Final = 65_536
"""CloudEvents: intermediaries carry 64 KiB; larger arrays go to the artifact store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Windows and limits of the doors, per subject.

    Args:
        deduplication_events: Admitted events remembered by (scope, source, id).
        join_requests: Requests of a model remembered for its late labels.
        join_versions: Versions (in one role each) whose answers are remembered.
        request_length: Longest request id, characters.
        identity_length: Longest `ce_source` and longest `ce_id`, characters.
        inline_array_bytes: Largest array inside a task, decoded.
    """

    deduplication_events: int = DEDUPLICATION_EVENTS
    join_requests: int = JOIN_REQUESTS
    join_versions: int = JOIN_VERSIONS
    request_length: int = REQUEST_LENGTH
    identity_length: int = IDENTITY_LENGTH
    inline_array_bytes: int = INLINE_ARRAY_BYTES
