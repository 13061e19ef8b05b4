"""The window of admitted events."""

from hypothesis import given
from hypothesis import strategies as st

from intake.deduplication import Seen, key_of


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


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_name_source_and_id_apart(source: str, id_: str, other_source: str, other_id: str) -> None:
    """Two events have one key only if source and id are both the same."""
    assert (key_of(source, id_) == key_of(other_source, other_id)) == ((source, id_) == (other_source, other_id))


def test_border_between_source_and_id_counts() -> None:
    """("a", "bc") and ("ab", "c") are two events."""
    assert key_of("a", "bc") != key_of("ab", "c")


def test_long_names_take_bounded_memory() -> None:
    """A key is never longer than its limit, and long names still differ."""
    first, second = key_of("/client", "x" * 10_000), key_of("/client", "x" * 9_999 + "y")

    assert first != second
    assert max(len(first), len(second)) <= 200
