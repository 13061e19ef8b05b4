"""The same hour on other days and weeks: what is usual then, what is not, and clocks that are wrong."""

import numpy as np
import pytest

from homeostat.codec import decode_state, encode_state
from homeostat.stats.exchangeability import Float32s
from homeostat.stats.hours import Hours
from homeostat.stats.same_hours import SameHours
from homeostat.stats.steps import Step

MONDAY = 472_176
"""The hour since the epoch of a Monday, 0:00."""


def _level(hour: int) -> float:
    """A wave by day; weekends lie a deviation lower."""
    return float(np.sin(2.0 * np.pi * (hour % 24) / 24.0)) - 1.0 * ((hour - MONDAY) // 24 % 7 >= 5)


def _rows(rng: np.random.Generator, level: float, n: int = 300) -> Float32s:
    return np.stack((rng.normal(size=n) + level, np.full(n, 3.0))).astype(np.float32)


def _watch(hours: int, seed: int = 0, *, shift_from: int = 10**9) -> tuple[SameHours, list[int]]:
    """Serve so many hours; return the watch and the hours that were beyond its limit."""
    rng, watch, found = np.random.default_rng(seed), SameHours.start(2), list[int]()
    for at in range(hours):
        hour = MONDAY + at
        rows = _rows(rng, _level(hour) + 0.5 * (at >= shift_from))
        watch.take(rows, 3600.0 * hour + 12.0 * np.arange(300.0))
        if watch.statistic() >= watch.limit(4e8):
            found.append(at)
            assert watch.drifted_columns(0.05)[0] == 0
            watch.restart()
        if at % 100 == 7:
            watch = decode_state(encode_state(watch), SameHours)
    return watch, found


def test_a_shift_is_found_within_hours_though_days_and_weeks_move_the_column() -> None:
    """At three in the morning of the third Wednesday; the week before it was quiet."""
    at = 16 * 24 + 3

    _, found = _watch(at + 48, shift_from=at)

    (later,) = [hour for hour in found if hour >= 7 * 24]
    assert at <= later <= at + 14


def test_the_first_weekend_is_news_and_the_second_is_not() -> None:
    """What was seen at that hour a week ago is usual."""
    rng, hours = np.random.default_rng(1), Hours(2)
    news = {at: hours.take(_rows(rng, _level(MONDAY + at)), MONDAY + at) for at in range(15 * 24)}

    def told(day: int) -> float:
        found = news[24 * day + 3]
        assert found is not None
        return float(found[0])

    assert told(5) < -0.4
    assert told(12) == pytest.approx(0.0, abs=0.15)
    assert told(14) == pytest.approx(0.0, abs=0.15)
    found = news[24 * 12 + 3]
    assert found is not None
    assert np.isnan(found[3])


def test_a_step_that_an_hour_usually_brings_is_no_news() -> None:
    """A night job at 2:00 every day: its step is usual, one as large at 5:00 is not, nor is one the other way."""
    rng, watch = np.random.default_rng(2), SameHours.start(2)
    for at in range(6 * 24 + 3):
        watch.take(_rows(rng, 2.0 * (at % 24 >= 2)), 3600.0 * (MONDAY + at) + 12.0 * np.arange(300.0))

    def step(hour: int, size: float) -> Step:
        return Step(0, size, 9.0, 3600.0 * (MONDAY + 6 * 24 + hour) - 60.0, 3600.0 * (MONDAY + 6 * 24 + hour) + 60.0)

    assert watch.news([step(2, 2.0)]) == []
    assert watch.news([step(2, -2.0)]) == [step(2, -2.0)]
    hours = watch.hours
    for at in range(6 * 24 + 3, 6 * 24 + 6):
        hours.take(_rows(rng, 4.0), MONDAY + at)
    assert watch.news([step(5, 2.0)]) == [step(5, 2.0)]


def test_rows_may_span_hours_and_come_late() -> None:
    """An event of three hours is taken hour by hour; rows of an hour ago count for the open one."""
    rng, hours = np.random.default_rng(3), Hours(2)
    split, whole = SameHours.start(2), SameHours.start(2)
    for at in range(30):
        rows, times = _rows(rng, 0.0), 3600.0 * (MONDAY + 3 * at) + 36.0 * np.arange(300.0)
        whole.take(rows, times)
        for part in range(3):
            split.take(rows[:, 100 * part : 100 * (part + 1)], times[100 * part : 100 * (part + 1)])
        hours.take(rows, MONDAY + at - (at % 5 == 3))

    assert encode_state(split) == encode_state(whole)
    assert hours.hour == MONDAY + 29


def test_a_clock_that_went_back_is_followed() -> None:
    """A day that never was is not waited for."""
    rng, hours = np.random.default_rng(4), Hours(2)
    hours.take(_rows(rng, 0.0), MONDAY + 10_000)
    for at in range(50):
        hours.take(_rows(rng, 0.0), MONDAY + at)

    assert hours.is_known
    assert hours.hour == MONDAY + 49


def test_a_column_that_is_another_models_now_is_unknown() -> None:
    """The other one is not."""
    rng, hours, news = np.random.default_rng(5), Hours(2), None
    for at in range(100):
        if at == 98:
            hours.forget(np.array([0]))
        news = hours.take(_rows(rng, 0.0), MONDAY + at)

    assert news is not None
    assert np.isnan(news[0])
    assert news[1] == 0.0


def test_how_far_the_day_goes_is_told_in_deviations() -> None:
    """Two deviations from the lowest to the highest hour; a constant has none."""
    rng, hours = np.random.default_rng(6), Hours(2)
    for at in range(24 * 5):
        hours.take(_rows(rng, _level(MONDAY + at % 24)), MONDAY + at)

    assert hours.ranges()[0] == pytest.approx(2.0, abs=0.25)
    assert np.isnan(hours.ranges()[1])
