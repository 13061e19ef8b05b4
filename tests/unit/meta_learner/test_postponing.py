"""What a rule denies for the time being is proposed again when the rule lets it, with what is known by then."""

import pytest
from tests.unit.meta_learner.school import DRIFT, FAMILY, INTAKE, MODEL, WINDOW, School, one, proposals

from homeostat.core import Emit
from homeostat.events import RulesSet
from homeostat.services.meta_learner.settings import LearnerSettings

OTHER = "acme/camera-2"
COOLING = {"cooldown": (20_000, 60_000)}
"""It has lasted 20 of 60 seconds."""


def asked() -> tuple[School, str]:
    """A school whose first proposal, at 40 labels, is waiting for its verdict."""
    school = School()
    action, _ = school.propose()
    return school, action


def test_a_cooldown_postpones_and_the_newest_look_is_proposed() -> None:
    """Not before it is over, whatever profiles come; then with the window and the labels of the last one."""
    school, action = asked()
    school.verdict(action, "denied", failing=COOLING)
    denied_at = school.now
    later = WINDOW.model_copy(update={"rows": 70})

    assert proposals(school.profile(50)) == []
    assert proposals(school.profile(70, window=later)) == []
    identity = f"{INTAKE}#{school.offset}.0"
    emits = school.tick()

    proposal = one(emits)
    assert school.now == denied_at + 40_000
    assert proposal.window == later
    assert proposal.evidence == (f"{DRIFT}#1.0", identity)
    assert [emit.story for emit in emits] == [school.story]
    assert set(school.state.decisions) == {school.action}
    assert school.state.models[MODEL].open_action == school.action
    assert school.fold.wake_at(school.state) is None


def test_an_end_of_the_cooldown_before_the_tick_is_enough() -> None:
    """A profile that comes first is asked at once."""
    school, action = asked()
    school.verdict(action, "denied", failing=COOLING)
    school.late_ms += 60_000

    assert one(school.profile(45)).window == WINDOW
    assert school.fold.wake_at(school.state) is None


def test_what_is_still_denied_is_postponed_again() -> None:
    """For as long as the rule then says; and approved, it waits for twice the labels as ever."""
    school, action = asked()
    for value in (0, 30_000, 59_000):
        school.verdict(action, "denied", failing={"cooldown": (value, 60_000)})
        at = school.now
        one(school.tick())
        action = school.action
        assert school.now == at + max(60_000 - value, 1_000)
    school.verdict(action, "approved")
    school.measure(action)

    assert proposals(school.profile(79)) == []
    assert len(proposals(school.profile(80))) == 1


@pytest.mark.parametrize("rule", ["freeze", "one_at_a_time", "concurrency", "rate", "money", "slots", "blast_radius"])
def test_what_may_end_any_time_is_asked_again_at_growing_intervals(rule: str) -> None:
    """A minute, two, four, … an hour at most: a freeze of a week is no flood."""
    school, action = asked()
    waits = []
    for _ in range(9):
        school.verdict(action, "denied", failing={rule: (1, 0)})
        at = school.now
        one(school.tick())
        action = school.action
        waits.append((school.now - at) // 1000)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_what_may_end_any_time_is_asked_again_with_the_next_profile() -> None:
    """A slot may be free by then; without twice the labels, as nothing has come of the first."""
    school, action = asked()
    school.verdict(action, "denied", failing={"slots": (1, 0)})

    assert one(school.profile(45)).window == WINDOW
    assert school.fold.wake_at(school.state) is None


def test_a_cooldown_beside_another_rule_waits_for_both() -> None:
    """The longer one counts."""
    school, action = asked()
    school.verdict(action, "denied", failing={"cooldown": (0, 600_000), "slots": (1, 0)})
    at = school.now

    one(school.tick())

    assert school.now == at + 600_000


def test_other_rules_let_it_be_asked_at_once() -> None:
    """They may be why it was denied."""
    school, action = asked()
    school.verdict(action, "denied", failing={"slots": (1, 0)})

    school.tell(RulesSet(training_slots=4))
    at = school.now

    one(school.tick())
    assert school.now == at + 1_000


@pytest.mark.parametrize("failing", [{"approval": (0, 1)}, {"trust": (0, 0)}, {"complete": (0, 0), "slots": (1, 0)}])
def test_what_time_does_not_change_waits_for_twice_the_labels(failing: dict[str, tuple[int, int]]) -> None:
    """A person's no, a distrusted source, a proposal that is none: it is not asked again and again."""
    school, action = asked()
    school.verdict(action, "denied", failing=failing)

    assert school.fold.wake_at(school.state) is None
    assert proposals(school.profile(79)) == []
    assert len(proposals(school.profile(80))) == 1


def test_a_champion_that_was_another_is_asked_about_with_the_next_profile() -> None:
    """The proposal crossed a deployment: nothing waits for time, or for twice the labels."""
    school, action = asked()
    school.verdict(action, "denied", failing={"known_model": (0, 1)})

    assert school.fold.wake_at(school.state) is None
    assert one(school.profile(41, version="v1")).champion == "v1"


@pytest.mark.parametrize("end", ["cleared", "another", "promoted"])
def test_what_has_settled_itself_is_not_asked_again(end: str) -> None:
    """The level is back, another drift has come, another version serves."""
    school, action = asked()
    school.verdict(action, "denied", failing=COOLING)
    if end == "cleared":
        school.clear()
    elif end == "another":
        school.drift()
    else:
        school.state.models[MODEL].champion = "v7"

    emits: list[Emit] = [] if school.fold.wake_at(school.state) is None else school.tick()

    assert proposals(emits) == []
    assert school.fold.wake_at(school.state) is None


def test_two_models_that_waited_are_asked_about_with_one_tick() -> None:
    """Each action has the identity of its emit, and the story of its drift."""
    school = School(members=(MODEL, OTHER))
    stories = {}
    for model in (MODEL, OTHER):
        school.drift(model)
        stories[model] = school.story
        one(school.profile(model=model))
        school.verdict(school.action, "denied", model=model, failing={"slots": (1, 0)})
    school.late_ms += 60_000

    emits = school.tick()

    assert [(emit.data.model, emit.story) for emit in emits] == sorted(stories.items())  # type: ignore[attr-defined]  # proposals
    prefix = school.action.removesuffix(".0")
    assert set(school.state.decisions) == {f"{prefix}.0", f"{prefix}.1"}
    assert school.state.models[OTHER].open_action == f"{prefix}.1"


def test_a_training_that_was_denied_is_not_lost() -> None:
    """Its tasks count again: it is proposed when the rules may let it pass, with those that came since."""
    school = School(LearnerSettings(tasks_per_training=3))
    for _ in range(3):
        emits = school.task()
    assert len(proposals(emits, "meta_training")) == 1
    for minutes in (1, 2, 4):
        school.verdict(school.state.tasks.open_action, "denied", "meta_training", None, failing={"slots": (0, 0)})
        at = school.now
        assert proposals(school.task(), "meta_training") == []
        one(school.tick(), "meta_training")
        assert school.now == at + 60_000 * minutes

    school.verdict(school.state.tasks.open_action, "denied", "meta_training", None, failing={"slots": (0, 0)})
    school.tell(RulesSet(training_slots=4))
    proposal = one(school.tick(), "meta_training")
    school.publish(school.state.tasks.open_action)

    assert proposal.window is not None
    assert proposal.window.rows == 6
    assert proposal.family == FAMILY
    assert (school.state.tasks.new, school.state.tasks.open_action, school.state.tasks.n_denied) == ({}, "", 0)


def test_the_last_look_at_a_drift_is_answered_in_any_case() -> None:
    """With a proposal, though it has not twice the labels; or, while one is under way, with a skip."""
    school, action = asked()

    under_way = one(school.profile(60, is_last=True))
    school.measure(action)
    proposal = one(school.profile(60, is_last=True))

    assert (under_way.chosen, under_way.shadows) == ("skip", ())
    assert "a retrain is under way" in under_way.reason
    assert proposal.window == WINDOW
    assert "the last look" in proposal.reason


def test_how_long_an_action_may_live_is_left_to_the_rules() -> None:
    """The learner knows neither how long a training takes, nor when the labels come."""
    school = School()
    school.drift()

    assert one(school.profile(40)).ttl_ms is None
