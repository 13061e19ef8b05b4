"""Arms are drawn by counted propensities, after all filters, behind the conservative gate."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.meta_learner.driver import LearnerDriver

from homeostat.events import ScopeConfigured
from homeostat.services.meta_learner.gate import Gate
from homeostat.services.meta_learner.posterior import Prediction
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_statistics import ArmRecord
from homeostat.services.meta_learner.thompson_sampling import SKIP, Choice, DecisionProblem, choose
from homeostat.stats.hierarchical import Payoffs

SETTINGS = LearnerSettings()
ARMS = ["head", "skip", "warm"]
RICH = Gate({"[]": (1000.0, 0.0)})
"""So much was gained that the gate is open."""


def prediction(sd: float = 0.5, **means: float) -> Prediction:
    """Beliefs about two arms that have nothing in common, in units of ten points."""
    k = len(means)
    found = Payoffs(np.array([*means.values()]), np.full(k, sd), np.zeros((k, 1)), np.full(k, sd))
    return Prediction(
        [*means], found, found.mean * SETTINGS.unit, found.sd * SETTINGS.unit, np.ones(1), ArmRecord.initial(k)
    )


def draw(believed: Prediction, price: float = 0.0, key: str = "k", gate: Gate = RICH, level: float = 0.7) -> Choice:
    """Choose between head, warm and nothing; the rule takes warm."""
    return choose(DecisionProblem(ARMS, "warm", {"head": price, "warm": price}, level, key), believed, gate, SETTINGS)


@settings(max_examples=100, deadline=None)
@given(head=st.floats(-3, 3), warm=st.floats(-3, 3), price=st.floats(0, 1), key=st.text(min_size=1))
def test_propensities_are_a_distribution_with_a_floor(head: float, warm: float, price: float, key: str) -> None:
    """Whatever is believed, no arm that passed the filters is impossible."""
    choice = draw(prediction(head=head, warm=warm), price, key)

    assert sum(choice.propensities.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(choice.propensities.values()) >= SETTINGS.floor
    assert list(choice.propensities) == ARMS
    assert choice.chosen in ARMS
    assert choice == draw(prediction(head=head, warm=warm), price, key)


def test_arms_are_drawn_as_often_as_their_propensities_say() -> None:
    """Over 3,000 identities the share of each arm is its mean propensity, within 4 standard errors."""
    drawn: Counter[str] = Counter()
    total = dict.fromkeys(ARMS, 0.0)
    n = 3000
    for number in range(n):
        choice = draw(prediction(head=0.1, warm=0.2), 0.01, f"decision {number}")
        drawn[choice.chosen] += 1
        for name, propensity in choice.propensities.items():
            total[name] += propensity

    for name in ARMS:
        p = total[name] / n
        assert abs(drawn[name] / n - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_a_price_above_every_gain_is_not_paid() -> None:
    """But for the floor, nothing is done; and a gain far above the price is taken."""
    dear = draw(prediction(head=0.5, warm=1.0), 1.0)
    cheap = draw(prediction(head=0.5, warm=5.0), 0.01)

    assert dear.propensities[SKIP] == pytest.approx(1 - 2 * SETTINGS.floor)
    assert cheap.propensities["warm"] == pytest.approx(1 - 2 * SETTINGS.floor)
    assert max(dear.propensities, key=lambda name: dear.propensities[name]) == SKIP


def test_gains_are_in_units_of_the_metric_with_their_interval() -> None:
    """Ten points of accuracy are one unit; skipping gains nothing for sure."""
    choice = draw(prediction(head=0.5, warm=1.0))

    mean, low, high = choice.gains["warm"]
    assert mean == pytest.approx(0.1)
    # Of what will be measured: what is not known of the arm (.5), and the noise of one payoff (.6), in units of .1.
    assert high - mean == pytest.approx(mean - low) == pytest.approx(1.6448536 * 0.1 * (0.5**2 + 0.6**2) ** 0.5)
    assert choice.gains[SKIP] == (0.0, 0.0, 0.0)


def test_at_first_only_the_rule_s_arm_is_allowed_where_others_might_harm() -> None:
    """Nothing was gained yet that could pay for it; a sure gain needs no such thing."""
    unsure = draw(prediction(sd=3.0, head=0.5, warm=0.4), gate=Gate(), level=0.9)
    sure = draw(prediction(sd=0.01, head=0.5, warm=0.4), gate=Gate(), level=0.9)

    assert unsure.chosen == "warm"
    assert unsure.kept_back == ["head"]
    assert sure.kept_back == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2)), max_size=40), st.integers(0, 100))
def test_if_bounds_hold_the_rule_s_value_is_kept_at_every_step(payoffs: list[tuple[float, float]], seed: int) -> None:
    """Whatever comes above its lower bound, the sum of values never falls below 95 % of the rule's."""
    gate, generator = Gate(), np.random.default_rng(seed)
    for number, (gain, rule) in enumerate(payoffs):
        choice = draw(prediction(sd=0.4, head=10 * gain, warm=10 * rule), key=str(number), gate=gate)
        gate.open(choice.low, choice.baseline)
        own = choice.baseline if choice.chosen == "warm" else choice.low + abs(generator.normal()) * 0.1
        gate.close(choice.low, choice.baseline)
        gate.update(f'["/{number % 3}"]', own, choice.baseline, most=64)

        kept, rules = gate.totals()
        assert kept >= SETTINGS.kept_share * rules - 1e-9


def test_what_is_surely_worse_is_not_worth_knowing() -> None:
    """A shadow teaches where the answer could change the choice."""
    choice = draw(prediction(sd=0.2, head=-3.0, warm=0.1))

    assert choice.worth["head"] < 1e-4 < choice.worth["warm"]


def test_shadows_are_bought_while_they_are_worth_their_price() -> None:
    """At first every alternative; once the best is known, the rule's arm alone."""
    driver = LearnerDriver(n_shadows=3)
    driver.publish()
    _, first = driver.propose()
    driver.measure(driver.action)
    for _ in range(40):
        action, last = driver.propose()
        for arm, payoff in (("warm", 0.02), ("head", 0.3), ("maml", -0.3)):
            driver.evaluate(action, arm, payoff)
        driver.measure(action)

    assert len({first.chosen, *first.shadows} - {SKIP}) == 3
    assert "maml" not in last.shadows
    assert last.chosen == "warm" or "warm" in last.shadows


@pytest.mark.parametrize(
    ("level", "left"),
    [("catalogue", {"warm"}), ("scheduler", {"skip", "warm"}), ("closed_loop", {"head", "skip", "warm"})],
)
def test_a_scope_says_how_much_is_left_to_the_learner(level: str, left: set[str]) -> None:
    """From the vetted table alone, over whether to retrain at all, to everything; nonsense changes nothing."""
    driver = LearnerDriver()
    for said in (level, "anarchy"):
        driver.step(ScopeConfigured(scope="acme", settings={"learning": said}))

    _, proposal = driver.propose()

    assert {arm.name for arm in proposal.arms} == left


def test_an_arm_whose_training_may_take_too_long_is_left_out() -> None:
    """By the upper bound of its measured times; one that was never measured may be tried."""
    driver = LearnerDriver(most_seconds=5.0)
    for seconds in (1.0, 9.0):
        action, _ = driver.propose()
        driver.evaluate(action, "head", 0.1, seconds=seconds)
        driver.evaluate(action, "warm", 0.1, seconds=2.0)
        driver.measure(action)

    _, proposal = driver.propose()

    assert {arm.name for arm in proposal.arms} == {"skip", "warm"}


def test_an_arm_from_published_weights_is_there_when_they_are() -> None:
    """Filters come before chance: without weights its propensity is nowhere."""
    driver = LearnerDriver()
    _, without = driver.propose()
    driver.measure(driver.action)
    driver.publish()
    _, with_weights = driver.propose()

    assert sorted(arm.name for arm in without.arms) == ["head", "skip", "warm"]
    assert sorted(arm.name for arm in with_weights.arms) == ["head", "maml", "skip", "warm"]
    assert {arm.name: arm.initial_weights for arm in with_weights.arms}["maml"] == "a" * 64
    assert {arm.name: arm.initial_weights for arm in with_weights.arms}["warm"] is None
    assert sum(arm.propensity for arm in with_weights.arms) == pytest.approx(1.0)


def test_the_risk_of_an_arm_is_the_probability_that_it_loses() -> None:
    """Half for one that is expected to pay nothing, next to none for one that surely pays; skipping risks nothing."""
    choice = draw(prediction(sd=0.3, head=0.0, warm=2.0))

    assert choice.risks["head"] == pytest.approx(0.5, abs=0.25)
    assert choice.risks["warm"] < 0.05
    assert choice.risks[SKIP] == 0.0


def test_propensities_are_shares_however_many_arms_there_are() -> None:
    """The floor of a large catalogue is low."""
    arms = {f"a{number}": 0.0 for number in range(150)}
    question = DecisionProblem(sorted([*arms, SKIP]), "a0", dict.fromkeys(arms, 0.0), 0.5, "k")

    choice = choose(question, prediction(**arms), RICH, SETTINGS)

    assert min(choice.propensities.values()) > 0.0
    assert sum(choice.propensities.values()) == pytest.approx(1.0)
