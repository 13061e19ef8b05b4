"""The window of admitted events."""

from hypothesis import given
from hypothesis import strategies as st

from homeostat.core import Event, Identity, Position
from homeostat.events import FreezeSet
from homeostat.services.intake.deduplication import Seen, key_of


@given(st.lists(st.integers(0, 12)), st.integers(1, 6))
def test_window_knows_exactly_the_last_events(ids: list[int], size: int) -> None:
    """An event is a duplicate if and only if it is among the last `size` admitted ones."""
    seen, admitted = Seen(), list[str]()
    for id_ in map(str, ids):
        assert seen.has(id_, size) == (id_ in admitted[-size:])

        if not seen.has(id_, size):
            seen.add(id_, size)
            admitted.append(id_)


@given(st.integers(1, 50), st.integers(0, 300))
def test_window_is_bounded(size: int, n: int) -> None:
    """At most twice the window is kept in memory."""
    seen = Seen()
    for number in range(n):
        seen.add(str(number), size)

    assert len(seen.young) + len(seen.old) <= 2 * size


def said(source: str, id_: str, signature: str | None = None, content: bytes = b"{}") -> Event:
    """An event of a door."""
    return Event(
        id=id_,
        source=source,
        type=FreezeSet.TYPE,
        subject="acme",
        time=0,
        data=FreezeSet(scope="acme"),
        position=Position("d", "t", 0, 0),
        story=Identity("s"),
        emitter="/e",
        signature=signature,
        key_id=None if signature is None else "key",
        content=content,
    )


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_name_source_and_id_apart(source: str, id_: str, other_source: str, other_id: str) -> None:
    """Two events have one key only if source and id are both the same."""
    one, other = key_of(said(source, id_)), key_of(said(other_source, other_id))

    assert (one == other) == ((source, id_) == (other_source, other_id))


def test_border_between_source_and_id_counts() -> None:
    """("a", "bc") and ("ab", "c") are two events."""
    assert key_of(said("a", "bc")) != key_of(said("ab", "c"))


def test_what_is_signed_is_named_by_its_signature_and_all_that_it_covers() -> None:
    """Nobody takes the place of a signed event by its source and id; its repeat is one."""
    signed = said("/cli", "1", "c2ln")

    assert key_of(signed) == key_of(said("/cli", "1", "c2ln"))
    others = [said("/cli", "1"), said("/cli", "1", "b3Ro"), said("/cli", "1", "c2ln", b"[]"), said("/x", "1", "c2ln")]
    assert key_of(signed) not in [key_of(other) for other in others]


def test_long_names_take_bounded_memory() -> None:
    """A key is never longer than its limit, and long names still differ."""
    first, second = key_of(said("/client", "x" * 10_000)), key_of(said("/client", "x" * 9_999 + "y"))

    assert first != second
    assert max(len(first), len(second)) <= 200
