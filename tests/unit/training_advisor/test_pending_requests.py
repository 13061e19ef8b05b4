"""What a job asks of a family that has just begun waits for the rules, and not for long."""

from tests.unit.training_advisor.driver import FAMILY, AdvisorDriver

from homeostat.core import Emit
from homeostat.events import AdviceGiven, AdviceRequested, FamilyObserved, Option, RulesSet
from homeostat.events.logs import INDICATORS

ASKED = AdviceRequested(task="t", question="seconds", options=(Option(configuration="c"),))


def given(emits: list[Emit]) -> list[Emit]:
    """Answers."""
    return [emit for emit in emits if isinstance(emit.data, AdviceGiven)]


def test_a_question_waits_for_the_rules_of_a_new_family() -> None:
    """It is answered with them, in its own story; later ones at once."""
    driver = AdvisorDriver()
    driver.emit(FamilyObserved(family=FAMILY))
    assert given(driver.emit(ASKED, story="question")) == []

    (answer,) = given(driver.emit(RulesSet(price_per_training_second=7.0)))
    assert (answer.log, answer.subject, answer.story) == (INDICATORS, None, "question")
    assert len(given(driver.emit(ASKED))) == 1
    assert driver.fold.wake_at(driver.state) is None


def test_a_question_does_not_wait_for_ever() -> None:
    """Nobody may ever answer: a family too many, a governor that is away."""
    driver = AdvisorDriver()
    driver.emit(FamilyObserved(family=FAMILY))
    driver.emit(ASKED)

    assert len(given(driver.tick())) == 1
    assert driver.fold.wake_at(driver.state) is None


def test_nobody_waits_for_rules_that_were_told() -> None:
    """A model had announced the family before its first trace did."""
    driver = AdvisorDriver()
    driver.emit(RulesSet())
    driver.emit(FamilyObserved(family=FAMILY))

    assert len(given(driver.emit(ASKED))) == 1


def test_threat_questions_fill_the_memory_of_a_new_family() -> None:
    """So many wait; further ones are answered with what is known."""
    driver = AdvisorDriver()
    driver.emit(FamilyObserved(family=FAMILY))

    answered = [given(driver.emit(ASKED)) for _ in range(70)]

    assert sum(map(len, answered)) == 6
    assert len(given(driver.emit(RulesSet()))) == 64
