"""When something is proposed, and what."""

import pytest
from tests.unit.meta_learner.driver import (
    DRIFT,
    FAMILY,
    INTAKE,
    MODEL,
    WINDOW,
    LearnerDriver,
    one,
    proposals,
)

from homeostat.events import (
    Arm,
    IndicatorComputed,
    InstancePrice,
    RulesSet,
)
from homeostat.services.meta_learner.settings import LearnerSettings


def test_a_retrain_is_proposed_when_the_drift_has_labels_enough() -> None:
    """Not before; with alternatives, window, plan and evidence."""
    driver = LearnerDriver()
    driver.drift()
    assert driver.profile(labels=20) == []

    proposal = one(driver.profile(labels=40))

    assert (proposal.family, proposal.model, proposal.champion, proposal.baseline) == (FAMILY, MODEL, "v0", "warm")
    assert proposal.window == WINDOW
    assert proposal.evidence == (f"{DRIFT}#1.0", f"{INTAKE}#{driver.offset}.0")
    assert proposal.chosen in {arm.name for arm in proposal.arms}
    assert len(proposal.shadows) == 1
    assert proposal.chosen not in proposal.shadows
    assert (proposal.plan.horizon_labels, proposal.plan.price) == (200, 0.01)
    assert driver.state.decisions.pending[driver.action].chosen == proposal.chosen


@pytest.mark.parametrize("cause", ["unknown", "at_rest", "cleared", "other_story"])
def test_without_an_open_drift_nothing_is_retrained(cause: str) -> None:
    """Unknown model; no drift; a drift that is over; a profile of an older one."""
    driver = LearnerDriver()
    if cause != "at_rest":
        driver.drift("acme/unknown" if cause == "unknown" else MODEL)
    if cause == "cleared":
        driver.clear()
    if cause == "other_story":
        driver.story = "old#1.0"

    emits = driver.profile(labels=80, model="acme/unknown" if cause == "unknown" else MODEL)

    assert proposals(emits) == []


def test_a_model_has_one_open_action() -> None:
    """A new drift does not open a second one; other models have their own."""
    driver = LearnerDriver(members=(MODEL, "acme/camera-2"))
    action, _ = driver.propose()

    driver.drift()
    assert proposals(driver.profile(labels=160)) == []
    driver.drift("acme/camera-2")
    assert len(proposals(driver.profile(model="acme/camera-2"))) == 1
    driver.measure(action)
    driver.drift()
    assert len(proposals(driver.profile())) == 1


@pytest.mark.parametrize("end", ["denied", "expired", "measured"])
def test_in_the_same_drift_it_asks_again_only_with_twice_the_labels(end: str) -> None:
    """In a new one at once."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    assert driver.profile(labels=80) == []
    driver.measure(action) if end == "measured" else driver.verdict(action, end)

    assert proposals(driver.profile(labels=79)) == []
    assert len(proposals(driver.profile(labels=80))) == 1


@pytest.mark.parametrize("said", ["held", "approved"])
def test_while_its_action_is_held_or_runs_nothing_new_is_asked(said: str) -> None:
    """It waits for the outcome."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    driver.verdict(action, said)

    assert driver.profile(labels=640) == []


def test_a_skip_without_shadows_is_over_with_its_verdict() -> None:
    """Nothing is trained, so no outcome will come: the model is not blocked by it."""
    driver = LearnerDriver(n_shadows=0, price_per_retrain=9.0)
    driver.drift()
    proposal = one(driver.profile())
    assert (proposal.chosen, proposal.shadows, proposal.money) == ("skip", (), 0.0)

    assert len(proposals(driver.profile(labels=80))) == 1
    assert driver.state.decisions.pending == {}


@pytest.mark.parametrize("is_noisy", [False, True])
def test_a_drift_whose_labels_do_not_come_is_skipped_in_so_many_words(is_noisy: bool) -> None:
    """The only arm that needs no labels, and why; nothing is booked, and the model is free."""
    driver = LearnerDriver()
    driver.drift()

    proposal = one(driver.profile(0, features={"shift_max": 1.5}, is_overdue=True, is_noisy=is_noisy))

    assert (proposal.chosen, proposal.shadows, proposal.money, proposal.slots) == ("skip", (), 0.0, 0)
    assert [(arm.name, arm.propensity) for arm in proposal.arms] == [("skip", 1.0)]
    assert "0 of 40 came since the onset" in proposal.reason
    assert "9 deviations" in proposal.reason
    assert proposal.evidence == (f"{DRIFT}#1.0", f"{INTAKE}#{driver.offset}.0")
    assert driver.state.decisions.pending == {}
    assert driver.state.models[MODEL].open_action == ""


def test_labels_that_come_after_all_are_looked_at_as_ever() -> None:
    """What was said without them decides nothing."""
    driver = LearnerDriver()
    driver.drift()
    said = one(driver.profile(3, is_overdue=True))
    assert said.chosen == "skip"

    assert one(driver.profile(40)).window == WINDOW
    assert set(driver.state.decisions.pending) == {driver.action}


def test_an_overdue_profile_with_labels_enough_is_like_any_other() -> None:
    """Labels that stop after the fortieth are no reason not to learn from forty."""
    driver = LearnerDriver()
    driver.drift()

    assert {arm.name for arm in one(driver.profile(40, is_overdue=True)).arms} == {"head", "skip", "warm"}


def test_a_family_that_nobody_registered_is_missed_once_of_a_drift() -> None:
    """With labels enough, or when none come: somebody has to say what may be done."""
    driver = LearnerDriver()
    driver.state.family = None
    driver.drift()
    assert driver.profile(40) == []

    assert "publish family.registered" in one(driver.profile(80)).reason
    assert driver.profile(160) == []
    driver.drift()
    assert one(driver.profile(0, is_overdue=True)).chosen == "skip"


def test_a_synthetic_drift_is_not_spoken_of_without_labels_either() -> None:
    """Nothing is proposed for what somebody has made up."""
    driver = LearnerDriver()
    driver.drift(is_synthetic=True)

    assert proposals(driver.profile(0, is_overdue=True)) == []


@pytest.mark.parametrize(("features", "n"), [(("latency_seconds",), 0), (("latency_seconds", "x"), 1), ((), 1)])
def test_what_no_training_changes_is_not_trained_for(features: tuple[str, ...], n: int) -> None:
    """A machine that is slower serves the same model."""
    driver = LearnerDriver()
    driver.drift(kind="data", features=features)

    assert len(proposals(driver.profile())) == n


def test_of_many_models_only_discoveries_are_acted_on() -> None:
    """e-BH at 5 % over ten models: one alone needs an e-value of 200, five together 40 each."""
    models = [f"acme/camera-{i}" for i in range(10)]
    driver = LearnerDriver(members=models)

    alone = driver.evidence(models[0], 7.0)
    four = [driver.evidence(model, 5.5) for model in models[1:5]]

    assert [emit.data for emit in alone if isinstance(emit.data, IndicatorComputed)] == []
    told = [emit.data for emits in four for emit in emits if isinstance(emit.data, IndicatorComputed)]
    assert sorted((said.model, said.value) for said in told) == [(model, 1.0) for model in models[:5]]
    assert [model for model in models if driver.state.models[model].change.is_discovery] == models[:5]


def test_a_drift_that_is_no_discovery_waits() -> None:
    """With more evidence it is acted on; a detector without e-values is believed."""
    driver = LearnerDriver(members=[f"acme/camera-{i}" for i in range(100)])
    driver.drift("acme/camera-1", log2_e=6.0)
    waiting = proposals(driver.profile(model="acme/camera-1"))
    driver.evidence("acme/camera-1", 12.0)
    now = proposals(driver.profile(labels=80, model="acme/camera-1"))
    driver.drift("acme/camera-2", log2_e=None)

    assert waiting == []
    assert len(now) == len(proposals(driver.profile(model="acme/camera-2"))) == 1


def test_a_synthetic_drift_leads_to_nothing() -> None:
    """It tests the path up to here; nothing is trained on it."""
    driver = LearnerDriver()

    assert driver.drift(is_synthetic=True) == driver.profile() == []


def test_where_a_point_has_a_price_money_counts_in_the_choice() -> None:
    """The same arm on a machine that costs more than it brings is not worth it any more."""
    arms = (
        Arm(name="warm", predicted_gain=0.05),
        Arm(name="head", predicted_gain=0.06, hyperparameters={"instance": "gpu"}),
    )
    dear = RulesSet(prices={"gpu": InstancePrice(per_second=1000.0)}, price_per_training_second=0.0)
    propensities = []
    for rules in (RulesSet(price_per_training_second=0.0), dear):
        driver = LearnerDriver(LearnerSettings(kept_share=0.01), arms=arms, price_per_retrain=0.0)
        driver.step(rules)
        driver.register(hourly_value=1.0)
        propensities.append({arm.name: arm.propensity for arm in driver.propose()[1].arms})

    assert propensities[1]["head"] < 0.05 < propensities[0]["head"]


def test_money_is_asked_by_the_price_list() -> None:
    """Each arm on its machine, spot or not."""
    arms = (Arm(name="warm", hyperparameters={"instance": "gpu", "spot": True}),)
    rules = RulesSet(prices={"gpu": InstancePrice(per_second=3.0, spot_per_second=0.5)})
    driver = LearnerDriver(arms=arms)
    driver.step(rules)

    _, proposal = driver.propose()

    assert "warm" in (proposal.chosen, *proposal.shadows)
    assert proposal.money == 0.5 * LearnerSettings().first_seconds


def test_evidence_that_falls_does_not_take_an_open_drift_back() -> None:
    """The detector begins anew with a drift: what it says afterwards is of changes since."""
    driver = LearnerDriver()
    driver.drift(log2_e=12.0)
    driver.evidence(MODEL, 4.0)
    driver.evidence(MODEL, 0.0)

    assert driver.profile() != []


def test_a_drift_that_is_believed_stays_so_whatever_the_evidence_is() -> None:
    """One from a detector without an e-value."""
    driver = LearnerDriver()
    driver.drift(log2_e=None)
    driver.evidence(MODEL, 1.0)

    assert driver.profile() != []
