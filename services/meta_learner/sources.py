"""Who taught what, kept apart, so that nobody outweighs the others and each can be taken back exactly.

A payoff rests on the rows of one source or of several together. What such a set taught is one `Lessons`, under a *key*;
a source that is distrusted takes every key that it is part of along, aside, and brings it back when it is trusted.

Influence goes by identity: a source counts as itself where its rows were signed with a key that the scope knows. All
that is said without one is one seat's, however many names there are, and that seat counts as much as one other.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from river.drift import ADWIN

from homeostat.events.sources import SHARED_BY_SETS, rests_on, shared_name
from homeostat.services.meta_learner.records import Record
from homeostat.stats.hierarchical import Sums
from homeostat.stats.portable import FloatArray

T = TypeVar("T")

UNSIGNED: Final = ""
"""The seat of everybody who has not signed. No principal is named so."""

_HANDS: Final = "/hands"
"""Seat of our own hands. No principal is named so."""

_PER_SEAT: Final = 4
"""Share of the places that one name, or one who signs, may have: a quarter."""


@dataclass(slots=True)
class Lessons:
    """What the payoffs taught that rest on the same sources.

    Args:
        sums: Of the payoffs.
        record: How predictions of them did.
        errors: Change detector of the prediction errors: when they rise, these lessons count for less. Others' do not,
            or a liar could make the learner forget the honest.
        n_drifts: How often they rose.
    """

    sums: Sums
    record: Record
    errors: ADWIN = field(default_factory=ADWIN)
    n_drifts: int = 0

    @classmethod
    def empty(cls, k: int, d: int) -> "Lessons":
        """Return the lessons of no payoff of k arms in contexts of d numbers."""
        return cls(Sums.empty(k, d), Record.empty(k))

    def merged(self, more: "Lessons") -> "Lessons":
        """Return these with others of the same arms; the detector of these goes on."""
        self.sums.add(more.sums)
        self.record.add(more.record)
        self.n_drifts += more.n_drifts
        return self


def key_of(sources: Iterable[str], signers: Mapping[str, str] | None = None) -> str:
    """Return the key of what several sources say together; equal sets have equal keys, and no others.

    Args:
        sources: Names.
        signers: Principal by name, of those whose every row was signed. One name without makes the whole unsigned.
    """
    names, known = sorted(set(sources)), signers or {}
    return _key({known.get(name, UNSIGNED) for name in names}, names)


FAILURES: Final = json.dumps({"by": [_HANDS], "sources": [""]})
"""Key of the payoffs of trainings that failed: our own hands. No client's source is empty."""


@lru_cache(maxsize=4096)
def _read(key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Seats and names of a key."""
    found = json.loads(key)
    return ((UNSIGNED,), tuple(found)) if isinstance(found, list) else (tuple(found["by"]), tuple(found["sources"]))


def names_of(key: str) -> tuple[str, ...]:
    """Return the sources behind a key."""
    return _read(key)[1]


def seats_of(key: str) -> tuple[str, ...]:
    """Return who signed what is behind a key; the unsigned seat alone if anybody did not."""
    return _read(key)[0]


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
    seats, names, own = seats_of(key), names_of(key), most
    if seats != (UNSIGNED,):
        own = max(1, most // _PER_SEAT)
    is_joint = len(seats) > 1
    there = [each for each in known if (len(seats_of(each)) > 1 if is_joint else seats_of(each) == seats)]
    beside = [set(names_of(each)) for each in there if not any(name.startswith("~") for name in names_of(each))]
    limit = max(1, own // _PER_SEAT)
    if len(beside) < own and all(sum(name in others for others in beside) < limit for name in names):
        return key
    if is_joint:  # there are more sets of signers than can be kept apart
        return place(known, _key({UNSIGNED}, names), most)
    return _key(set(seats), [shared_name(names[0])] if len(names) == 1 else [SHARED_BY_SETS])


def pooled(lessons: Mapping[str, Lessons], n_arms: int, width: int, cap: float) -> Sums:
    """Add up what all have taught, no name and no seat counting for more than `cap` observations of an arm.

    A name counts with all that it is part of, and so does a seat; what several say together has the share of the one
    that has most to say.
    """
    ranked = [(one, seats_of(key), names_of(key)) for key, one in sorted(lessons.items())]
    by_name: dict[tuple[tuple[str, ...], str], FloatArray] = {}
    for one, seats, names in ranked:
        for name in names:
            by_name[seats, name] = by_name[seats, name] + one.sums.n if (seats, name) in by_name else one.sums.n
    shares, by_seat = list[FloatArray](), dict[str, FloatArray]()
    for one, seats, names in ranked:
        shares.append(_share(one.sums.n, [by_name[seats, name] for name in names], cap))
        for seat in seats:
            n = one.sums.n * shares[-1]
            by_seat[seat] = by_seat[seat] + n if seat in by_seat else n
    total = Sums.empty(n_arms, width)
    for (one, seats, _), share in zip(ranked, shares, strict=True):
        n = one.sums.n * share
        total.add(one.sums.scaled(share * _share(n, [by_seat[seat] for seat in seats], cap)))
    return total


def withdraw(known: dict[str, T], aside: dict[str, T], source: str, most: int, merge: Callable[[T, T], T]) -> bool:
    """Set aside all that a source has, or may have, a part in.

    Args:
        known: By key; what is left is as if the source had never spoken.
        aside: By key; changed. The longest there are forgotten.
        source: Distrusted.
        most: Keys kept aside.
        merge: Joins two values of one key.

    Returns:
        Whether there was anything.
    """
    hit = [key for key in sorted(known) if rests_on(names_of(key), [source])]
    _move(known, aside, hit, merge)
    while len(aside) > most:
        del aside[next(iter(aside))]
    return bool(hit)


def restore(known: dict[str, T], aside: dict[str, T], distrusted: Collection[str], merge: Callable[[T, T], T]) -> None:
    """Take back in what rests on nobody who is distrusted any more, as it was."""
    _move(aside, known, [key for key in sorted(aside) if not rests_on(names_of(key), distrusted)], merge)


def unseat(known: dict[str, T], principal: str, most: int, merge: Callable[[T, T], T]) -> None:
    """Let what somebody signed be as unsigned: the key may have been in other hands."""
    for key in [key for key in sorted(known) if principal in seats_of(key)]:
        one, unsigned = known.pop(key), _key({UNSIGNED}, names_of(key))
        to = place(known, unsigned, most)
        known[to] = merge(known[to], one) if to in known else one


def _key(seats: set[str], names: Iterable[str]) -> str:
    if UNSIGNED in seats or not seats:
        return json.dumps(list(names), ensure_ascii=False)
    return json.dumps({"by": sorted(seats), "sources": list(names)}, ensure_ascii=False)


def _share(n: FloatArray, said: list[FloatArray], cap: float) -> FloatArray:
    most = n
    for each in said:
        most = np.maximum(most, each)
    return np.minimum(1.0, cap / np.maximum(most, cap))


def _move(there: dict[str, T], here: dict[str, T], keys: list[str], merge: Callable[[T, T], T]) -> None:
    for key in keys:
        one = there.pop(key)
        here[key] = merge(here[key], one) if key in here else one
