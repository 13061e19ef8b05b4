"""Families that share a parent."""

from collections.abc import Sequence

import pytest
from tests.unit.meta_learner.driver import LearnerDriver, one

from homeostat.core import Emit
from homeostat.events import Arm, IndicatorComputed, PriorContributed, PriorPublished, SourceDistrusted
from homeostat.events.logs import EXPERIENCE
from homeostat.services.meta_learner.settings import LearnerSettings

SETTINGS = LearnerSettings(held_out_share=0.0, contribute_every=4, parent_trial=4)
OTHER = "acme/doors"


def shares(emits: Sequence[Emit]) -> list[PriorContributed]:
    """What goes to the parent."""
    assert all(emit.log == EXPERIENCE for emit in emits if isinstance(emit.data, PriorContributed))
    return [emit.data for emit in emits if isinstance(emit.data, PriorContributed)]


def taught(payoff: float, source: str = "/a") -> tuple[LearnerDriver, PriorContributed]:
    """A child that has seen one arm pay again and again, and what it tells its parent."""
    driver = LearnerDriver(SETTINGS, parent="things")
    told: list[PriorContributed] = []
    for _ in range(12):
        action, _ = driver.propose()
        told += shares(driver.evaluate(action, "head", payoff, sources=(source,)))
        driver.measure(action)
    return driver, told[-1]


def given_to(child: str, *contributed: PriorContributed) -> PriorPublished:
    """What a parent gives a child, the others having contributed this."""
    parent = LearnerDriver(SETTINGS)
    emits: list[Emit] = []
    for data in (*contributed, PriorContributed(family=child, statistics={})):
        emits = parent.step(data)
    found = [emit.data for emit in emits if emit.subject == child]
    assert isinstance(found[0], PriorPublished)
    return found[0]


def expectation(driver: LearnerDriver, arm: str = "head") -> float:
    """Mean gain of an arm in the next proposal."""
    driver.drift()
    proposal = one(driver.profile())
    return next(each.predicted_gain for each in proposal.arms if each.name == arm)


def test_a_new_family_starts_from_what_its_relatives_have_seen() -> None:
    """It hears of it when it is registered; catalogues may differ."""
    _, share = taught(0.3)
    child = LearnerDriver(SETTINGS, parent="things", arms=(Arm(name="warm"), Arm(name="head", predicted_gain=-0.2)))
    alone = expectation(LearnerDriver(SETTINGS, arms=(Arm(name="warm"), Arm(name="head", predicted_gain=-0.2))))

    child.step(given_to(OTHER, share))

    assert expectation(child) > 0.2
    assert alone == pytest.approx(-0.2)


def test_a_family_is_never_told_its_own_share() -> None:
    """It would count itself twice."""
    _, share = taught(0.3)

    assert given_to(share.family, share).statistics == {}


def test_knowledge_of_another_schema_does_not_fit() -> None:
    """Other meta-features are another domain."""
    _, share = taught(0.3)
    stranger = share.model_copy(update={"features": ("speed",)})
    child = LearnerDriver(SETTINGS, parent="things")
    before = expectation(child)
    child.measure(child.action)
    child.verdict(child.action, "denied")

    child.step(PriorPublished(parent="acme/things", features=stranger.features, statistics=stranger.statistics))

    assert child.state.posterior.parent.sums is None
    assert expectation(child) == before


def test_a_prior_that_harms_is_dropped() -> None:
    """After a few predictions that were better without it, and it is said once."""
    _, share = taught(0.4)
    child = LearnerDriver(SETTINGS, parent="things")
    child.step(given_to(OTHER, share))
    said: list[str] = []
    for _ in range(8):
        action, _ = child.propose()
        emits = child.evaluate(action, "head", -0.3)
        said += [emit.data.name for emit in emits if isinstance(emit.data, IndicatorComputed)]
        child.measure(action)

    assert said.count("parent_prior_harm") == 1
    assert child.state.posterior.parent.is_dropped


def test_distrust_reaches_the_relatives() -> None:
    """The family tells its parent at once what is left, so that the others' priors are made anew."""
    driver, share = taught(0.3, source="/evil")

    left = shares(driver.step(SourceDistrusted(scope="acme", source="/evil")))

    assert share.statistics["head"][0] > 0
    assert [data.statistics for data in left] == [{}]
