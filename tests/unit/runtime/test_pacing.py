"""Snapshots stay in proportion to what was read."""

from homeostat.runtime.pacing import LONGEST_SECONDS, SHARE, SnapshotPace

INTERVAL = 2.0


def stored(seconds: float, cost: int, read: float) -> int:
    """Bytes that a host stores which looks every two seconds.

    Args:
        seconds: It runs.
        cost: Bytes of one snapshot.
        read: Bytes a second of input.
    """
    pace, now, total = SnapshotPace(0.0), 0.0, 0
    while now < seconds:
        now += INTERVAL
        pace.n_read += int(read * INTERVAL)
        if pace.is_due(now):
            total += cost
            pace.written(now, cost)
    return total


def test_what_is_stored_is_bounded_by_what_is_read() -> None:
    """35 rows a second over 40 models of 260 KB: 5 MB/s when each snapshot was written, below 0.2 MB/s now."""
    cost, read, seconds = 40 * 260_000, 35 * 500, 600

    assert stored(seconds, cost, read) / seconds < 200_000


def test_much_input_is_stored_as_often_as_before() -> None:
    """Every two seconds: a restart has little to fold again."""
    assert stored(60, 1_000_000, 10_000_000) == 30 * 1_000_000


def test_between_both_the_share_holds() -> None:
    """Whatever the rate, at most the share of it, and one snapshot a minute."""
    cost, seconds = 1_000_000, 600
    for read in (10_000, 50_000, 100_000, 400_000):
        assert stored(seconds, cost, read) <= (SHARE * read * seconds) + cost * (seconds / LONGEST_SECONDS + 1)


def test_the_first_snapshot_is_not_waited_for() -> None:
    """What it costs is not known before."""
    assert SnapshotPace(0.0).is_due(0.0)
