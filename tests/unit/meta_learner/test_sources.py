"""What is owed to whom: no source outweighs the others, none can hide behind another, each can be taken back."""

from collections.abc import Mapping

import pytest
from tests.unit.meta_learner.school import FAMILY, School, family, proposals

from homeostat.events import PriorContributed, SourceDistrusted, WeightsRejected
from homeostat.services.meta_learner import sources
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.sources import Lessons


def test_a_distrusted_source_is_as_if_it_had_never_spoken() -> None:
    """What is proposed afterwards is, to the bit, what a learner says that never heard of it."""
    settings = LearnerSettings(held_out_share=0.0)
    honest, deceived = School(settings), School(settings)
    for school in (honest, deceived):
        action, _ = school.propose()
        school.evaluate(action, "head", 0.1, sources=("/a",))
        if school is deceived:
            school.evaluate(action, "warm", 0.9, sources=("/evil",))
            school.evaluate(action, "warm", 0.9, sources=("/a", "/evil"))
        else:  # events at the same places, of arms that nobody knows
            school.evaluate(action, "unheard", 0.9)
            school.evaluate(action, "unheard", 0.9)
        school.measure(action)
        school.tell(SourceDistrusted(scope="acme", source="/evil"))

    gains = [[(arm.name, arm.predicted_gain) for arm in school.propose()[1].arms] for school in (honest, deceived)]

    assert gains[0] == gains[1]


def test_what_a_distrusted_source_says_later_teaches_nothing() -> None:
    """Its payoffs are neither learned nor scored."""
    school = School(LearnerSettings(held_out_share=0.0))
    school.tell(SourceDistrusted(scope="acme", source="/evil"))
    action, _ = school.propose()

    school.evaluate(action, "warm", 0.9, sources=("/evil",))

    assert school.state.knowledge.lessons == {}


def test_one_source_cannot_outweigh_the_others() -> None:
    """A hundred lies of one source move the expectation less than a few truths of each of five others."""
    settings = LearnerSettings(held_out_share=0.0, source_cap=5.0)
    school = School(settings)
    action, _ = school.propose()
    for _ in range(100):
        school.evaluate(action, "head", 0.5, sources=("/liar",))
    for source in ("/a", "/b", "/c", "/d", "/e"):
        for _ in range(5):
            school.evaluate(action, "head", -0.1, sources=(source,))
    school.measure(action)

    _, proposal = school.propose()

    assert next(arm.predicted_gain for arm in proposal.arms if arm.name == "head") < 0.05


def place(lessons: dict[str, Lessons], *names: str, signers: Mapping[str, str] | None = None) -> Lessons:
    """Give a set of names its lessons, of one arm and contexts of one number."""
    key = sources.place(lessons, sources.key_of(names, signers), 64)
    return lessons.setdefault(key, Lessons.empty(1, 1))


def test_a_liar_gets_no_more_weight_with_others_names_beside_its_own() -> None:
    """The cap counts what a source says alone and together with whomever."""
    lessons: dict[str, Lessons] = {}
    for number in range(10):
        place(lessons, "/liar", f"/a{number}").sums.n[0] = 100.0

    assert sources.pooled(lessons, 1, 1, cap=5.0).n[0] == pytest.approx(5.0)


def test_a_liar_cannot_lock_the_others_out() -> None:
    """It has a quarter of the places, whoever it names beside itself."""
    lessons: dict[str, Lessons] = {}
    for number in range(100):
        place(lessons, "/liar", f"/a{number}")
    place(lessons, "/honest")

    assert len(lessons) == 16 + 1 + 1
    assert sources.key_of(("/honest",)) in lessons


def test_a_name_with_a_separator_in_it_is_a_name() -> None:
    """Whatever it holds, it is found again."""
    lessons, aside = {sources.key_of(("urn:x|y", '/a","/b')): Lessons.empty(1, 1)}, dict[str, Lessons]()

    assert not sources.withdraw(lessons, aside, "/a", 64, Lessons.merged)
    assert sources.withdraw(lessons, aside, '/a","/b', 64, Lessons.merged)
    assert not lessons


def test_a_liar_cannot_make_the_learner_forget_the_honest() -> None:
    """Errors of its payoffs make only its own count for less."""
    school = School(LearnerSettings(held_out_share=0.0))
    action, _ = school.propose()
    for _ in range(60):
        school.evaluate(action, "head", 0.1, sources=("/honest",))
    honest = sources.key_of(("/honest",))
    before = float(school.state.knowledge.lessons[honest].sums.n.sum())
    for number in range(400):
        school.evaluate(action, "head", 0.5 if number // 100 % 2 else -0.5, sources=("/liar",))

    assert school.state.knowledge.n_drifts > 0
    assert float(school.state.knowledge.lessons[honest].sums.n.sum()) == before


def test_distrust_reaches_the_gate_and_what_is_open() -> None:
    """Neither a value that was booked nor a payoff that waits to be booked is left."""
    school = School(LearnerSettings(held_out_share=0.0))
    for _ in range(2):
        action, _ = school.propose()
        for arm in ("warm", "head"):
            school.evaluate(action, arm, 0.5, sources=("/evil",))
        if not school.state.ledger.closed:
            school.measure(action)

    school.tell(SourceDistrusted(scope="acme", source="/evil"))

    assert school.state.ledger.totals() == (0.0, 0.0)
    open_ones = school.state.decisions.values()
    assert [decision.believed("warm", school.state.distrusted) for decision in open_ones] == [None]


def test_distrust_brings_the_weights_before_back() -> None:
    """The newest that nobody distrusted teaches now."""
    school = School()
    school.publish(artifact="a" * 64, sources=("/good",))
    school.publish(artifact="b" * 64, sources=("/good", "/evil"))

    school.tell(SourceDistrusted(scope="acme", source="/evil"))

    _, proposal = school.propose()
    assert {arm.initial_weights for arm in proposal.arms} == {None, "a" * 64}


def test_a_family_that_leaves_its_parent_takes_its_share_along() -> None:
    """The parent is told that there is nothing any more, so siblings lose it with the next word."""
    school = School(parent="vision")
    emits = school.tell(family())

    told = [(emit.subject, emit.data) for emit in emits if isinstance(emit.data, PriorContributed)]
    assert told == [("acme/vision", PriorContributed(family=FAMILY, statistics={}))]


def test_weights_rest_on_those_they_were_continued_from() -> None:
    """A source that taught the first ones is in all that came of them."""
    school = School(LearnerSettings(tasks_per_training=1))
    school.publish(artifact="a" * 64, sources=("/evil",))
    school.task()
    school.publish(school.action, artifact="b" * 64, sources=("/good",))

    school.tell(SourceDistrusted(scope="acme", source="/evil"))

    assert school.state.weights == []


def test_weights_that_fit_no_task_any_more_are_left_behind() -> None:
    """The tasks have another form: the next training begins anew."""
    school = School(LearnerSettings(tasks_per_training=1))
    school.publish(artifact="a" * 64)
    school.task()
    school.tell(WeightsRejected(action=school.action, family=FAMILY, reason="current_does_not_fit"))

    (proposal,) = proposals(school.task(), "meta_training")
    assert proposal.meta_training is not None
    assert proposal.meta_training.current is None
