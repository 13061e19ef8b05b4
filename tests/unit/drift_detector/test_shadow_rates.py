"""Alarm rates that were not chosen are tracked all the same, and graded by the incidents that come."""

import numpy as np
import pytest

from homeostat.events import Band, ThresholdGraded
from homeostat.services.drift_detector.drift.shadow_rates import RATES, RateCandidates
from homeostat.services.drift_detector.settings import Settings

_BAND = Band(signal="uncertainty", rate=0.03, low=0.0, high=1.0, eta=0.1)


def calm(candidates: RateCandidates, n: int, first: int = 0, seed: int = 1) -> int:
    """So many windows of a signal that does what it always does; returns the next one's number."""
    for number, value in enumerate(np.random.default_rng(seed).normal(size=n).tolist(), start=first):
        candidates.update(value, number, is_open=False)
    return first + n


def graded(candidates: RateCandidates, onset: int) -> dict[float, tuple[bool, int]]:
    scored = candidates.score("acme/m", "uncertainty", onset)
    assert isinstance(scored, ThresholdGraded)
    return {each.rate: (each.is_hit, each.false_alarms) for each in scored.grades}


def test_each_candidate_alarms_at_its_own_rate() -> None:
    """In the calm all its alarms are false: so many per window as the rate says."""
    candidates = RateCandidates.initial(_BAND, Settings())
    n = calm(candidates, 4000)

    for rate, (_, n_false) in graded(candidates, onset=n + 1).items():
        assert n_false / n == pytest.approx(rate, rel=0.15)


def test_a_strong_incident_is_hit_by_all_and_a_faint_one_by_the_high_rates() -> None:
    """A value beyond everything that was there alarms at every rate; one among the upper tenth only on the highest."""
    found = {}
    for name, value in (("strong", 9.0), ("faint", 1.4)):
        candidates = RateCandidates.initial(_BAND, Settings())
        n = calm(candidates, 1000)
        candidates.update(value, n, is_open=True)
        found[name] = [is_hit for is_hit, _ in graded(candidates, onset=n).values()]

    assert all(found["strong"])
    assert found["faint"] == [False, False, False, True]


def test_an_alarm_between_onset_and_detection_is_a_hit_not_a_false_one() -> None:
    """The alert may be first: what it lies in is known later."""
    candidates = RateCandidates.initial(_BAND, Settings())
    n = calm(candidates, 1000)
    candidates.update(9.0, n, is_open=False)
    before = RateCandidates.initial(_BAND, Settings())
    calm(before, 1000)

    hits, false = graded(candidates, onset=n), graded(before, onset=n)

    assert all(is_hit for is_hit, _ in hits.values())
    assert [n_false for _, n_false in hits.values()] == [n_false for _, n_false in false.values()]


def test_an_incident_is_graded_once_and_the_next_begins_at_nothing() -> None:
    """What it lasts after that counts for nothing, until all is calm again."""
    candidates = RateCandidates.initial(_BAND, Settings())
    n = calm(candidates, 500)
    candidates.update(9.0, n, is_open=True)
    graded(candidates, onset=n)
    candidates.update(9.0, n + 1, is_open=True)

    assert candidates.score("acme/m", "uncertainty", n) is None
    calm(candidates, 100, first=n + 2, seed=2)
    scored = candidates.score("acme/m", "uncertainty", n + 200)
    assert scored is not None
    assert scored.calm_windows == 100
    assert [each.rate for each in scored.grades] == list(RATES)


def test_with_another_champion_windows_are_counted_anew_and_no_alarm_is_lost() -> None:
    """Those of the one before lie in no incident of the next."""
    candidates = RateCandidates.initial(_BAND, Settings())
    n = calm(candidates, 1000)
    alarms = [one.n_false + len(one.recent) for one in candidates.candidates]
    candidates.renumber()
    candidates.update(-9.0, 0, is_open=True)

    assert graded(candidates, onset=0) == {rate: (False, number) for rate, number in zip(RATES, alarms, strict=True)}
    assert n == 1000
