"""What payoffs teach."""

import pytest
from tests.unit.meta_learner.school import MODEL, School, family

from homeostat.events import Arm, IndicatorComputed, OutcomeRevised, RulesSet
from homeostat.events.logs import INDICATORS
from homeostat.services.meta_learner import knowledge as known
from homeostat.services.meta_learner.settings import LearnerSettings


def episode(school: School, payoffs: dict[str, float], **features: float) -> dict[str, float]:
    """One drift from its profile to its outcome; returns the propensities."""
    action, proposal = school.propose(**features)
    for arm, payoff in payoffs.items():
        school.evaluate(action, arm, payoff)
    school.measure(action)
    return {arm.name: arm.propensity for arm in proposal.arms}


def test_the_arm_that_pays_comes_to_be_chosen() -> None:
    """In ten episodes; shadows teach as much as what was chosen."""
    school = School()
    for _ in range(10):
        last = episode(school, {"warm": -0.05, "head": 0.2})

    assert last["head"] > 0.9
    assert last["warm"] < 0.05


def test_which_arm_pays_depends_on_the_drift() -> None:
    """Meta-features decide: one arm for one kind, the other for the other."""
    school = School()
    for _ in range(15):
        episode(school, {"warm": 0.2, "head": -0.1}, shift=1.0, rise=0.0)
        episode(school, {"warm": -0.1, "head": 0.2}, shift=-1.0, rise=0.0)

    assert episode(school, {}, shift=1.0, rise=0.0)["warm"] > 0.8
    assert episode(school, {}, shift=-1.0, rise=0.0)["head"] > 0.8


def test_where_nothing_pays_nothing_is_done() -> None:
    """Skipping is an arm like the others, and free."""
    school = School()
    for _ in range(10):
        last = episode(school, {"warm": -0.05, "head": -0.05})

    assert last["skip"] > 0.9


def test_errors_are_those_of_predictions_made_before_the_payoff_was_seen() -> None:
    """Of the catalogue's expectation first: 5 points for warm, nothing for head."""
    school = School()
    action, _ = school.propose()

    emits = school.evaluate(action, "warm", 0.25)

    found = {emit.data.name: emit.data for emit in emits if isinstance(emit.data, IndicatorComputed)}
    assert found["payoff_error"].value == pytest.approx(0.2)
    assert found["payoff_error_river"].value == pytest.approx(0.25)
    assert found["interval_coverage_ratio"].value in (0.0, 1.0)
    assert {(emit.log, emit.subject) for emit in emits} == {(INDICATORS, MODEL)}
    again = school.evaluate(action, "warm", 0.25)
    data = again[0].data
    assert isinstance(data, IndicatorComputed)
    assert data.n == 2
    assert data.value < 0.2


def test_payoffs_of_nobodys_action_or_arm_teach_nothing() -> None:
    """Late ones of a closed action, and those of an arm that is not in the catalogue."""
    school = School()
    action, _ = school.propose()
    assert school.evaluate("x#1.0", "warm", 1.0) == school.evaluate(action, "unheard", 1.0) == []
    school.measure(action)

    assert school.evaluate(action, "warm", 1.0) == []
    assert not school.state.knowledge.lessons


def test_payoffs_of_an_action_that_has_expired_still_teach() -> None:
    """They are measured all the same; the model is free meanwhile."""
    school = School()
    action, _ = school.propose()
    school.verdict(action, "expired")
    assert school.state.models[MODEL].open_action == ""

    assert school.evaluate(action, "warm", 0.1) != []
    school.measure(action)
    assert school.state.decisions == {}


def test_decisions_that_never_come_to_an_end_are_forgotten() -> None:
    """The oldest first."""
    school = School(LearnerSettings(n_decisions=2))
    actions = []
    for _ in range(4):
        actions.append(school.propose()[0])
        school.verdict(actions[-1], "expired")

    assert list(school.state.decisions) == actions[2:]


def test_an_outcome_frees_its_model_even_if_the_decision_is_forgotten() -> None:
    """Else it would never be looked after again."""
    other = "acme/camera-2"
    school = School(LearnerSettings(n_decisions=1), members=(MODEL, other))
    action, _ = school.propose()
    school.drift(other)
    school.profile(model=other)

    school.measure(action)

    assert school.state.models[MODEL].open_action == ""


@pytest.mark.parametrize("ended", ["denied", "expired"])
def test_what_came_to_nothing_is_not_in_the_books(ended: str) -> None:
    """Neither for the rule nor against it; payoffs that come later teach and are not booked either."""
    school = School()
    action, _ = school.propose()
    school.verdict(action, ended)
    school.evaluate(action, "warm", 0.1)
    school.measure(action, ended="expired")

    ledger = school.state.ledger
    assert (*ledger.totals(), ledger.open_own, ledger.open_baseline) == (0.0, 0.0, 0.0, 0.0)


def test_a_revised_outcome_says_nothing_of_a_newer_drift() -> None:
    """A late bill must not take the evidence of what is open now away."""
    school = School()
    action, _ = school.propose()
    school.measure(action)
    school.drift(log2_e=12.0)

    school.measure(action, said=OutcomeRevised)

    assert school.state.models[MODEL].is_discovery
    assert school.profile() != []


def test_an_arm_whose_training_fails_is_given_up() -> None:
    """A failure pays nothing and costs its price, as often as it comes."""
    school = School(LearnerSettings(held_out_share=0.0), price_per_retrain=0.02)
    for _ in range(15):
        action, proposal = school.propose()
        last = {arm.name: arm.propensity for arm in proposal.arms}
        school.measure(action, ended="failed")

    assert last["skip"] > 0.8


def test_an_unavailable_rule_is_a_rule_that_does_nothing() -> None:
    """Its arm needs weights that nobody has trained: the books compare with doing nothing."""
    school = School(LearnerSettings(held_out_share=0.0), baseline="maml")
    action, _ = school.propose()
    level = school.state.decisions[action].level
    school.measure(action)

    assert school.state.ledger.totals()[1] == level


def test_money_is_asked_for_every_arm_that_is_trained() -> None:
    """At the price in force, from measured times; before any, a first guess: a cold start is not free."""
    settings = LearnerSettings()
    school = School(settings)
    action, first = school.propose()
    n = len({first.chosen, *first.shadows} - {"skip"})
    assert first.money == pytest.approx(n * settings.first_seconds * 0.01)
    school.evaluate(action, "warm", 0.1, seconds=4.0)
    school.evaluate(action, "head", 0.1, seconds=8.0)
    school.measure(action)
    school.tell(RulesSet(price_per_training_second=2.0))

    _, second = school.propose()

    times = {"warm": 4.0, "head": 8.0, "skip": 0.0}
    assert second.money == pytest.approx(2.0 * sum(times[name] for name in {second.chosen, *second.shadows}))
    assert {arm.name: arm.hyperparameters.get("expected_seconds") for arm in second.arms} == {
        "warm": 4.0,
        "head": 8.0,
        "skip": None,
    }


def test_held_out_decisions_are_scored_and_never_learned_from() -> None:
    """They say how the learner does, against the rule, on what it has not seen."""
    school = School(LearnerSettings(held_out_share=1.0))
    action, _ = school.propose()
    school.evaluate(action, "warm", 0.3)
    school.evaluate(action, "head", 0.1)

    said = {emit.data.name for emit in school.measure(action) if isinstance(emit.data, IndicatorComputed)}

    assert float(known.pooled(school.state.knowledge, school.fold.settings).n.sum()) == 0.0
    assert said == {"kept_value_ratio", "held_out_gain_over_baseline"}
    assert school.state.held_out.n == 1


def test_errors_that_rise_make_the_past_count_for_less() -> None:
    """The meta-model is watched like any model."""
    school = School(LearnerSettings(held_out_share=0.0))
    action, _ = school.propose()
    for _ in range(60):
        school.evaluate(action, "head", 0.1)
    before = float(school.state.knowledge.lessons["[]"].sums.n.sum())

    said: list[str] = []
    for _ in range(120):
        emits = school.evaluate(action, "head", -0.4)
        said += [emit.data.name for emit in emits if isinstance(emit.data, IndicatorComputed)]

    assert "meta_model_drifts" in said
    assert float(school.state.knowledge.lessons["[]"].sums.n.sum()) < before + 120


def covered(school: School) -> int:
    """Payoffs of an arm that its interval held."""
    score = school.state.knowledge.score("head")
    assert score is not None
    return score.covered


def test_the_published_interval_is_the_one_whose_coverage_is_told() -> None:
    """A payoff inside what was proposed counts as covered, one outside does not."""
    school = School(LearnerSettings(held_out_share=0.0))
    for inside in (True, False):
        action, proposal = school.propose()
        arm = next(arm for arm in proposal.arms if arm.name == "head")
        payoff = arm.gain_high - 0.001 if inside else min(0.5, arm.gain_high + 0.001)
        before = covered(school)
        school.evaluate(action, "head", payoff)
        school.measure(action)

        assert covered(school) - before == inside


def test_a_catalogue_that_changes_for_ever_does_not_fill_the_memory() -> None:
    """Arms that nobody registers any more go; what the others have learned stays."""
    school = School(LearnerSettings(held_out_share=0.0))
    action, _ = school.propose()
    school.evaluate(action, "head", 0.2)
    school.measure(action)
    before = next(arm.predicted_gain for arm in school.propose()[1].arms if arm.name == "head")
    school.measure(school.action)
    for number in range(200):
        school.tell(family(arms=(Arm(name="warm"), Arm(name="head"), Arm(name=f"a{number}")), baseline="warm"))

    assert len(school.state.knowledge.arms) <= 130
    assert next(arm.predicted_gain for arm in school.propose()[1].arms if arm.name == "head") == before
