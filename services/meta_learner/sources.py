"""Who taught what, kept apart, so that no source outweighs the others and each can be taken back exactly.

A payoff rests on the rows of one source or of several together. What such a set taught is one `Lessons`; a source that
is distrusted takes every set that it is part of along.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from river.drift import ADWIN

from homeostat.stats.hierarchical import Sums
from homeostat.stats.portable import FloatArray

FAILURES = ("",)
"""Source of the payoffs of trainings that failed: our own hands. No client's source is empty."""


@dataclass(slots=True)
class Lessons:
    """What the payoffs taught that rest on the same sources.

    Args:
        sums: Of the payoffs.
        errors: Change detector of the prediction errors: when they rise, these lessons count for less. Others' do not,
            or a liar could make the learner forget the honest.
    """

    sums: Sums
    errors: ADWIN = field(default_factory=ADWIN)


def key_of(sources: tuple[str, ...]) -> str:
    """Return the key of what several sources say together; equal sets have equal keys, and no others."""
    return json.dumps(sorted(set(sources)), ensure_ascii=False)


def names_of(key: str) -> list[str]:
    """Return the sources behind a key."""
    names: list[str] = json.loads(key)
    return names


def admit(lessons: dict[str, Lessons], key: str, n_arms: int, width: int, most: int) -> Lessons | None:
    """Return the lessons of a key, which begin with its first payoff.

    Args:
        lessons: By key; changed.
        key: Of the sources.
        n_arms: Of the family.
        width: Of a context.
        most: Bound on the keys. One source may be part of a quarter of them, so that it cannot lock the others out.

    Returns:
        None beyond the bound: such payoffs are counted, not learned.
    """
    if key not in lessons:
        names = names_of(key)
        joint = [set(names_of(known)) for known in lessons]
        if len(joint) >= most or any(sum(name in known for known in joint) >= max(1, most // 4) for name in names):
            return None
        lessons[key] = Lessons(Sums.empty(n_arms, width))
    return lessons[key]


def pooled(lessons: dict[str, Lessons], n_arms: int, width: int, cap: float) -> Sums:
    """Add up what all have taught, no source counting for more than `cap` observations of an arm.

    A source counts with all that it is part of; what several say together has the share of the one that has most to
    say.
    """
    total = Sums.empty(n_arms, width)
    said: dict[str, FloatArray] = {}
    for key, one in lessons.items():
        for name in names_of(key):
            said[name] = said[name] + one.sums.n if name in said else one.sums.n
    for key, one in sorted(lessons.items()):
        most = one.sums.n
        for name in names_of(key):
            most = np.maximum(most, said[name])
        total.add(one.sums.scaled(np.minimum(1.0, cap / np.maximum(most, cap))))
    return total


def forget(by_key: dict[str, Any], source: str) -> None:
    """Take back all that a source had a part in."""
    for key in [key for key in by_key if source in names_of(key)]:
        del by_key[key]
