"""The alert threshold of the uncertainty inside its band: from the rows that the champion served."""

import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, of, registered
from tests.unit.threshold_tracker.tracker_driver import approved, run

from homeostat.core import Payload
from homeostat.events import Band, DeploymentObserved, DetectorOverrides, ThresholdMoved
from homeostat.services.threshold_tracker.state import State

BAND = Band(signal="uncertainty", rate=0.05, low=0.05, high=0.4, eta=0.2)


def test_the_alarm_rate_is_the_approved_one() -> None:
    """Over 2,000 buckets whose level wanders, 5 % +- 1 point are alerts, and the last emit says so."""
    stream = Stream(0, n_labels=0)
    timeline = [*stream.quiet(30), approved(BAND)]
    timeline += [stream.samples(score=0.8 + 0.1 * float(np.sin(i / 200))) for i in range(2_000)]

    state, emits = run(timeline)

    tracker = state.thresholds.trackers["uncertainty/rate"]
    assert tracker.n == 2_000
    assert 0.04 <= tracker.n_alarms / tracker.n <= 0.06
    assert abs(of(emits, ThresholdMoved)[-1][1].rate - 0.05) < 0.01


def test_lost_confidence_alerts_at_once_and_the_new_level_is_accepted() -> None:
    """Told with the first bucket; when 60 more have come at that level, the threshold is above it."""
    stream = Stream(1, n_labels=0)
    timeline = [*stream.quiet(30), approved(BAND), *(stream.samples() for _ in range(100))]
    begin = len(timeline)
    timeline += [stream.samples(score=0.7) for _ in range(60)]

    moved = of(run(timeline)[1], ThresholdMoved)

    assert [move.is_alert for offset, move in moved if offset == begin] == [True]
    assert moved[-1][1].threshold > 0.29


def test_the_threshold_never_leaves_its_band() -> None:
    """Whatever the signal does."""
    stream = Stream(2, n_labels=0)
    timeline: list[Payload] = [*stream.quiet(20), approved(BAND)]
    timeline += [stream.samples(score=float(stream.rng.random())) for _ in range(300)]

    moved = of(run(timeline)[1], ThresholdMoved)

    assert moved
    assert all(BAND.low <= move.threshold <= BAND.high for _, move in moved)


def test_without_a_band_nothing_is_tracked() -> None:
    """Before the approval, and after it was taken back."""
    stream = Stream(3)
    timeline = [*stream.quiet(30), approved(BAND), approved(None), *(stream.samples(score=0.3) for _ in range(20))]

    assert not of(run(timeline)[1], ThresholdMoved)


def _n_values(state: State) -> int:
    """Values of the uncertainty that were compared."""
    return state.thresholds.trackers["uncertainty/rate"].n


def test_only_rows_of_the_champion_count() -> None:
    """Not those of a canary, nor of a model that is not registered; those of a version that nobody announced as soon as
    200 of them have come in a row.
    """
    stream = Stream(4)
    others = [stream.samples(role="canary", version="v2") for _ in range(4)]
    own = [stream.samples(version="v2") for _ in range(6)]

    assert _n_values(run([approved(BAND), *others, *own])[0]) == 0
    assert _n_values(run([registered(), approved(BAND), *others])[0]) == 0
    assert _n_values(run([registered(), approved(BAND), *others, *own])[0]) == 3


@pytest.mark.parametrize(
    ("between", "n"),
    [
        (registered(), 1),
        (registered(2), 0),
        (registered().model_copy(update={"detector": DetectorOverrides(rise=0.1)}), 0),
        (DeploymentObserved(version="v1"), 1),
        (DeploymentObserved(version="v2"), 0),
    ],
)
def test_rows_of_two_champions_are_not_one_value(between: Payload, n: int) -> None:
    """Half of the rows before another version or another contract: no value; before a repetition: one."""
    stream = Stream(5, n_rows=25)
    version = between.version if isinstance(between, DeploymentObserved) else "v1"

    state, _ = run([registered(), approved(BAND), stream.samples(), between, stream.samples(version=version)])

    assert _n_values(state) == n


def test_a_snapshot_loses_no_row() -> None:
    """Stored and restored in mid-stream, the same is said."""
    stream = Stream(6, n_rows=20)
    timeline: list[Payload] = [registered(), approved(BAND)]
    timeline += [stream.samples(score=0.8 - 0.002 * i) for i in range(200)]

    assert run(timeline)[1] == run(timeline, splits=[3, 4, 50, 121])[1]
