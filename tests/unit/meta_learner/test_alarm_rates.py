"""Which alarm rate is proposed: the one that past incidents have shown to cost least."""

from tests.unit.meta_learner.driver import MODEL, LearnerDriver, one, proposals

from homeostat.core import Emit
from homeostat.events import ThresholdGraded
from homeostat.events.drift import RateGrade
from homeostat.services.meta_learner.settings import LearnerSettings

_OTHER = "acme/camera-2"


def incident(driver: LearnerDriver, hit_from: float, calm: int = 100, model: str = MODEL) -> list[Emit]:
    """One that rates from `hit_from` on have caught; each has alerted in vain at its rate."""
    grades = tuple(
        RateGrade(rate=rate, is_hit=rate >= hit_from, false_alarms=int(rate * calm))
        for rate in (0.01, 0.03, 0.06, 0.12)
    )
    return driver.step(
        ThresholdGraded(model=model, signal="uncertainty", calm_windows=calm, incident_windows=5, grades=grades)
    )


def rate_of(driver: LearnerDriver) -> float:
    return driver.state.models[MODEL].threshold.rate


def test_before_incidents_the_rate_is_that_of_the_settings() -> None:
    """And nothing is said of what it costs."""
    driver = LearnerDriver(members=())
    proposal = one(driver.register(), "threshold")

    assert proposal.band is not None
    assert (proposal.band.rate, proposal.chosen, len(proposal.arms)) == (0.03, "rate-0.03", 1)


def test_where_incidents_are_missed_the_rate_rises() -> None:
    """Those that only the high rates catch, while false alerts are few."""
    driver = LearnerDriver()
    said = [proposals(incident(driver, hit_from=0.06), "threshold") for _ in range(12)]

    moved = [proposal for found in said for proposal in found]
    assert [proposal.chosen for proposal in moved] == ["rate-0.06"]
    assert rate_of(driver) == 0.06
    gains = {arm.name: arm.predicted_gain for arm in moved[0].arms}
    assert max(gains, key=lambda name: gains[name]) == "rate-0.06"
    assert moved[0].evidence


def test_where_all_is_caught_anyway_the_rate_falls() -> None:
    """Every false alert less is a gain then."""
    driver = LearnerDriver()
    for _ in range(12):
        incident(driver, hit_from=0.0, calm=500)

    assert rate_of(driver) == 0.01


def test_a_threshold_does_not_flicker() -> None:
    """Costs that are about the same change nothing, and what was looked at waits for half as many incidents more."""
    driver = LearnerDriver()
    for number in range(200):
        incident(driver, hit_from=0.03 if number % 10 else 0.06, calm=67)

    assert rate_of(driver) == 0.03


def test_other_models_follow_when_they_are_graded() -> None:
    """One proposal a model, not one for all at once."""
    driver = LearnerDriver(members=(MODEL, _OTHER))
    for _ in range(12):
        incident(driver, hit_from=0.06)
    assert driver.state.models[_OTHER].threshold.rate == 0.03

    (proposal,) = proposals(incident(driver, hit_from=0.06, model=_OTHER), "threshold")

    assert (proposal.model, proposal.chosen) == (_OTHER, "rate-0.06")
    assert incident(driver, hit_from=0.06, model=_OTHER) == []


def test_what_false_alerts_cost_is_a_setting() -> None:
    """Where one false alert is as bad as a miss, hardly any rate pays."""
    driver = LearnerDriver(LearnerSettings(false_alerts_per_miss=1.0))
    for _ in range(12):
        incident(driver, hit_from=0.06)

    assert rate_of(driver) == 0.01
