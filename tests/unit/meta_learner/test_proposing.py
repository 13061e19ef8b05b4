"""When something is proposed, and what."""

from typing import Any

import pytest
from tests.unit.meta_learner.driver import (
    DRIFT,
    EMITTER,
    FAMILY,
    INTAKE,
    MODEL,
    WINDOW,
    LearnerDriver,
    one,
    proposals,
)

from homeostat.events import (
    ActionSettled,
    Arm,
    IndicatorComputed,
    InstancePrice,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    WeightsRejected,
)
from homeostat.events.logs import TASKS
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


def collect(driver: LearnerDriver, n: int, **changes: Any) -> list[Any]:
    """Record tasks; return what is proposed."""
    return [proposal for _ in range(n) for proposal in proposals(driver.task(**changes), "meta_training")]


def test_initial_weights_are_learned_from_every_task_so_far() -> None:
    """Tasks lie on their log as the 0th emit of what the family hears of as the 1st."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=5))
    first = 10 * driver.offset
    since = 1000 * (driver.offset + 1)

    (proposal,) = collect(driver, 5)

    training = proposal.meta_training
    last = 10 * (driver.offset - 1)
    assert training is not None
    assert (training.window.log, training.window.subject, training.window.source) == (TASKS, FAMILY, INTAKE)
    assert (training.window.first, training.window.last) == (f"{first}.0", f"{last}.0")
    assert (training.window.from_time, training.window.rows) == (since, 5)
    assert (training.current, training.excluded_sources, proposal.model) == (None, (), None)


@pytest.mark.parametrize("end", ["published", "rejected", "expired", "denied"])
def test_the_next_meta_training_waits_for_the_end_of_the_last(end: str) -> None:
    """However it ends; a settled one is told to the governor."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=5))
    collect(driver, 5)
    action = driver.action
    assert collect(driver, 7) == []
    ends: dict[str, Any] = {
        "published": lambda: driver.publish(action),
        "rejected": lambda: driver.reject(action),
        "expired": lambda: driver.verdict(action, "expired", "meta_training", None),
        "denied": lambda: driver.verdict(action, "denied", "meta_training", None),
    }
    settled = [emit.data for emit in ends[end]() if isinstance(emit.data, ActionSettled)]

    (proposal,) = collect(driver, 1)

    assert [(data.action, data.kind, data.state) for data in settled] == [(action, "meta_training", "done")] * (
        end in ("published", "rejected")
    )
    assert proposal.meta_training.window.rows == 13
    assert proposal.meta_training.current == ("a" * 64 if end == "published" else None)


def test_weights_of_a_forgotten_training_do_not_open_the_way_for_a_second_one() -> None:
    """The one in flight is still in flight."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=5))
    collect(driver, 5)

    driver.publish("old#1.0")

    assert collect(driver, 9) == []


def test_tasks_without_arrays_and_tasks_of_distrusted_sources_do_not_count() -> None:
    """There is nothing of them to train on."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=3))
    driver.step(SourceDistrusted(scope="acme", source="/bad"))

    assert collect(driver, 9, has_arrays=False) == collect(driver, 9, source="/bad") == []
    (proposal,) = collect(driver, 3)

    assert proposal.meta_training.excluded_sources == ("/bad",)
    assert proposal.meta_training.window.rows == 3


def test_a_log_that_was_made_again_begins_a_new_range() -> None:
    """A range names records of one source."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=5))
    collect(driver, 4)
    first = 10 * driver.offset

    (proposal,) = collect(driver, 5, intake="/homeostat/intake.traces/homeostat.traces/u/0")

    assert proposal.window.source.endswith("/u/0")
    assert (proposal.window.first, proposal.window.rows) == (f"{first}.0", 5)


def test_weights_from_a_distrusted_source_are_withdrawn() -> None:
    """Those that are there, and those that come later."""
    driver = LearnerDriver()
    driver.publish(sources=("/jobs", "/bad"))
    driver.step(SourceDistrusted(scope="acme", source="/bad"))
    assert driver.state.initial_weights.usable == []

    driver.publish(artifact="b" * 64, sources=("/bad",))
    assert driver.state.initial_weights.usable == []
    driver.publish(artifact="c" * 64)
    assert [weights.artifact for weights in driver.state.initial_weights.usable] == ["c" * 64]


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


@pytest.mark.parametrize("rung", ["catalogue", "scheduler"])
def test_below_the_closed_loop_thresholds_and_meta_trainings_are_for_people(rung: str) -> None:
    """The learner asks for neither; on the last rung it does."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=1), members=())
    driver.step(ScopeConfigured(scope="acme", settings={"learning": rung}))
    assert driver.register() == driver.task() == []

    driver.step(ScopeConfigured(scope="acme", settings={"learning": "closed_loop"}))
    assert proposals(driver.task(), "meta_training")
    assert proposals(driver.drift(), "threshold")


def test_a_meta_training_costs_what_it_takes() -> None:
    """Asked for by a guess first, then by what the last one took; settled with its own time."""
    settings = LearnerSettings(tasks_per_training=1)
    driver = LearnerDriver(settings)
    driver.step(RulesSet(price_per_training_second=2.0))
    first = one(driver.task(), "meta_training")
    took = WeightsRejected(action=driver.action, family=FAMILY, reason="no better", seconds=30.0)
    settled = [emit.data for emit in driver.step(took) if isinstance(emit.data, ActionSettled)]

    assert first.money == 2.0 * settings.first_meta_seconds
    assert [each.cost for each in settled] == [60.0]
    assert one(driver.task(), "meta_training").money == 60.0
