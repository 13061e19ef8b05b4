"""Rows that say little: features that stop coming, rows that repeat, noise."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.codec import encode_state
from homeostat.core import Payload
from homeostat.events import DriftDetected, IndicatorComputed, ProfileUpdated, Samples
from homeostat.events.columns import F4
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.input.data_quality import DataQuality
from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.exchangeability import Float32s


def _changed(samples: Samples, change: Callable[[Float32s], None]) -> Samples:
    values = samples.matrix().copy()
    change(values)
    return msgspec.structs.replace(samples, values=values.astype(F4).tobytes())


def _without(share: float, stream: Stream, error: float = 0.05) -> Samples:
    """Rows of which a share lacks the feature f1."""
    lost = stream.rng.random(stream.n_rows) < share

    def lose(values: Float32s) -> None:
        values[1, lost] = np.nan

    return _changed(stream.samples(error), lose)


def _noise(values: Float32s) -> None:
    values[:] = 1e6 * np.random.default_rng(int(abs(values[0, 0]) * 1e6)).standard_normal(values.shape)


def _stuck(values: Float32s) -> None:
    values[:] = values[:, :1]


def _patchy(values: Float32s) -> None:
    values[:, ::3] = np.nan


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_feature_that_stops_coming_is_told(share: float) -> None:
    """It is guilty, from where it began; the others are not; once only, as it is the new normal then."""
    stream = Stream(1, n_features=6)
    timeline: list[Payload] = [*stream.quiet(40), *(_without(share, stream) for _ in range(60))]

    (at, found), *others = of(run(timeline, splits={47})[1], DriftDetected)

    assert (found.kind, found.detector, found.features, others) == ("data", "missing", ("f1",), [])
    assert at <= 41 + 20
    if share > 0.1:
        assert found.onset.first == "41.0"
    assert found.statistic >= found.threshold > 28.0
    assert found.log2_e is not None
    assert found.log2_e > 10.0
    assert found.magnitude > 0.5


def test_a_feature_that_is_often_missing_is_normal() -> None:
    """A third missing from the start, for ever: no drift, and a share of it by name."""
    stream = Stream(2)

    _, emits = run([registered(), *(_without(0.33, stream) for _ in range(300))])

    assert not of(emits, DriftDetected)
    shares = [one.value for _, one in of(emits, IndicatorComputed) if one.name == "unknown_ratio.f1"]
    assert len(shares) == 30
    assert shares[-1] == pytest.approx(0.33, abs=0.1)
    assert not [one for _, one in of(emits, IndicatorComputed) if one.name == "unknown_ratio.f0"]


@pytest.mark.parametrize("noise", [_noise, _stuck, _patchy])
def test_passing_noise_is_no_drift(noise: Callable[[Float32s], None]) -> None:
    """Six hundred rows that say nothing move no input, and leave nothing behind; people see them."""
    stream = Stream(3)
    timeline = [
        *stream.quiet(60),
        *(_changed(stream.samples(), noise) for _ in range(12)),
        *(stream.samples() for _ in range(40)),
    ]

    _, emits = run(timeline, splits={65})

    assert not of(emits, DriftDetected)
    assert [one.value for _, one in of(emits, IndicatorComputed) if one.name == "noisy_ratio"]


def test_what_lasts_is_no_noise() -> None:
    """After a thousand rows it is how things are: the detectors see it."""
    stream = Stream(4)
    timeline = [*stream.quiet(60), *(_changed(stream.samples(), _noise) for _ in range(60))]

    (at, found), *_ = of(run(timeline)[1], DriftDetected)

    assert (found.kind, found.is_noisy) == ("data", False)
    assert 60 + 1000 // 50 <= at <= 60 + 1400 // 50


def test_a_drift_in_noise_is_marked_until_the_noise_is_over() -> None:
    """Errors that rise with the noise open a story at once; its profiles say that nothing should adapt to it yet."""
    stream = Stream(5)
    timeline = [
        *stream.quiet(60),
        *(_changed(stream.samples(0.7), _noise) for _ in range(9)),
        *(stream.samples(0.7) for _ in range(60)),
    ]

    _, emits = run(timeline)

    (_, found), *_ = of(emits, DriftDetected)
    marks = [profile.is_noisy for at, profile in of(emits, ProfileUpdated)]
    assert (found.kind, found.is_noisy) == ("concept", True)
    assert marks[:3] == [True] * 3
    assert marks[-1] is False


def test_a_shift_is_no_noise() -> None:
    """However far: only steps from row to row are looked at."""
    stream = Stream(6)
    timeline: list[Payload] = [*stream.quiet(60), *(stream.samples(shift=[50.0, -50.0]) for _ in range(8))]

    (at, found), *_ = of(run(timeline)[1], DriftDetected)

    assert (found.kind, found.is_noisy) == ("data", False)
    assert at <= 63


@pytest.mark.parametrize("law", ["normal", "cauchy", "lognormal", "rare", "few"])
def test_windows_without_noise_are_never_noisy(law: str) -> None:
    """Of no distribution, heavy-tailed or with few values: 500 windows of 200 rows each."""
    rng, quality = np.random.default_rng(7), DataQuality.initial(4)
    draw: dict[str, Callable[[], np.ndarray]] = {
        "normal": lambda: rng.standard_normal((4, 200)),
        "cauchy": lambda: rng.standard_cauchy((4, 200)),
        "lognormal": lambda: np.exp(2.0 * rng.standard_normal((4, 200))),
        "rare": lambda: (rng.random((4, 200)) < 0.01).astype(np.float64),
        "few": lambda: rng.integers(0, 3, (4, 200)).astype(np.float64),
    }

    found = [quality.is_unreliable(draw[law]().astype(F4), i, reference_rows=512) for i in range(500)]

    assert not any(found)
    assert len(quality.windows) <= 32


def test_what_is_remembered_of_missing_values_is_bounded() -> None:
    """A state after many rows is not larger than after some."""
    fold, stream = DriftDetector(Settings(columns=())), Stream(8)
    rows = [_without(0.3, stream) for _ in range(400)]

    some, many = (encode_state(run([registered(), *rows[:n]], fold=fold)[0]) for n in (200, 400))

    assert len(many) < 1.2 * len(some)
