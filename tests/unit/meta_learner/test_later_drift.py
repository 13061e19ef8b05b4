"""A second drift comes while the retrain of a first one is under way: it is answered once that is over."""

import pytest
from tests.unit.meta_learner.driver import LearnerDriver, one, proposals


@pytest.fixture
def learner() -> LearnerDriver:
    """A first drift was a false alarm and is over; its canary rolls on, and what it cannot help with comes."""
    learner = LearnerDriver()
    first, _ = learner.propose()
    learner.verdict(first, "approved")
    learner.clear()
    learner.drift(log2_e=40.0)
    assert proposals(learner.profile(80)) == []
    learner.measure(first)
    return learner


def test_a_drift_outlives_the_promotion_of_another_ones_retrain(learner: LearnerDriver) -> None:
    """As an outsider's forest had it: promoted by chance, wrong on four of five, and never looked at again."""
    assert one(learner.profile(160, version="warm-1")).champion == "warm-1"


def test_it_is_over_when_it_is_cleared(learner: LearnerDriver) -> None:
    """If the promotion has helped after all, the detector says so."""
    learner.clear()

    assert proposals(learner.profile(160, version="warm-1")) == []
