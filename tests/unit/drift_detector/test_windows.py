"""Where a data window begins: late labels, stray ones, wrong clocks, a second shift."""

import msgspec
import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, event_of, of, registered, run

from homeostat.core import Payload
from homeostat.events import Answer, DriftCleared, DriftDetected, Labels, ProfileUpdated, Samples
from homeostat.events.columns import F8
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State


def offset_of(id_: str) -> int:
    """Offset that an id names."""
    return int(id_.split(".", 1)[0])


def _with_strays(stream: Stream, served: list[Samples], age: int) -> list[Payload]:
    """The events, each followed by its labels, of which one is the label of a row that is `age` events older."""
    timeline: list[Payload] = [registered()]
    for i, samples in enumerate(served):
        timeline.append(msgspec.structs.replace(samples, label=b""))
        late, old = stream.late(samples, samples), stream.late(served[max(i - age, 0)], served[max(i - age, 0)])
        mixed = {name: getattr(late, name)[:72] + getattr(old, name)[72:] for name in ("label", "time")}
        ours, theirs = late.answers[0], old.answers[0]
        answer = msgspec.structs.replace(
            ours,
            prediction=ours.prediction[:72] + theirs.prediction[72:],
            score=ours.score[:72] + theirs.score[72:],
        )
        timeline.append(msgspec.structs.replace(late, answers=[answer], **mixed))
    return timeline


def _bucket(state: State, predicted_at: float) -> int:
    """Bucket that a row is taken to lie in."""
    ((location, _),) = state.buckets.locate(np.array([predicted_at]), 0, Settings())
    return location.bucket


def test_a_stray_old_label_stops_no_story() -> None:
    """A harmless shift is profiled and cleared though every tenth label speaks of a row before it."""
    stream = Stream(1)
    served = [
        stream.samples(),
        *(stream.samples() for _ in range(59)),
        *(stream.samples(0.05, [2.0]) for _ in range(60)),
    ]

    _, emits = run(_with_strays(stream, served, age=80))

    counts = [profile.labels_since_onset for _, profile in of(emits, ProfileUpdated)]
    assert len(counts) >= 3
    assert 80 <= counts[-1] < 90
    assert len(of(emits, DriftCleared)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_stray_old_label_moves_no_onset(seed: int) -> None:
    """Errors that rise are found to begin with the event that they rose in, or a little later: never before."""
    stream = Stream(seed)
    served = [*(stream.samples() for _ in range(60)), *(stream.samples(0.6) for _ in range(15))]

    (_, found), *_ = of(run(_with_strays(stream, served, age=8))[1], DriftDetected)

    assert 60 <= (offset_of(found.onset.first) - 1) // 2 <= 62


def test_labels_before_an_onset_that_come_before_it_is_found_do_not_count() -> None:
    """With labels ten events late, the first profile of a shift has no row from before it."""
    stream, timeline = Stream(2), list[Payload]([registered()])
    served = [*(stream.samples() for _ in range(60)), *(stream.samples(0.05, [1.0]) for _ in range(40))]
    for i, samples in enumerate(served):
        timeline.append(msgspec.structs.replace(samples, label=b""))
        if i >= 10:
            timeline.append(stream.late(served[i - 10], served[i - 10], lag=500.0))

    _, emits = run(timeline)

    (_, found), *_ = of(emits, DriftDetected)
    at, profile = of(emits, ProfileUpdated)[0]
    onset = timeline[offset_of(found.onset.first)]
    assert isinstance(onset, Samples)
    labelled = [samples for samples in timeline[:at] if isinstance(samples, Labels)]
    first = np.frombuffer(onset.time, F8)[0]
    n = sum(int((np.frombuffer(one.time, F8) - 500.0 >= first).sum()) for one in labelled)
    assert profile.labels_since_onset == pytest.approx(n + 10, abs=10)


def test_labels_may_be_hundreds_of_buckets_late() -> None:
    """A row of bucket 100 of 400 is found near its own, never before it; what is remembered is bounded."""
    stream = Stream(3)

    state, _ = run([registered(), *(stream.samples(inline=False) for _ in range(400))])

    assert len(state.buckets.history) <= Settings().n_batches
    assert 100 <= _bucket(state, 50.0 * 100 + 10.0) < 116
    assert _bucket(state, 50.0 * 398 + 10.0) == 398


def test_a_clock_that_is_ahead_spoils_one_bucket() -> None:
    """A row dated ten years ahead leaves later rows where they are."""
    stream = Stream(4)
    served = [stream.samples(inline=False) for _ in range(100)]
    time = np.frombuffer(served[1].time, F8).copy()
    time[-1] += 3650.0 * 86_400.0
    served[1] = msgspec.structs.replace(served[1], time=time.tobytes())

    state, _ = run([registered(), *served])

    assert [_bucket(state, 50.0 * bucket + 10.0) for bucket in (0, 3, 50, 99)] == [0, 3, 50, 99]


def test_rows_that_come_late_hide_none_before_them() -> None:
    """A bucket of hour-old rows does not take the place of those that were served since."""
    stream = Stream(5)
    served = [stream.samples(inline=False) for _ in range(100)]
    served[90] = msgspec.structs.replace(served[90], time=served[10].time)

    state, _ = run([registered(), *served])

    assert _bucket(state, 50.0 * 70 + 10.0) == 70


def test_a_second_shift_is_measured_from_the_first() -> None:
    """Two shifts of two deviations, sixty events apart, no labels: each found where it began, each of that size."""
    stream = Stream(6)
    timeline: list[Payload] = [registered()]
    timeline += [stream.samples(shift=[2.0 * (i // 60)], inline=False) for i in range(180)]

    found = [drift for _, drift in of(run(timeline)[1], DriftDetected)]

    assert [drift.features[0] for drift in found] == ["f0", "f0"]
    assert [offset_of(drift.onset.first) for drift in found] == [61, 121]
    assert [drift.magnitude for drift in found] == pytest.approx([2.0, 2.0], abs=0.5)


def test_an_absurd_lag_breaks_nothing() -> None:
    """Labels dated beyond any calendar count, their lag does not."""
    stream, fold = Stream(7), DriftDetector()
    state, _ = run([registered(), stream.samples(inline=False)], fold=fold)
    column = np.array([1.0, 1.0], F8).tobytes()
    labels = Labels(
        request=["a", "b"],
        label=column,
        time=np.array([1.7e308, 1.7e308], F8).tobytes(),
        answers=[Answer("v1", "champion", column, column)],
        lag_seconds=np.array([1.7e308, 1.7e308], F8).tobytes(),
    )

    state, _ = fold.step(state, event_of(labels, 2))
    emits = [emit for i in range(10) for emit in fold.step(state, event_of(stream.samples(), 3 + i))[1]]

    assert emits
    assert state.errors.history.n == 102
