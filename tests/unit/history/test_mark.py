"""What is marked as history says what was normal, and nothing else: no fold concludes anything from it."""

from collections.abc import Iterable

import msgspec
import pytest
from tests.unit.drift_detector.stream import MODEL, Stream, of, registered, run
from tests.unit.threshold_tracker.tracker_driver import approved
from tests.unit.threshold_tracker.tracker_driver import run as run_tracker

from homeostat.codec import encode_state
from homeostat.core import Emit, Payload
from homeostat.events import Band, DriftDetected, IndicatorComputed, Labels, Provenance, Samples, SignalObserved
from homeostat.events.history import HISTORY, is_history

_PAST = Provenance("acme", f"{HISTORY}table", "1")
_LIVE = Provenance("acme", "/acme/serving", "1")


def _past(payloads: Iterable[Payload]) -> list[Payload]:
    """The same, as intake passes on what an import has published."""
    return [
        msgspec.structs.replace(data, provenance=_PAST) if isinstance(data, Samples | Labels) else data
        for data in payloads
    ]


def _rows(stream: Stream, n: int, error: float = 0.05, shift: tuple[float, ...] = ()) -> list[Payload]:
    return [stream.samples(error, shift) for _ in range(n)]


def _outcome(payloads: list[Payload]) -> tuple[bytes, list[tuple[int, Emit]]]:
    state, emits = run([registered(), *payloads])
    return encode_state(state), emits


def test_the_source_is_the_mark() -> None:
    """Of whatever has a provenance."""
    signal = SignalObserved(layer="iaas", name="s", value=1.0)

    assert is_history(signal.model_copy(update={"provenance": _PAST}))
    assert not is_history(signal.model_copy(update={"provenance": _LIVE}))
    assert not is_history(signal)


def test_a_drift_of_the_past_is_not_told() -> None:
    """Neither are its indicators; live, the same rows are a drift."""
    stream = Stream()
    rows = _rows(stream, 40) + _rows(stream, 40, error=0.6)

    _, live = run([registered(), *rows])
    _, past = run([registered(), *_past(rows)])

    assert of(live, DriftDetected)
    assert past == []


def test_live_rows_are_compared_with_the_past() -> None:
    """A drift in the first live rows is found; without history it would be what is normal."""
    stream = Stream()
    before, after = _rows(stream, 60), _rows(stream, 40, error=0.6)

    _, alone = run([registered(), *after])
    _, behind = run([registered(), *_past(before), *after])

    assert not of(alone, DriftDetected)
    assert of(behind, DriftDetected)
    assert of(behind, IndicatorComputed)


def test_a_past_that_ended_in_a_drift_is_no_reference() -> None:
    """What serves now begins anew, and nobody waits for the end of a drift that nobody was told."""
    stream = Stream()
    past = _past(_rows(stream, 40) + _rows(stream, 40, error=0.6))

    state, _ = run([registered(), *past, *_rows(stream, 1, error=0.6)])

    assert state.drift is None
    assert not state.is_history
    assert len(state.buckets.history) == 1


def test_a_past_that_comes_behind_live_rows_is_left_out() -> None:
    """It would be taken for what has just happened. So are the rows of other versions."""
    stream = Stream()
    live, late = _rows(stream, 20), _rows(stream, 20, error=0.6)
    other = [stream.samples(version="v0") for _ in range(20)]

    assert _outcome([*live, *_past(late)]) == _outcome(live)
    assert _outcome([*live[:1], *_past(other)]) == _outcome(live[:1])


@pytest.mark.parametrize("is_past", [True, False])
def test_thresholds_are_not_tracked_by_it(is_past: bool) -> None:
    """Its values came at another time than the log says."""
    band = Band(signal="s", low=0.0, high=100.0, rate=0.01, eta=0.05)
    provenance = _PAST if is_past else _LIVE
    values = [
        SignalObserved(layer="iaas", name="s", value=float(value % 7 + 90 * (value > 250)), provenance=provenance)
        for value in range(300)
    ]

    _, emits = run_tracker([registered(), approved(band), *values])

    assert bool(emits) != is_past


def test_the_subject_is_the_models() -> None:
    """These tests would pass for any other."""
    assert MODEL.partition("/")[0] == _PAST.scope
