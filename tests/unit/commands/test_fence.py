"""What a history has of a target counts if it is genuine, however much of it is not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hand_shop import NOTARY, NOW, command, key_of, record

from homeostat.commands import Guard
from homeostat.core import Reject

KEYS = {NOTARY.key_id: NOTARY.public_key_hex}


def judged(history: Sequence[tuple[int, bool]], offset: int) -> str | None:
    """What the guard says of a command behind a history of (offset, whether it is genuine)."""
    guard = Guard(KEYS)
    for at, is_genuine in history:
        guard.read_history(record(command(), at, key=NOTARY if is_genuine else key_of(2)))
    refusal = guard.judge(guard.read(record(command(), offset)), NOW)
    return None if refusal is None else refusal.reason


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=12), st.integers(0, 12))
def test_the_highest_genuine_command_of_a_history_is_the_fence(history: list[tuple[int, bool]], offset: int) -> None:
    """In any order, among any number of forgeries, above it and below it."""
    highest = max((at for at, is_genuine in history if is_genuine), default=-1)

    expected = "repeated" if offset == highest else "stale" if offset < highest else None

    assert judged(history, offset) == expected


@pytest.mark.parametrize("n", [1, 4, 5, 100])
def test_forgeries_in_the_history_of_a_target_hide_nothing_of_it(n: int) -> None:
    """However many claim to be later than the last that was genuine."""
    assert judged([(5, True), *((1000 + at, False) for at in range(n)), (6, True)], 6) == "repeated"
    assert judged([(5, True), *((1000 + at, False) for at in range(n))], 7) is None


def test_a_long_history_is_not_kept() -> None:
    """A few commands of each target, whose signatures are looked at when one of them is judged, or when more come."""
    guard = Guard(KEYS)

    for at in range(50):
        guard.read_history(record(command(), at))

    assert sum(len(heard) for heard in guard._fence._heard.values()) <= 4  # noqa: SLF001  # what is kept shows nowhere


def test_what_a_history_cannot_say_raises_nothing() -> None:
    """No fold has said it, or nobody can read it."""
    guard = Guard(KEYS)
    made = record(command(), 3)
    made.headers = [(name, "²".encode() if name == "ce_id" else value) for name, value in made.headers]

    guard.read_history(made)
    made.value = b"{"
    guard.read_history(made)

    assert guard.judge(guard.read(record(command(), 0)), NOW) is None
    with pytest.raises(Reject):
        guard.read(made)


def test_a_partition_of_the_history_goes_with_its_commands() -> None:
    """Whoever reads it again begins at its beginning."""
    guard = Guard(KEYS)
    guard.read_history(record(command(), 5))
    guard.read_history(record(command(model="acme/other"), 5, place=1))

    guard.forget("homeostat.policy.rollout", 0)

    assert guard.judge(guard.read(record(command(), 5)), NOW) is None
    other = guard.judge(guard.read(record(command(model="acme/other"), 5, place=1)), NOW)
    assert other is not None
    assert other.reason == "repeated"
