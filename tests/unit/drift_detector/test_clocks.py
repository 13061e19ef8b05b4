"""Features that only rise are said to be clocks, and what stops coming is told at once."""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.core import Payload
from homeostat.events import DriftDetected, IndicatorComputed, Samples
from homeostat.events.columns import F4
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.input.clocks import Clocks
from homeostat.services.drift_detector.settings import Settings

Floats = NDArray[np.float64]


def _with(samples: Samples, column: int, values: Floats) -> Samples:
    matrix = samples.matrix().copy()
    matrix[column] = values
    return msgspec.structs.replace(samples, values=matrix.astype(F4).tobytes())


def _rising(kind: str, event: int, rng: np.random.Generator) -> Floats:
    row = 50.0 * event + np.arange(50.0)
    return {
        "unix time": 1.7e9 + 128.0 * row,
        "row number": row,
        "shuffled ids": rng.permutation(row),
        "uptime that begins anew": row % 5_000.0,
        "version": np.full(50, 1.0 + event // 60),
        "time of the batch": np.full(50, 1.7e9 + 3_600.0 * event),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("unix time", 0),
        ("row number", 0),
        ("shuffled ids", 2),
        ("uptime that begins anew", 0),
        ("version", 3),
        ("time of the batch", 0),
    ],
)
def test_a_clock_is_recognised_and_alarms_nobody_for_ever(kind: str, most: int) -> None:
    """It is said to be one; what moves beside it is found as ever."""
    stream, timeline = Stream(1, n_features=2), list[Payload]([registered(2)])
    for event in range(600):
        shift = [0.0, 2.0 if event >= 500 else 0.0]
        timeline.append(_with(stream.samples(shift=shift), 0, _rising(kind, event, stream.rng)))

    _, emits = run(timeline, fold=DriftDetector(Settings(divergence_every=1)), splits={123})

    found = [(offset, drift.features) for offset, drift in of(emits, DriftDetected) if drift.kind == "data"]
    assert len([features for offset, features in found if offset <= 500]) <= most
    assert [features for offset, features in found if offset > 500] == [("f1",)]
    told = [(offset, one) for offset, one in of(emits, IndicatorComputed) if one.name == "is_clock.f0"]
    assert told[-1][1].value == 1.0
    assert not [one for offset, one in of(emits, IndicatorComputed) if one.name == "psi.f0" and offset > 400]
    assert not [one for _, one in of(emits, IndicatorComputed) if one.name == "is_clock.f1"]


@pytest.mark.parametrize("law", ["gauss", "rare flag", "constant", "sorted in the event", "sine"])
def test_what_falls_too_is_no_clock(law: str) -> None:
    """Nor are flags that hardly ever rise, batches that somebody sorted, and waves."""
    rng, clocks, ever = np.random.default_rng(2), Clocks.initial(1), False
    for batch in range(300):
        row = 200 * batch + np.arange(200)
        values = {
            "gauss": rng.normal(size=200),
            "rare flag": (rng.random(200) < 0.0005).astype(float),
            "constant": np.full(200, 7.0),
            "sorted in the event": np.sort(rng.normal(size=200)),
            "sine": np.sin(row / 3_000.0) + 0.01 * rng.normal(size=200),
        }[law]
        clocks.update(values[None, :].astype(F4), 1)
        ever |= bool(clocks.found[0])

    assert not ever


def test_a_counter_that_becomes_a_measurement_is_watched_again() -> None:
    """It falls: it is no clock any more."""
    rng, clocks = np.random.default_rng(3), Clocks.initial(1)
    for batch in range(10):
        clocks.update((200.0 * batch + np.arange(200.0))[None, :].astype(F4), 1)
    was = bool(clocks.found[0])
    clocks.update(rng.normal(size=(1, 200)).astype(F4), 1)

    assert was
    assert not clocks.found[0]


@pytest.mark.parametrize("n_features", [1, 2, 3, 8])
@pytest.mark.parametrize("share", [1.0, 0.8])
def test_an_outage_of_a_feature_is_told_within_a_hundred_rows(n_features: int, share: float) -> None:
    """However few features there are, and after a long calm."""
    stream, timeline = Stream(4, n_features=n_features), list[Payload]([registered(n_features)])
    for event in range(203):
        samples = stream.samples(inline=False)
        if event >= 200:
            gone = np.where(stream.rng.random(50) < share, np.nan, samples.matrix()[0])
            samples = _with(samples, 0, gone)
        timeline.append(samples)

    found = of(run(timeline)[1], DriftDetected)

    assert [(drift.detector, drift.features, drift.is_noisy) for _, drift in found][:1] == [("missing", ("f0",), False)]
    assert found[0][0] <= 201 + (1 if share == 1.0 else 2)
