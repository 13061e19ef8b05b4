"""Times in every form that people have them in, as seconds since the epoch."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.client.times import durations_of, seconds_of
from homeostat.core import Reject

NEW_YEAR = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


@pytest.mark.parametrize("unit", ["Y", "M", "D", "h", "m", "s", "ms", "us", "ns"])
def test_every_unit_of_datetime64_is_known(unit: str) -> None:
    """One or many: the same moment, whatever it is counted in."""
    one = np.array("2026-01-01", f"M8[{unit}]")[()]

    assert seconds_of("time", one, 2).tolist() == [NEW_YEAR, NEW_YEAR]
    assert seconds_of("time", np.array([one, one]), 2).tolist() == [NEW_YEAR, NEW_YEAR]
    assert seconds_of("time", [one, one], 2).tolist() == [NEW_YEAR, NEW_YEAR]


@given(at=st.integers(0, 253_402_300_799_000_000))
def test_microseconds_are_kept(at: int) -> None:
    """As well as a double holds them, up to the year 9999."""
    assert seconds_of("time", np.datetime64(at, "us"), 1)[0] == pytest.approx(at / 1e6, rel=1e-15)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 1, 1),  # noqa: DTZ001  # that is what is under test
        date(2026, 1, 1),
        int(NEW_YEAR),
        np.float32(NEW_YEAR),
    ],
)
def test_datetimes_are_moments(moment: object) -> None:
    """Aware ones by their zone; without one they are UTC, as for numpy and pandas."""
    assert seconds_of("time", moment, 1).tolist() == [NEW_YEAR]
    assert seconds_of("time", [moment], 1).tolist() == [NEW_YEAR]


def test_pandas_times_are_moments() -> None:
    """Timestamps, series and indices, with a zone and without."""
    pd = pytest.importorskip("pandas")
    berlin = pd.Timestamp("2026-01-01T01:00", tz="Europe/Berlin")

    for one in (berlin, pd.Timestamp("2026-01-01"), pd.Series([berlin]), pd.DatetimeIndex(["2026-01-01"])):
        assert seconds_of("time", one, 1).tolist() == [NEW_YEAR]
    missing = seconds_of("time", pd.Series([berlin, pd.NaT]), 2)
    assert missing[0] == NEW_YEAR
    assert np.isnan(missing[1])


def test_arrow_times_are_moments() -> None:
    """Of any unit."""
    pa = pytest.importorskip("pyarrow")

    for unit in ("s", "ms", "us", "ns"):
        column = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp(unit, "Asia/Tokyo"))
        assert seconds_of("time", column, 1).tolist() == [NEW_YEAR]


@pytest.mark.parametrize("missing", [np.datetime64("NaT"), [None], np.ma.array([1.0], mask=[True])])
def test_what_is_missing_is_no_moment(missing: object) -> None:
    """It becomes NaN, which no door takes, and never 1970."""
    assert np.isnan(seconds_of("time", missing, 1)).all()


@pytest.mark.parametrize(
    "wrong", ["2026-01-01", ["2026-01-01"], True, 1j, timedelta(1), np.timedelta64(1, "D"), [1, 2], [[1]], {}, object()]
)
def test_what_is_no_time_is_refused(wrong: object) -> None:
    """The message says what would be one."""
    with pytest.raises(Reject, match="payload_invalid: time"):
        seconds_of("time", wrong, 1)


@pytest.mark.parametrize(
    "durations",
    [
        [np.timedelta64(35, "ms"), np.timedelta64(35_000, "us")],
        np.array([35, 35], "m8[ms]"),
        [timedelta(milliseconds=35), 0.035],
    ],
)
def test_durations_are_seconds(durations: object) -> None:
    """35 ms are no 35 seconds."""
    found = durations_of(durations)

    assert [float(one) for one in found] == [0.035, 0.035]  # type: ignore[attr-defined]  # a list or an array


def test_numbers_stay_what_they_are() -> None:
    """They are seconds already."""
    assert durations_of([0.5, None]) == [0.5, None]
    assert durations_of(None) is None
