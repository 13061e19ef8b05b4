"""A drift whose labels do not come in time: what is known without them is told, once; labels that are late do come."""

import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.core import Payload
from homeostat.events import DeploymentObserved, DriftDetected, ProfileUpdated, Samples
from homeostat.services.drift_detector.drift.profile import NAMES
from homeostat.services.drift_detector.errors.label_pace import LabelPace, plausible

SECONDS = 50
"""Of event time between two events of a stream."""

N_QUIET, N_MOVED = 100, 120
OF_ERRORS = (
    "error_level",
    "error_rise",
    "worst_classes_share",
    "confidence_on_errors",
    "error_rise_in_worst_classes",
    "error_rise_with_confidence_drop",
    "persistence",
    "error_rise_with_persistence",
)


def late(lag: int, until: int, *, n: int = N_QUIET + N_MOVED, every: int = 1, shift: float = 1.5) -> list[Payload]:
    """Rows whose labels come `lag` events later, `every` so many events, of the rows before `until`; a shift comes."""
    rows, truth = Stream(1), Stream(1)
    timeline: list[Payload] = [registered()]
    waiting: list[tuple[Samples, Samples]] = []
    for event in range(n):
        moved = [shift] if event >= N_QUIET else []
        timeline.append(samples := rows.samples(shift=moved, inline=False))
        waiting.append((samples, truth.samples(shift=moved)))
        if event % every == 0:
            due = range(max(event - lag - every + 1, 0), min(max(event - lag + 1, 0), until))
            timeline += [rows.late(*waiting[at], lag=float(SECONDS * (event - at))) for at in due]
    return timeline


def told(timeline: list[Payload], splits: tuple[int, ...] = ()) -> tuple[list[int], list[tuple[int, ProfileUpdated]]]:
    """Where the drift was detected, and the profiles without labels."""
    _, emits = run(timeline, splits=splits)
    overdue = [(at, profile) for at, profile in of(emits, ProfileUpdated) if profile.is_overdue]
    return [at for at, _ in of(emits, DriftDetected)], overdue


def rows_between(timeline: list[Payload], first: int, last: int) -> int:
    """Events of rows from one offset to another."""
    return sum(isinstance(data, Samples) for data in timeline[first:last])


def test_a_model_that_never_had_a_label_is_not_waited_for() -> None:
    """The profile comes with the detection: it speaks of the shift, and of errors says nothing."""
    timeline = late(0, until=0)

    (found, *_), ((at, profile), *rest) = told(timeline)

    assert (at, rest) == (found, [])
    assert tuple(profile.meta_features) == NAMES
    assert profile.meta_features["shift_max"] > 0.5
    assert {profile.meta_features[name] for name in OF_ERRORS} == {0.0}
    assert (profile.labels_since_onset, profile.error_after) == (0, None)
    assert profile.window is not None
    assert profile.window.rows == 0


@pytest.mark.parametrize(("lag", "every"), [(0, 1), (10, 1), (60, 1), (1, 40), (30, 40)])
def test_labels_that_are_only_late_are_waited_for(lag: int, every: int) -> None:
    """One by one or in batches: as they ever came, so they come, and every profile has labels."""
    timeline = late(lag, until=10_000, n=N_QUIET + 3 * (lag + every) + 40)

    found, overdue = told(timeline)

    assert found
    assert overdue == []


@pytest.mark.parametrize("lag", [0, 10, 30])
def test_labels_that_stop_are_waited_for_longer_than_they_take(lag: int) -> None:
    """They stop with the rows before the shift; the profile comes after more than the lag, and once."""
    timeline = late(lag, until=N_QUIET)

    (found, *_), ((at, _), *rest) = told(timeline)

    assert rest == []
    assert rows_between(timeline, found, at) > lag
    assert told(timeline, splits=(found, found + 5, at))[1][0][0] == at


def test_labels_that_stop_after_the_onset_are_missed_too() -> None:
    """Fifteen of them are no reason to wait for ever for the next; what they say is in the profile."""
    rows = Stream(4, n_labels=5)
    timeline: list[Payload] = rows.quiet(100)
    timeline += [rows.samples(shift=[2.0]) for _ in range(8)]
    timeline += [rows.samples(shift=[2.0], inline=False) for _ in range(40)]

    (found, *_), ((at, profile), *rest) = told(timeline)

    assert found < 109 < at
    assert rest == []
    assert 0 < profile.labels_since_onset < 80


def test_risen_errors_whose_labels_stop_are_told_of() -> None:
    """A drift of the errors waits for labels as one of the inputs does."""
    rows = Stream(5, n_labels=50)
    timeline: list[Payload] = rows.quiet(60)
    timeline += [rows.samples(0.6) for _ in range(2)]
    timeline += [rows.samples(0.6, inline=False) for _ in range(40)]

    (found, *_), ((at, profile), *rest) = told(timeline)

    assert found < 63 < at
    assert rest == []
    assert profile.meta_features["error_rise"] > 1.0


def test_another_champion_does_not_make_a_model_one_that_never_had_a_label() -> None:
    """How labels come is the model's: a new version is waited for like the one before."""
    timeline = late(40, until=10_000, n=90)
    timeline += [DeploymentObserved(version="v2")]
    rows = Stream(6)
    timeline += [rows.samples(version="v2", inline=False) for _ in range(20)]
    timeline += [rows.samples(shift=[2.0], version="v2", inline=False) for _ in range(10)]

    found, overdue = told(timeline)

    assert found
    assert overdue == []


def test_labels_that_come_after_all_go_on_as_ever() -> None:
    """The profiles at 10, 20, 40 and 80 labels come as if nothing had been said before."""
    rows = Stream(7)
    timeline: list[Payload] = [registered(), *(rows.samples(inline=False) for _ in range(60))]
    timeline += [rows.samples(shift=[2.0], inline=False) for _ in range(10)]
    timeline += [rows.samples(0.6, shift=[2.0]) for _ in range(12)]

    profiles = [profile for _, profile in of(run(timeline)[1], ProfileUpdated)]

    assert [profile.is_overdue for profile in profiles[:2]] == [True, False]
    assert [profile.labels_since_onset for profile in profiles if not profile.is_overdue][:4] == [10, 20, 40, 80]


def test_patience_is_twice_what_is_usual() -> None:
    """Of the lag and of the silences between labels the longer one counts; what is long ago fades."""
    pace = LabelPace()
    for now in range(100):
        pace.update(10.0 * now, 1, np.full(5, 3600.0))

    assert pace.patience() == pytest.approx(7200.0)

    pace.update(91_000.0, 1, np.full(5, 3600.0))
    assert pace.patience() == pytest.approx(2.0 * 90_010.0)

    for now in range(91_000, 2_000_000, 1000):
        pace.update(float(now), 1, plausible(np.full(5, np.nan)))
    assert pace.patience() < 7200.0
