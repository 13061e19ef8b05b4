"""A/A streams through the detector's fold: how often it speaks where nothing has moved."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.events import DriftDetected, FeatureContract, ModelRegistered, Samples
from homeostat.events.columns import F4, F8
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat_lab.evaluation.feeding import Feeder

N = 500
ROWS, BATCH = 1000, 100
WITH_GUARANTEE = ("martingale", "betting")

Floats = NDArray[np.float64]


def drawn(law: str, rng: np.random.Generator) -> Floats:
    """Values of a law; what is seen twice is seen twice."""
    if law == "gauss":
        return rng.normal(size=ROWS)
    if law == "t3":
        return rng.standard_t(3.0, size=ROWS)
    if law == "lognormal":
        return rng.lognormal(size=ROWS)
    if law == "uniform":
        return rng.random(ROWS)
    return np.floor(rng.normal(size=ROWS) * 2.0)


LAWS = ("gauss", "t3", "lognormal", "uniform", "rounded")


def served(values: Floats, wrong: NDArray[np.bool_]) -> Iterator[Samples]:
    """Rows of one feature, every one labelled with 0; what was said is wrong now and then."""
    for start in range(0, ROWS, BATCH):
        rows = slice(start, start + BATCH)
        yield Samples(
            version="v1",
            role="champion",
            request=[str(row) for row in range(start, start + BATCH)],
            time=np.arange(start, start + BATCH, dtype=F8).tobytes(),
            features=["x"],
            values=values[rows].astype(F4).tobytes(),
            prediction=wrong[rows].astype(F8).tobytes(),
            score=np.full(BATCH, np.nan, F8).tobytes(),
            label=np.zeros(BATCH, F8).tobytes(),
        )


def n_alarmed(run_length: float) -> int:
    """Count the streams in which the detectors with a guarantee speak at all."""
    settings = Settings(
        members=WITH_GUARANTEE, columns=(), run_length=run_length, first_reference_rows=125, reference_rows=250
    )
    feeder, alarmed = Feeder(DriftDetector(settings)), 0
    for number in range(N):
        rng = np.random.default_rng((3, number))
        values, wrong = drawn(LAWS[number % len(LAWS)], rng), rng.random(ROWS) < (0.02, 0.1, 0.3)[number % 3]
        model = f"evaluation/m{number}"
        feeder.publish(model, ModelRegistered(family="streams", champion="v1", features=(FeatureContract(name="x"),)))
        alarmed += any(isinstance(data, DriftDetected) for data in feeder.publish_all(model, served(values, wrong)))
        del feeder.states[model]
    return alarmed


def band(rate: float) -> int:
    """Return the 99 % quantile of the binomial law of 500 streams."""
    from scipy.stats import binom  # type: ignore[import-untyped]  # it has no types

    return int(binom.ppf(0.99, N, rate))


@pytest.mark.parametrize("run_length", [Settings().run_length, 10_000.0])
def test_null_streams_raise_no_more_alarms_than_the_run_length_allows(run_length: float) -> None:
    """500 streams of five laws and three error rates: within the 99 % binomial band of the guarantee.

    A run length of A rows means at most n / A chance of an alarm within n rows (Ville's inequality for the
    Shiryaev-Roberts statistic minus its drift); as deployed that is none, at 10,000 rows at most 66.
    """
    assert n_alarmed(run_length) <= band(min(1.0, ROWS / run_length))
