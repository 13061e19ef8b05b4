"""What a sender may say: about which scopes, through which doors."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events.logs import DOORS

EVERY_SCOPE: Final = "*"
_PREFIX: Final = "homeostat."


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights of one token.

    Args:
        name: Whose they are: limits are counted by it.
        scopes: That subjects may lie in; `*` for all, and for what concerns the whole organisation.
        doors: Ingress topics.
        events_per_second: Instead of the door's own limit.
    """

    name: str
    scopes: frozenset[str]
    doors: frozenset[str] = frozenset(DOORS)
    events_per_second: float | None = None


ANYBODY: Final = Grant("anybody", frozenset({EVERY_SCOPE}))
"""Of everybody on this machine, where no tokens are set up."""


def check_grant(grant: Grant, topic: str, subject: str) -> None:
    """Let a subject pass only within the scopes, and only through the doors, of a grant.

    Args:
        grant: Of the sender.
        topic: Of the door.
        subject: Of the event.

    Raises:
        Reject: `door_forbidden`, `scope_forbidden`.
    """
    if topic not in grant.doors:
        raise Reject("door_forbidden", f"this token may not write to {topic}; it may to {_listed(grant.doors)}")
    scope = scope_of(subject)
    if scope not in grant.scopes and EVERY_SCOPE not in grant.scopes:
        raise Reject("scope_forbidden", f"this token speaks for {_listed(grant.scopes)}, not for {scope[:100]!r}")


def doors_of(names: list[str]) -> frozenset[str]:
    """Return topics of doors by their short names: telemetry, traces, requests, reports.

    Raises:
        ValueError: There is no such door.
    """
    topics = frozenset(f"{_PREFIX}{name.strip()}" for name in names)
    if not topics or topics - set(DOORS):
        known = ", ".join(door.removeprefix(_PREFIX) for door in DOORS)
        raise ValueError(f"doors are some of {known}, not {', '.join(names) or 'none'}")
    return topics


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
