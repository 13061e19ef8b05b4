"""What a rule denies for the time being is proposed again when the rule lets it, with what is known by then."""

import pytest
from tests.unit.meta_learner.driver import DRIFT, FAMILY, INTAKE, MODEL, WINDOW, LearnerDriver, one, proposals

from homeostat.core import Emit
from homeostat.events import RulesSet
from homeostat.services.meta_learner.settings import LearnerSettings

OTHER = "acme/camera-2"
COOLING = {"cooldown": (20_000, 60_000)}
"""It has lasted 20 of 60 seconds."""


def asked() -> tuple[LearnerDriver, str]:
    """A driver whose first proposal, at 40 labels, is waiting for its verdict."""
    driver = LearnerDriver()
    action, _ = driver.propose()
    return driver, action


def test_a_cooldown_postpones_and_the_newest_look_is_proposed() -> None:
    """Not before it is over, whatever profiles come; then with the window and the labels of the last one."""
    driver, action = asked()
    driver.verdict(action, "denied", failing=COOLING)
    denied_at = driver.now
    later = WINDOW.model_copy(update={"rows": 70})

    assert proposals(driver.profile(50)) == []
    assert proposals(driver.profile(70, window=later)) == []
    identity = f"{INTAKE}#{driver.offset}.0"
    emits = driver.tick()

    proposal = one(emits)
    assert driver.now == denied_at + 40_000
    assert proposal.window == later
    assert proposal.evidence == (f"{DRIFT}#1.0", identity)
    assert [emit.story for emit in emits] == [driver.story]
    assert set(driver.state.decisions.pending) == {driver.action}
    assert driver.state.models[MODEL].open_action == driver.action
    assert driver.fold.wake_at(driver.state) is None


def test_an_end_of_the_cooldown_before_the_tick_is_enough() -> None:
    """A profile that comes first is asked at once."""
    driver, action = asked()
    driver.verdict(action, "denied", failing=COOLING)
    driver.late_ms += 60_000

    assert one(driver.profile(45)).window == WINDOW
    assert driver.fold.wake_at(driver.state) is None


def test_what_is_still_denied_is_postponed_again() -> None:
    """For as long as the rule then says; and approved, it waits for twice the labels as ever."""
    driver, action = asked()
    for value in (0, 30_000, 59_000):
        driver.verdict(action, "denied", failing={"cooldown": (value, 60_000)})
        at = driver.now
        one(driver.tick())
        action = driver.action
        assert driver.now == at + max(60_000 - value, 1_000)
    driver.verdict(action, "approved")
    driver.measure(action)

    assert proposals(driver.profile(79)) == []
    assert len(proposals(driver.profile(80))) == 1


@pytest.mark.parametrize("rule", ["freeze", "one_at_a_time", "concurrency", "rate", "money", "slots", "blast_radius"])
def test_what_may_end_any_time_is_asked_again_at_growing_intervals(rule: str) -> None:
    """A minute, two, four, … an hour at most: a freeze of a week is no flood."""
    driver, action = asked()
    waits = []
    for _ in range(9):
        driver.verdict(action, "denied", failing={rule: (1, 0)})
        at = driver.now
        one(driver.tick())
        action = driver.action
        waits.append((driver.now - at) // 1000)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_what_may_end_any_time_is_asked_again_with_the_next_profile() -> None:
    """A slot may be free by then; without twice the labels, as nothing has come of the first."""
    driver, action = asked()
    driver.verdict(action, "denied", failing={"slots": (1, 0)})

    assert one(driver.profile(45)).window == WINDOW
    assert driver.fold.wake_at(driver.state) is None


def test_a_cooldown_beside_another_rule_waits_for_both() -> None:
    """The longer one counts."""
    driver, action = asked()
    driver.verdict(action, "denied", failing={"cooldown": (0, 600_000), "slots": (1, 0)})
    at = driver.now

    one(driver.tick())

    assert driver.now == at + 600_000


def test_other_rules_let_it_be_asked_at_once() -> None:
    """They may be why it was denied."""
    driver, action = asked()
    driver.verdict(action, "denied", failing={"slots": (1, 0)})

    driver.step(RulesSet(training_slots=4))
    at = driver.now

    one(driver.tick())
    assert driver.now == at + 1_000


@pytest.mark.parametrize(
    "failing", [{"approval": (0, 1)}, {"trust": (0, 0)}, {"canary_first": (0, 0), "slots": (1, 0)}]
)
def test_what_time_does_not_change_waits_for_twice_the_labels(failing: dict[str, tuple[int, int]]) -> None:
    """A person's no, a distrusted source, a proposal that is none: it is not asked again and again."""
    driver, action = asked()
    driver.verdict(action, "denied", failing=failing)

    assert driver.fold.wake_at(driver.state) is None
    assert proposals(driver.profile(79)) == []
    assert len(proposals(driver.profile(80))) == 1


def test_a_champion_that_was_another_is_asked_about_with_the_next_profile() -> None:
    """The proposal crossed a deployment: nothing waits for time, or for twice the labels."""
    driver, action = asked()
    driver.verdict(action, "denied", failing={"known_model": (0, 1)})

    assert driver.fold.wake_at(driver.state) is None
    assert one(driver.profile(41, version="v1")).champion == "v1"


@pytest.mark.parametrize("end", ["cleared", "another", "promoted"])
def test_what_has_settled_itself_is_not_asked_again(end: str) -> None:
    """The level is back, another drift has come, another version serves."""
    driver, action = asked()
    driver.verdict(action, "denied", failing=COOLING)
    if end == "cleared":
        driver.clear()
    elif end == "another":
        driver.drift()
    else:
        driver.state.models[MODEL].champion = "v7"

    emits: list[Emit] = [] if driver.fold.wake_at(driver.state) is None else driver.tick()

    assert proposals(emits) == []
    assert driver.fold.wake_at(driver.state) is None


def test_two_models_that_waited_are_asked_about_with_one_tick() -> None:
    """Each action has the identity of its emit, and the story of its drift."""
    driver = LearnerDriver(members=(MODEL, OTHER))
    stories = {}
    for model in (MODEL, OTHER):
        driver.drift(model)
        stories[model] = driver.story
        one(driver.profile(model=model))
        driver.verdict(driver.action, "denied", model=model, failing={"slots": (1, 0)})
    driver.late_ms += 60_000

    emits = driver.tick()

    assert [(emit.data.model, emit.story) for emit in emits] == sorted(stories.items())  # type: ignore[attr-defined]  # proposals
    prefix = driver.action.removesuffix(".0")
    assert set(driver.state.decisions.pending) == {f"{prefix}.0", f"{prefix}.1"}
    assert driver.state.models[OTHER].open_action == f"{prefix}.1"


def test_a_training_that_was_denied_is_not_lost() -> None:
    """Its tasks count again: it is proposed when the rules may let it pass, with those that came since."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=3))
    for _ in range(3):
        emits = driver.task()
    assert len(proposals(emits, "meta_training")) == 1
    for minutes in (1, 2, 4):
        driver.verdict(driver.state.tasks.open_action, "denied", "meta_training", None, failing={"slots": (0, 0)})
        at = driver.now
        assert proposals(driver.task(), "meta_training") == []
        one(driver.tick(), "meta_training")
        assert driver.now == at + 60_000 * minutes

    driver.verdict(driver.state.tasks.open_action, "denied", "meta_training", None, failing={"slots": (0, 0)})
    driver.step(RulesSet(training_slots=4))
    proposal = one(driver.tick(), "meta_training")
    driver.publish(driver.state.tasks.open_action)

    assert proposal.window is not None
    assert proposal.window.rows == 6
    assert proposal.family == FAMILY
    assert (driver.state.tasks.new, driver.state.tasks.open_action, driver.state.tasks.n_denied) == ({}, "", 0)


def test_the_last_look_at_a_drift_is_answered_in_any_case() -> None:
    """With a proposal, though it has not twice the labels; or, while one is under way, with a skip."""
    driver, action = asked()

    under_way = one(driver.profile(60, is_last=True))
    driver.measure(action)
    proposal = one(driver.profile(60, is_last=True))

    assert (under_way.chosen, under_way.shadows) == ("skip", ())
    assert "a retrain is under way" in under_way.reason
    assert proposal.window == WINDOW
    assert "the last look" in proposal.reason


def test_how_long_an_action_may_live_is_left_to_the_rules() -> None:
    """The learner knows neither how long a training takes, nor when the labels come."""
    driver = LearnerDriver()
    driver.drift()

    assert one(driver.profile(40)).ttl_ms is None
