"""What is owed to whom: no source outweighs the others, none can hide behind another, each can be taken back."""

from collections.abc import Mapping

import pytest
from tests.unit.meta_learner.driver import FAMILY, LearnerDriver, family, proposals

from homeostat.events import PriorContributed, SourceDistrusted, WeightsRejected
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import key_of
from homeostat.services.meta_learner.source_statistics import SourceStatistics, StatisticsBySource


def test_a_distrusted_source_is_as_if_it_had_never_spoken() -> None:
    """What is proposed afterwards is, to the bit, what a learner says that never heard of it."""
    settings = LearnerSettings(held_out_share=0.0)
    honest, deceived = LearnerDriver(settings), LearnerDriver(settings)
    for driver in (honest, deceived):
        action, _ = driver.propose()
        driver.evaluate(action, "head", 0.1, sources=("/a",))
        if driver is deceived:
            driver.evaluate(action, "warm", 0.9, sources=("/evil",))
            driver.evaluate(action, "warm", 0.9, sources=("/a", "/evil"))
        else:  # events at the same places, of arms that nobody knows
            driver.evaluate(action, "unheard", 0.9)
            driver.evaluate(action, "unheard", 0.9)
        driver.measure(action)
        driver.step(SourceDistrusted(scope="acme", source="/evil"))

    gains = [[(arm.name, arm.predicted_gain) for arm in driver.propose()[1].arms] for driver in (honest, deceived)]

    assert gains[0] == gains[1]


def test_what_a_distrusted_source_says_later_teaches_nothing() -> None:
    """Its payoffs are neither learned nor scored."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    driver.step(SourceDistrusted(scope="acme", source="/evil"))
    action, _ = driver.propose()

    driver.evaluate(action, "warm", 0.9, sources=("/evil",))

    assert driver.state.posterior.sources.by_key == {}


def test_one_source_cannot_outweigh_the_others() -> None:
    """A hundred lies of one source move the expectation less than a few truths of each of five others."""
    settings = LearnerSettings(held_out_share=0.0, source_cap=5.0)
    driver = LearnerDriver(settings)
    action, _ = driver.propose()
    for _ in range(100):
        driver.evaluate(action, "head", 0.5, sources=("/liar",))
    for source in ("/a", "/b", "/c", "/d", "/e"):
        for _ in range(5):
            driver.evaluate(action, "head", -0.1, sources=(source,))
    driver.measure(action)

    _, proposal = driver.propose()

    assert next(arm.predicted_gain for arm in proposal.arms if arm.name == "head") < 0.05


def place(known: StatisticsBySource, *names: str, signers: Mapping[str, str] | None = None) -> SourceStatistics:
    """Give a set of names its statistics, of one arm and contexts of one number."""
    return known.of(key_of(names, signers), 1, 1, 64)


def test_a_liar_gets_no_more_weight_with_others_names_beside_its_own() -> None:
    """The cap counts what a source says alone and together with whomever."""
    known = StatisticsBySource()
    for number in range(10):
        place(known, "/liar", f"/a{number}").sums.n[0] = 100.0

    assert known.totals(1, 1, cap=5.0)[0].n[0] == pytest.approx(5.0)


def test_a_liar_cannot_lock_the_others_out() -> None:
    """It has a quarter of the places, whoever it names beside itself."""
    known = StatisticsBySource()
    for number in range(100):
        place(known, "/liar", f"/a{number}")
    place(known, "/honest")

    assert len(known.by_key) == 16 + 1 + 1
    assert key_of(("/honest",)) in known.by_key


def test_a_name_with_a_separator_in_it_is_a_name() -> None:
    """Whatever it holds, it is found again."""
    known = StatisticsBySource()
    place(known, "urn:x|y", '/a","/b')

    assert not known.withdraw("/a", 64)
    assert known.withdraw('/a","/b', 64)
    assert not known.by_key


def test_a_liar_cannot_make_the_learner_forget_the_honest() -> None:
    """Errors of its payoffs make only its own count for less."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    action, _ = driver.propose()
    for _ in range(60):
        driver.evaluate(action, "head", 0.1, sources=("/honest",))
    honest = key_of(("/honest",))
    before = float(driver.state.posterior.sources.by_key[honest].sums.n.sum())
    for number in range(400):
        driver.evaluate(action, "head", 0.5 if number // 100 % 2 else -0.5, sources=("/liar",))

    assert driver.state.posterior.sources.n_drifts > 0
    assert float(driver.state.posterior.sources.by_key[honest].sums.n.sum()) == before


def test_distrust_reaches_the_gate_and_what_is_open() -> None:
    """Neither a value that was booked nor a payoff that waits to be booked is left."""
    driver = LearnerDriver(LearnerSettings(held_out_share=0.0))
    for _ in range(2):
        action, _ = driver.propose()
        for arm in ("warm", "head"):
            driver.evaluate(action, arm, 0.5, sources=("/evil",))
        if not driver.state.decisions.gate.closed:
            driver.measure(action)

    driver.step(SourceDistrusted(scope="acme", source="/evil"))

    assert driver.state.decisions.gate.totals() == (0.0, 0.0)
    open_ones = driver.state.decisions.pending.values()
    assert [decision.believed("warm", driver.state.distrusted) for decision in open_ones] == [None]


def test_distrust_brings_the_weights_before_back() -> None:
    """The newest that nobody distrusted teaches now."""
    driver = LearnerDriver()
    driver.publish(artifact="a" * 64, sources=("/good",))
    driver.publish(artifact="b" * 64, sources=("/good", "/evil"))

    driver.step(SourceDistrusted(scope="acme", source="/evil"))

    _, proposal = driver.propose()
    assert {arm.initial_weights for arm in proposal.arms} == {None, "a" * 64}


def test_a_family_that_leaves_its_parent_takes_its_share_along() -> None:
    """The parent is told that there is nothing any more, so siblings lose it with the next word."""
    driver = LearnerDriver(parent="vision")
    emits = driver.step(family())

    told = [(emit.subject, emit.data) for emit in emits if isinstance(emit.data, PriorContributed)]
    assert told == [("acme/vision", PriorContributed(family=FAMILY, statistics={}))]


def test_weights_rest_on_those_they_were_continued_from() -> None:
    """A source that taught the first ones is in all that came of them."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=1))
    driver.publish(artifact="a" * 64, sources=("/evil",))
    driver.task()
    driver.publish(driver.action, artifact="b" * 64, sources=("/good",))

    driver.step(SourceDistrusted(scope="acme", source="/evil"))

    assert driver.state.initial_weights.usable == []


def test_weights_that_fit_no_task_any_more_are_left_behind() -> None:
    """The tasks have another form: the next training begins anew."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=1))
    driver.publish(artifact="a" * 64)
    driver.task()
    driver.step(WeightsRejected(action=driver.action, family=FAMILY, reason="current_does_not_fit"))

    (proposal,) = proposals(driver.task(), "meta_training")
    assert proposal.meta_training is not None
    assert proposal.meta_training.current is None
