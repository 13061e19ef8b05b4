"""The short way of decoding says what the long way says, of every record that it takes."""

from random import Random

import pytest
from tests.support import invalid_events
from tests.support.mutations import corpus, mutate

from homeostat.codec import Record
from homeostat.codec import decode as module
from homeostat.core import Reject

GOOD = list(corpus())


def outcome(record: Record, *, is_door: bool, is_short: bool) -> str:
    """What comes of a record one way: the event as text, the refusal; nothing where the short way leaves it."""
    try:  # the two ways are the private halves of `decode_event`
        if is_short:
            return repr(module._plain(record, 7, "e", dict(record.headers), is_door=is_door))  # noqa: SLF001  # as above
        return repr(module._decoded(record, time=7, emitter="e", is_door=is_door))  # noqa: SLF001  # as above
    except Reject as reject:
        return f"{reject.reason} {reject.detail}"


@pytest.mark.parametrize("is_door", [True, False])
def test_both_ways_are_one(is_door: bool) -> None:
    """Valid records of every format, what must not pass, and thousands of mutations."""
    chance = Random(7)
    odd = [
        Record(bad.door, "topic", 0, 0, 1000, bad.key, bad.value, list(bad.headers))
        for bad in invalid_events.of_every_kind()
    ]
    mutated = [mutate(chance, chance.choice(GOOD)) for _ in range(3_000)]
    n_short = 0
    for record in [*GOOD, *odd, *mutated]:
        short = outcome(record, is_door=is_door, is_short=True)
        if short != "None":
            n_short += 1
            assert short == outcome(record, is_door=is_door, is_short=False), record

    assert n_short > len(GOOD)
