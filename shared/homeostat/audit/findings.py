"""What a verification finds."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "edited",
    "missing",
    "truncated",
    "reordered",
    "undigested",
    "forked",
    "unsigned",
    "unknown_key",
    "vanished",
    "deleted_early",
    "begun_anew",
    "unauthorised",
    "unapproved",
]
"""edited: bytes differ from what was proven. missing: something in the middle is not there. truncated: the
end is not there. reordered: the same things in another order. undigested: records that no leaf covers.
forked: a checkpoint signs another history, or a leaf proves what was proven before. unsigned: a signature
that is not one, or none where one belongs. unknown_key: signed by a key outside the keyring. vanished: a topic, or an
incarnation of it, that was digested and is not there. deleted_early: records gone before their retention.
begun_anew: the audit log is younger than what it proves, and nobody signed for that. unauthorised: written by somebody
who may not. unapproved: a command or an effect without a signed verdict."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where.

    Args:
        kind: See `Kind`.
        where: `leaf 12`, `checkpoint of 40 leaves`, or `homeostat.timeline[3] 100..149`.
        detail: One sentence.
    """

    kind: Kind
    where: str
    detail: str
