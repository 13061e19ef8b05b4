"""The order of brakes is the governor's, however its partitions are read."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.support.hand_shop import NOTARY, record

from homeostat.codec import Record
from homeostat.commands import Guard
from homeostat.events import BrakeReleased, BrakeSet

KEYS = {NOTARY.key_id: NOTARY.public_key_hex}


def said(offset: int, scope: str, *, is_set: bool, place: int) -> Record:
    """What the governor says to one partition; every one has it at another time."""
    data = BrakeSet(scope=scope, freeze="f#1") if is_set else BrakeReleased(scope=scope, freeze="f#1")
    made = record(data, offset, place=place)
    return Record(made.topic, "t", place, offset, offset * 10 + place, made.key, made.value, made.headers)


@given(
    words=st.lists(st.tuples(st.sampled_from(["acme", "other", "*", "acme/m"]), st.booleans()), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_whichever_partition_is_read_first_the_last_word_counts(words: list[tuple[str, bool]], order: Random) -> None:
    """Each partition in its own order, any order across, with repeats: what holds in the end is what was said last."""
    guard, waiting = Guard(KEYS), {place: list(enumerate(words)) for place in range(3)}
    while places := [place for place, left in waiting.items() if left]:
        place = order.choice(places)
        offset, (scope, is_set) = waiting[place].pop(0)
        for _ in range(order.choice((1, 2))):
            guard.read(said(offset, scope, is_set=is_set, place=place))

    last = dict(words)
    assert guard.braked == {scope for scope, is_set in last.items() if is_set}


def test_what_was_read_in_a_partition_goes_with_it() -> None:
    """What others have said of the same scope stays, and counts again."""
    guard = Guard(KEYS)
    guard.read(said(1, "acme", is_set=True, place=0))
    guard.read(said(2, "acme", is_set=False, place=1))
    assert guard.braked == frozenset()

    guard.forget("homeostat.policy.rollout", 1)
    assert guard.braked == {"acme"}

    guard.forget("homeostat.policy.rollout", 0)
    assert guard.braked == frozenset()
