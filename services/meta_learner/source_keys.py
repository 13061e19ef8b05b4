"""Keys of who said something: the names of the sources, and the seats of those who signed for them.

Influence goes by identity: a source counts as itself where its rows were signed with a key that the scope knows. All
that is said without one is one seat's, however many names there are, and that seat counts as much as one other.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from homeostat.events import KeyRegistered
from homeostat.events.sources import SHARED_BY_SETS, rests_on, shared_name

T = TypeVar("T")

UNSIGNED: Final = ""
"""The seat of everybody who has not signed. No principal is named so."""

_HANDS: Final = "/hands"
"""Seat of our own hands. No principal is named so."""

_PER_SEAT: Final = 4
"""Share of the places that one name, or one who signs, may have: a quarter."""

FAILURES: Final = json.dumps({"by": [_HANDS], "sources": [""]})
"""Key of the payoffs of trainings that failed: our own hands. No client's source is empty."""


class Sources(NamedTuple):
    """What a key stands for.

    Args:
        seats: Who signed; the unsigned seat alone if anybody did not.
        names: Of the sources.
    """

    seats: tuple[str, ...]
    names: tuple[str, ...]


def key_of(sources: Iterable[str], signers: Mapping[str, str] | None = None) -> str:
    """Return the key of what several sources say together; equal sets have equal keys, and no others.

    Args:
        sources: Names.
        signers: Principal by name, of those whose every row was signed. One name without makes the whole unsigned.
    """
    names, known = sorted(set(sources)), signers or {}
    return _key({known.get(name, UNSIGNED) for name in names}, names)


@lru_cache(maxsize=4096)
def read_key(key: str) -> Sources:
    """Return the seats and names that a key was made of."""
    found = json.loads(key)
    if isinstance(found, list):
        return Sources((UNSIGNED,), tuple(found))
    return Sources(tuple(found["by"]), tuple(found["sources"]))


def place(known: Collection[str], key: str, most: int) -> str:
    """Return the key that something goes under: its own while there is room, else one that it shares.

    Nobody is left out, and nobody who was there before makes room. One name is part of a quarter of the own places of
    a seat at most; who signs has a quarter of the places that the unsigned seat has.

    Args:
        known: Keys there are.
        key: Wanted.
        most: Own places of the unsigned seat.
    """
    if key in known:
        return key
    (seats, names), own = read_key(key), most
    if seats != (UNSIGNED,):
        own = max(1, most // _PER_SEAT)
    is_joint = len(seats) > 1
    there = [one for one in map(read_key, known) if (len(one.seats) > 1 if is_joint else one.seats == seats)]
    beside = [set(one.names) for one in there if not any(name.startswith("~") for name in one.names)]
    limit = max(1, own // _PER_SEAT)
    if len(beside) < own and all(sum(name in others for others in beside) < limit for name in names):
        return key
    if is_joint:  # there are more sets of signers than can be kept apart
        return place(known, _key({UNSIGNED}, names), most)
    return _key(set(seats), [shared_name(names[0])] if len(names) == 1 else [SHARED_BY_SETS])


def withdraw(known: dict[str, T], withdrawn: dict[str, T], source: str, most: int, merge: Callable[[T, T], T]) -> bool:
    """Set aside all that a source has, or may have, a part in.

    Args:
        known: By key; what is left is as if the source had never spoken.
        withdrawn: By key; changed. The longest there are forgotten.
        source: Distrusted.
        most: Keys kept in `withdrawn`.
        merge: Joins two values of one key.

    Returns:
        Whether there was anything.
    """
    hit = [key for key in sorted(known) if rests_on(read_key(key).names, [source])]
    _move(known, withdrawn, hit, merge)
    while len(withdrawn) > most:
        del withdrawn[next(iter(withdrawn))]
    return bool(hit)


def restore(
    known: dict[str, T], withdrawn: dict[str, T], distrusted: Collection[str], merge: Callable[[T, T], T]
) -> None:
    """Take back in what rests on nobody who is distrusted any more, as it was; arguments as in `withdraw`."""
    back = [key for key in sorted(withdrawn) if not rests_on(read_key(key).names, distrusted)]
    _move(withdrawn, known, back, merge)


def unseat(known: dict[str, T], principal: str, most: int, merge: Callable[[T, T], T]) -> None:
    """Let what somebody signed be as unsigned: the key may have been in other hands.

    Args:
        known: By key; changed.
        principal: Whose key was revoked.
        most: Own places of the unsigned seat.
        merge: Joins two values of one key.
    """
    for key in [key for key in sorted(known) if principal in read_key(key).seats]:
        one, unsigned = known.pop(key), _key({UNSIGNED}, read_key(key).names)
        to = place(known, unsigned, most)
        known[to] = merge(known[to], one) if to in known else one


@dataclass(slots=True)
class Seats:
    """Whose keys the family's scope knows, as the governor has said.

    Args:
        public_keys: By key id.
        principals: Holder, by public key.
    """

    public_keys: dict[str, str] = field(default_factory=dict)
    principals: dict[str, str] = field(default_factory=dict)

    def update(self, data: KeyRegistered) -> None:
        """Take note of a key."""
        self.public_keys[data.key], self.principals[data.public_key] = data.public_key, data.principal

    def remove(self, key: str) -> str | None:
        """Forget a key; return its holder, if that was the last one: what it has signed is unsigned from now on."""
        public = self.public_keys.pop(key, None)
        principal = None if public is None else self.principals.pop(public)
        return None if principal in self.principals.values() else principal

    def key_of(self, sources: Iterable[str], signers: Mapping[str, str]) -> str:
        """Return the key of what sources say together.

        Args:
            sources: Names.
            signers: Public key by source; keys that the scope does not know sign nothing.
        """
        known = {source: self.principals[key] for source, key in signers.items() if key in self.principals}
        return key_of(sources, known)


def _key(seats: set[str], names: Iterable[str]) -> str:
    if UNSIGNED in seats or not seats:
        return json.dumps(list(names), ensure_ascii=False)
    return json.dumps({"by": sorted(seats), "sources": list(names)}, ensure_ascii=False)


def _move(there: dict[str, T], here: dict[str, T], keys: list[str], merge: Callable[[T, T], T]) -> None:
    for key in keys:
        one = there.pop(key)
        here[key] = merge(here[key], one) if key in here else one
