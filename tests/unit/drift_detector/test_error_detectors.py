"""River's detectors, updated with many errors at once."""

import numpy as np
import pytest
from river.drift import ADWIN

from homeostat.codec import encode_state
from homeostat.services.drift_detector.errors.error_detectors import ErrorDetectors
from homeostat.services.drift_detector.settings import Settings


@pytest.mark.parametrize("seed", range(3))
def test_adwin_is_fed_as_river_feeds_it(seed: int) -> None:
    """In whatever batches: the same detections, each followed by a fresh one, and the same state to the byte."""
    generator, settings = np.random.default_rng(seed), Settings(members=("adwin",))
    errors = np.concatenate([generator.random(n) < p for n, p in ((700, 0.1), (600, 0.5), (900, 0.2))])
    errors = errors.astype(float)
    errors[::7] = generator.random(len(errors[::7]))
    own, n_own, n = ErrorDetectors.initial(settings), 0, 0
    while n < len(errors):
        size = int(generator.integers(1, 120))
        n_own += own.update(errors[n : n + size].tolist(), settings) == "adwin"
        n += size

    beside, n_beside = ADWIN(delta=settings.adwin_delta, clock=settings.adwin_clock), 0  # type: ignore[no-untyped-call]  # river
    for error in errors.tolist():
        beside.update(error)  # type: ignore[no-untyped-call]  # river
        if beside.drift_detected:
            n_beside += 1
            beside = ADWIN(delta=settings.adwin_delta, clock=settings.adwin_clock)  # type: ignore[no-untyped-call]  # river

    assert n_own == n_beside >= 2
    assert encode_state(own.members["adwin"]) == encode_state(beside)


def test_a_detection_of_one_member_keeps_no_error_from_the_others() -> None:
    """All see all errors, whoever was first."""
    settings = Settings(members=("page_hinkley", "adwin"))
    detectors = ErrorDetectors.initial(settings)
    errors = [0.0] * 300 + [1.0] * 300

    found = detectors.update(errors, settings)

    alone = ErrorDetectors.initial(Settings(members=("adwin",)))
    alone.update(errors, settings)
    assert found
    assert encode_state(detectors.members["adwin"]) == encode_state(alone.members["adwin"])
