"""Indicators, and the alert threshold inside its band."""

import numpy as np
from tests.unit.drift_detector.stream import MODEL, Stream, of, run

from homeostat.core import Payload
from homeostat.events import ActionApplied, Band, IndicatorComputed, ThresholdMoved
from homeostat.events.logs import INDICATORS

BAND = Band(signal="uncertainty", rate=0.05, low=0.05, high=0.4, eta=0.2)


def approved(band: Band | None = BAND) -> ActionApplied:
    """A threshold that took effect, or was taken back."""
    return ActionApplied(action="a", command="c", kind="threshold", model=MODEL, family="acme/cameras", band=band)


def test_the_alarm_rate_is_the_approved_one() -> None:
    """Over 2,000 buckets whose level wanders, 5 % +- 1 point are alerts, and the last emit says so."""
    stream = Stream(0, n_labels=0)
    timeline = [*stream.quiet(30), approved()]
    timeline += [stream.samples(score=0.8 + 0.1 * float(np.sin(i / 200))) for i in range(2_000)]

    state, emits = run(timeline)

    tracker = state.trackers["uncertainty/rate"]
    assert tracker.n == 2_000
    assert 0.04 <= tracker.n_alarms / tracker.n <= 0.06
    assert abs(of(emits, ThresholdMoved)[-1][1].rate - 0.05) < 0.01


def test_lost_confidence_alerts_at_once_and_the_new_level_is_accepted() -> None:
    """Told with the first bucket; when 60 more have come at that level, the threshold is above it."""
    stream = Stream(1, n_labels=0)
    timeline = [*stream.quiet(30), approved(), *(stream.samples() for _ in range(100))]
    begin = len(timeline)
    timeline += [stream.samples(score=0.7) for _ in range(60)]

    moved = of(run(timeline)[1], ThresholdMoved)

    assert [move.is_alert for offset, move in moved if offset == begin] == [True]
    assert moved[-1][1].threshold > 0.29


def test_the_threshold_never_leaves_its_band() -> None:
    """Whatever the signal does."""
    stream = Stream(2, n_labels=0)
    timeline: list[Payload] = [*stream.quiet(20), approved()]
    timeline += [stream.samples(score=float(stream.rng.random())) for _ in range(300)]

    moved = of(run(timeline)[1], ThresholdMoved)

    assert moved
    assert all(BAND.low <= move.threshold <= BAND.high for _, move in moved)


def test_without_a_band_nothing_is_tracked() -> None:
    """Before the approval, and after it was taken back."""
    stream = Stream(3)
    timeline = [*stream.quiet(30), approved(), approved(None), *(stream.samples(score=0.3) for _ in range(20))]

    assert not of(run(timeline)[1], ThresholdMoved)


def test_indicators_come_once_per_500_rows() -> None:
    """One set per 500 served rows, under the model's key, with what is behind each number."""
    stream = Stream(4)

    _, emits = run(stream.quiet(30, 0.2))

    found = of(emits, IndicatorComputed)
    assert [offset for offset, value in found if value.name == "n_rows"] == [10, 20, 30]
    assert [(v.name, v.n) for offset, v in found if offset == 10] == [
        ("n_rows", 500),
        ("mean_score", 500),
        ("error_rate", 100),
        ("brier", 100),
        ("expected_calibration_error", 100),
    ]
    assert {(emit.log, emit.subject) for _, emit in emits if isinstance(emit.data, IndicatorComputed)} == {
        (INDICATORS, None)
    }
