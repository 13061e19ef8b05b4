"""When a tracked threshold is proposed for a model."""

import pytest
from tests.unit.meta_learner.driver import (
    EMITTER,
    MODEL,
    LearnerDriver,
    one,
)


def test_a_threshold_is_proposed_once_per_model() -> None:
    """At its registration; registering again asks nothing while the question is open or answered with yes."""
    driver = LearnerDriver(members=())
    proposal = one(driver.register(), "threshold")
    action = driver.action
    assert (proposal.model, proposal.champion, proposal.chosen) == (MODEL, "v0", "rate-0.03")
    assert proposal.band is not None

    assert driver.register() == []
    driver.verdict(action, "held", "threshold")
    assert driver.register() == []
    driver.verdict(action, "approved", "threshold")
    assert driver.register() == driver.drift() == []


@pytest.mark.parametrize("said", ["denied", "expired"])
def test_a_threshold_that_did_not_come_to_be_is_proposed_again_later(said: str) -> None:
    """At the next drift or profile, for the champion of then."""
    driver = LearnerDriver(members=())
    driver.register()
    driver.verdict(driver.action, "approved", "threshold")
    band = driver.state.models[MODEL].threshold.action
    driver.verdict(band, said, "threshold")

    again = one(driver.drift(version="v3"), "threshold")
    assert again.champion == "v3"
    driver.verdict(driver.action, said, "threshold")
    both = driver.profile(version="v4")

    assert [one(both, kind).champion for kind in ("retrain", "threshold")] == ["v4", "v4"]
    assert driver.state.models[MODEL].threshold.action == f"{EMITTER}#{driver.offset}.1"
    assert driver.profile(labels=640) == []


def test_a_verdict_on_another_action_leaves_the_threshold_alone() -> None:
    """A denied retrain of the same model."""
    driver = LearnerDriver()
    action, _ = driver.propose()

    driver.verdict(action, "denied")

    assert driver.state.models[MODEL].threshold.action != ""
