"""A/A on event time: four weeks in which nothing happens but days and weeks are quiet, and a shift in them is found."""

import numpy as np
import pytest
from scipy.stats import binom  # type: ignore[import-untyped]  # it has no types
from tests.evaluation.worlds import DAY, HOUR, LAWS, START, WEEK, Planted, served

from homeostat.events import DriftDetected, FeatureContract, ModelRegistered
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat_lab.evaluation.feeding import Feeder

MODEL = "evaluation/quiet"
SIZES = {"rare flag": 1.4, "flag": 0.7, "share": 0.7, "labels": 0.7, "counts": 0.2, "small": 0.8, "temperature": 0.06}
"""What half a deviation is in a law's own terms, by how its name begins; others are in deviations."""


def _told(name: str, *, days: int, minutes: int, rows: int, planted: Planted | None = None) -> list[float]:
    """Event times of the drifts that are told."""
    feeder, times = Feeder(DriftDetector()), list[float]()
    contract = (FeatureContract(name="x"),)
    feeder.publish(MODEL, ModelRegistered(family="streams", champion="v1", features=contract))
    rng = np.random.default_rng(list(LAWS).index(name))
    for time, samples in served(LAWS[name], rng, days=days, minutes=minutes, rows=rows, planted=planted):
        emits = feeder.publish(MODEL, samples, time=int(1_000 * (time + 60.0 * minutes)))
        times += [time for emit in emits if isinstance(emit.data, DriftDetected)]
    return times


def _unexpected(name: str, times: list[float]) -> list[float]:
    """Leave out the first weekend of a law that has weekends: nobody can know it yet."""
    return [time for time in times if not LAWS[name].weekly or time >= START + WEEK]


def _within_the_promise(counts: list[int], n_rows: int) -> bool:
    """Say whether so many alarms are within the 99 % band of one in `run_length` rows."""
    return sum(counts) <= int(binom.ppf(0.99, len(counts), min(1.0, n_rows / Settings().run_length)))


def test_four_quiet_weeks_are_quiet() -> None:
    """Twenty-seven laws with an event an hour, the first day of each included."""
    alarms = {name: _unexpected(name, _told(name, days=28, minutes=60, rows=60)) for name in LAWS}

    assert _within_the_promise([len(times) for times in alarms.values()], 28 * 24 * 60), alarms


def test_the_first_weekend_is_told_once_or_twice() -> None:
    """It begins, and it may be told that it ends; the second one is known."""
    told = _told("gauss at weekends", days=15, minutes=30, rows=100)

    assert 1 <= len(told) <= 2
    assert START + 5 * DAY <= told[0] <= START + 5 * DAY + 12 * HOUR


@pytest.mark.parametrize("name", ["gauss by day, at weekends", "t3 by day", "flag by day", "counts by day"])
@pytest.mark.parametrize("at", [15 * DAY + 3 * HOUR, 14 * DAY + 9 * HOUR])
def test_half_a_deviation_is_found_in_the_same_worlds(name: str, at: float) -> None:
    """At three in the morning, and on the Monday after a weekend: within half a day, and nothing before it."""
    size = next((size for start, size in SIZES.items() if name.startswith(start)), 0.5)

    told = _told(name, days=17, minutes=30, rows=200, planted=Planted(START + at, size))

    found = [time for time in _unexpected(name, told) if time >= START + WEEK]
    assert found
    assert START + at <= found[0] <= START + at + 12 * HOUR


def test_a_shift_after_days_without_rows_is_found() -> None:
    """A holiday: closed for two days, and another level when it opens again; the same holiday alone is none."""
    feeder = {size: Feeder(DriftDetector()) for size in (0.0, 0.5)}
    found = dict[float, list[float]]()
    for size, one in feeder.items():
        one.publish(MODEL, ModelRegistered(family="streams", champion="v1", features=(FeatureContract(name="x"),)))
        planted = Planted(START + 17 * DAY, size)
        rows = served(LAWS["gauss by day"], np.random.default_rng(7), days=19, minutes=30, rows=200, planted=planted)
        found[size] = [
            time
            for time, samples in rows
            if not 15 * DAY <= time - START < 17 * DAY
            for emit in one.publish(MODEL, samples, time=int(1_000 * (time + 1_800.0)))
            if isinstance(emit.data, DriftDetected)
        ]

    assert found[0.0] == []
    assert found[0.5]
    assert START + 17 * DAY <= found[0.5][0] <= START + 17 * DAY + 12 * HOUR


@pytest.mark.soak
@pytest.mark.parametrize("name", LAWS)
def test_four_weeks_at_a_higher_rate_are_quiet(name: str) -> None:
    """An event of a hundred rows every ten minutes: 403,200 rows."""
    assert _unexpected(name, _told(name, days=28, minutes=10, rows=100)) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in LAWS if name != "constant" and "closed" not in name])
def test_half_a_deviation_is_found_at_a_higher_rate(name: str) -> None:
    """At three in the morning of the third Thursday, in every world: within a day."""
    size = next((size for start, size in SIZES.items() if name.startswith(start)), 0.5)
    at = 17 * DAY + 3 * HOUR
    if name == "classes":
        size = 1.0  # of ten numbers, so that their mean moves a third of its deviation

    told = _told(name, days=19, minutes=10, rows=100, planted=Planted(START + at, size))

    found = [time for time in _unexpected(name, told) if time >= START + WEEK]
    assert found
    assert START + at <= found[0] <= START + at + DAY
