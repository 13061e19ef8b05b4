"""No more than so many in any window, whatever the times."""

from hypothesis import given
from hypothesis import strategies as st

from homeostat.core.rate import Rate


@given(gaps=st.lists(st.integers(0, 50), max_size=60), limit=st.integers(1, 5), window_ms=st.integers(1, 100))
def test_no_window_has_more_than_the_limit_and_nothing_is_refused_in_vain(
    gaps: list[int], limit: int, window_ms: int
) -> None:
    """What was let through, counted by hand."""
    rate, now, taken = Rate(), 1_000, list[int]()

    for gap in gaps:
        now += gap
        inside = sum(time > now - window_ms for time in taken)
        is_taken = rate.take(now, limit, window_ms)
        assert is_taken == (inside < limit)
        taken += [now] * is_taken
        assert len(rate.times) <= limit
