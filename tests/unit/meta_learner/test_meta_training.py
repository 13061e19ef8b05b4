"""When initial weights are learned, from which tasks, and whose weights may be used."""

from typing import Any

import pytest
from tests.unit.meta_learner.driver import (
    FAMILY,
    INTAKE,
    LearnerDriver,
    one,
    proposals,
)

from homeostat.events import (
    ActionSettled,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    WeightsRejected,
)
from homeostat.events.logs import TASKS
from homeostat.services.meta_learner.settings import LearnerSettings


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


@pytest.mark.parametrize("level", ["catalogue", "scheduler"])
def test_below_the_closed_loop_thresholds_and_meta_trainings_are_for_people(level: str) -> None:
    """The learner asks for neither; on the last level it does."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=1), members=())
    driver.step(ScopeConfigured(scope="acme", settings={"learning": level}))
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
