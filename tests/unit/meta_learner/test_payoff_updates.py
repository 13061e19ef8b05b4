"""What payoffs teach."""

import pytest
from tests.unit.meta_learner.driver import MODEL, LearnerDriver, family

from homeostat.events import Arm, IndicatorComputed, OutcomeRevised, RulesSet
from homeostat.events.logs import INDICATORS
from homeostat.services.meta_learner.settings import LearnerSettings


def episode(driver: LearnerDriver, payoffs: dict[str, float], **features: float) -> dict[str, float]:
    """One drift from its profile to its outcome; returns the propensities."""
    action, proposal = driver.propose(**features)
    for arm, payoff in payoffs.items():
        driver.evaluate(action, arm, payoff)
    driver.measure(action)
    return {arm.name: arm.propensity for arm in proposal.arms}


def test_the_arm_that_pays_comes_to_be_chosen() -> None:
    """In ten episodes; shadows teach as much as what was chosen."""
    driver = LearnerDriver()
    for _ in range(10):
        last = episode(driver, {"warm": -0.05, "head": 0.2})

    assert last["head"] > 0.9
    assert last["warm"] < 0.05


def test_which_arm_pays_depends_on_the_drift() -> None:
    """Meta-features decide: one arm for one kind, the other for the other."""
    driver = LearnerDriver()
    for _ in range(15):
        episode(driver, {"warm": 0.2, "head": -0.1}, shift=1.0, rise=0.0)
        episode(driver, {"warm": -0.1, "head": 0.2}, shift=-1.0, rise=0.0)

    assert episode(driver, {}, shift=1.0, rise=0.0)["warm"] > 0.8
    assert episode(driver, {}, shift=-1.0, rise=0.0)["head"] > 0.8


def test_where_nothing_pays_nothing_is_done() -> None:
    """Skipping is an arm like the others, and free."""
    driver = LearnerDriver()
    for _ in range(10):
        last = episode(driver, {"warm": -0.05, "head": -0.05})

    assert last["skip"] > 0.9


def test_errors_are_those_of_predictions_made_before_the_payoff_was_seen() -> None:
    """Of the catalogue's expectation first: 5 points for warm, nothing for head."""
    driver = LearnerDriver()
    action, _ = driver.propose()

    emits = driver.evaluate(action, "warm", 0.25)

    found = {emit.data.name: emit.data for emit in emits if isinstance(emit.data, IndicatorComputed)}
    assert found["payoff_error"].value == pytest.approx(0.2)
    assert found["payoff_error_river"].value == pytest.approx(0.25)
    assert found["interval_coverage_ratio"].value in (0.0, 1.0)
    assert {(emit.log, emit.subject) for emit in emits} == {(INDICATORS, MODEL)}
    again = driver.evaluate(action, "warm", 0.25)
    data = again[0].data
    assert isinstance(data, IndicatorComputed)
    assert data.n == 2
    assert data.value < 0.2


def test_payoffs_of_nobodys_action_or_arm_teach_nothing() -> None:
    """Late ones of a closed action, and those of an arm that is not in the catalogue."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    assert driver.evaluate("x#1.0", "warm", 1.0) == driver.evaluate(action, "unheard", 1.0) == []
    driver.measure(action)

    assert driver.evaluate(action, "warm", 1.0) == []
    assert not driver.state.posterior.sources.by_key


def test_payoffs_of_an_action_that_has_expired_still_teach() -> None:
    """They are measured all the same; the model is free meanwhile."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    driver.verdict(action, "expired")
    assert driver.state.models[MODEL].open_action == ""

    assert driver.evaluate(action, "warm", 0.1) != []
    driver.measure(action)
    assert driver.state.decisions.pending == {}


def test_decisions_that_never_come_to_an_end_are_forgotten() -> None:
    """The oldest first."""
    driver = LearnerDriver(LearnerSettings(n_decisions=2))
    actions = []
    for _ in range(4):
        actions.append(driver.propose()[0])
        driver.verdict(actions[-1], "expired")

    assert list(driver.state.decisions.pending) == actions[2:]


def test_an_outcome_frees_its_model_even_if_the_decision_is_forgotten() -> None:
    """Else it would never be looked after again."""
    other = "acme/camera-2"
    driver = LearnerDriver(LearnerSettings(n_decisions=1), members=(MODEL, other))
    action, _ = driver.propose()
    driver.drift(other)
    driver.profile(model=other)

    driver.measure(action)

    assert driver.state.models[MODEL].open_action == ""


@pytest.mark.parametrize("ended", ["denied", "expired"])
def test_what_came_to_nothing_is_not_in_the_books(ended: str) -> None:
    """Neither for the rule nor against it; payoffs that come later teach and are not booked either."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    driver.verdict(action, ended)
    driver.evaluate(action, "warm", 0.1)
    driver.measure(action, ended="expired")

    gate = driver.state.decisions.gate
    assert (*gate.totals(), gate.open_own, gate.open_baseline) == (0.0, 0.0, 0.0, 0.0)


def test_a_revised_outcome_says_nothing_of_a_newer_drift() -> None:
    """A late bill must not take the evidence of what is open now away."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    driver.measure(action)
    driver.drift(log2_e=12.0)

    driver.measure(action, said=OutcomeRevised)

    assert driver.state.models[MODEL].change.is_discovery
    assert driver.profile() != []


def test_an_arm_whose_training_fails_is_given_up() -> None:
    """A failure pays nothing and costs its price, as often as it comes."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0), price_per_retrain=0.02)
    for _ in range(15):
        action, proposal = driver.propose()
        last = {arm.name: arm.propensity for arm in proposal.arms}
        driver.measure(action, ended="failed")

    assert last["skip"] > 0.8


def test_an_unavailable_rule_is_a_rule_that_does_nothing() -> None:
    """Its arm needs weights that nobody has trained: the books compare with doing nothing."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0), baseline="maml")
    action, _ = driver.propose()
    level = driver.state.decisions.pending[action].level
    driver.measure(action)

    assert driver.state.decisions.gate.totals()[1] == level


def test_money_is_asked_for_every_arm_that_is_trained() -> None:
    """At the price in force, from measured times; before any, a first guess: a cold start is not free."""
    settings = LearnerSettings()
    driver = LearnerDriver(settings)
    action, first = driver.propose()
    n = len({first.chosen, *first.shadows} - {"skip"})
    assert first.money == pytest.approx(n * settings.first_seconds * 0.01)
    driver.evaluate(action, "warm", 0.1, seconds=4.0)
    driver.evaluate(action, "head", 0.1, seconds=8.0)
    driver.measure(action)
    driver.step(RulesSet(price_per_training_second=2.0))

    _, second = driver.propose()

    times = {"warm": 4.0, "head": 8.0, "skip": 0.0}
    assert second.money == pytest.approx(2.0 * sum(times[name] for name in {second.chosen, *second.shadows}))
    assert {arm.name: arm.hyperparameters.get("expected_seconds") for arm in second.arms} == {
        "warm": 4.0,
        "head": 8.0,
        "skip": None,
    }


def test_held_out_decisions_are_scored_and_never_learned_from() -> None:
    """They say how the learner does, against the rule, on what it has not seen."""
    driver = LearnerDriver(LearnerSettings(held_out_share=1.0))
    action, _ = driver.propose()
    driver.evaluate(action, "warm", 0.3)
    driver.evaluate(action, "head", 0.1)

    said = {emit.data.name for emit in driver.measure(action) if isinstance(emit.data, IndicatorComputed)}

    assert all(float(one.sums.n.sum()) == 0.0 for one in driver.state.posterior.sources.by_key.values())
    assert said == {"kept_value_ratio", "held_out_gain_over_baseline"}
    assert driver.state.decisions.n_held_out == 1


def test_errors_that_rise_make_the_past_count_for_less() -> None:
    """The meta-model is watched like any model."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    action, _ = driver.propose()
    for _ in range(60):
        driver.evaluate(action, "head", 0.1)
    before = float(driver.state.posterior.sources.by_key["[]"].sums.n.sum())

    said: list[str] = []
    for _ in range(120):
        emits = driver.evaluate(action, "head", -0.4)
        said += [emit.data.name for emit in emits if isinstance(emit.data, IndicatorComputed)]

    assert "meta_model_drifts" in said
    assert float(driver.state.posterior.sources.by_key["[]"].sums.n.sum()) < before + 120


def covered(driver: LearnerDriver) -> int:
    """Payoffs of an arm that its interval held."""
    posterior = driver.state.posterior
    at = posterior.arms.index("head")
    return sum(int(one.record.covered[at]) for one in posterior.sources.by_key.values())


def test_the_published_interval_is_the_one_whose_coverage_is_told() -> None:
    """A payoff inside what was proposed counts as covered, one outside does not."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    for inside in (True, False):
        action, proposal = driver.propose()
        arm = next(arm for arm in proposal.arms if arm.name == "head")
        payoff = arm.gain_high - 0.001 if inside else min(0.5, arm.gain_high + 0.001)
        before = covered(driver)
        driver.evaluate(action, "head", payoff)
        driver.measure(action)

        assert covered(driver) - before == inside


def test_a_catalogue_that_changes_for_ever_does_not_fill_the_memory() -> None:
    """Arms that nobody registers any more go; what the others have learned stays."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    action, _ = driver.propose()
    driver.evaluate(action, "head", 0.2)
    driver.measure(action)
    before = next(arm.predicted_gain for arm in driver.propose()[1].arms if arm.name == "head")
    driver.measure(driver.action)
    for number in range(200):
        driver.step(family(arms=(Arm(name="warm"), Arm(name="head"), Arm(name=f"a{number}")), baseline="warm"))

    assert len(driver.state.posterior.arms) <= 130
    assert next(arm.predicted_gain for arm in driver.propose()[1].arms if arm.name == "head") == before
