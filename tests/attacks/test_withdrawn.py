"""Who is not believed any more, and what of theirs is still about: weights, what was taught, what is proposed."""

from typing import Any

import pytest
from tests.unit.meta_learner.driver import FAMILY, LearnerDriver, proposals

from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.client.weights import PUBLISHER, newest_weights
from homeostat.codec import decode_event
from homeostat.core import Payload
from homeostat.core.identity import emit_id
from homeostat.events import (
    AdviceGiven,
    AdviceRequested,
    Arm,
    EpisodeRecorded,
    FamilyRegistered,
    InstancePrice,
    ModelRegistered,
    Option,
    RulesSet,
    SourceDistrusted,
    SourceTrusted,
    WeightsPublished,
    WeightsRejected,
    WeightsWithdrawn,
)
from homeostat.events.logs import EXPERIENCE, INDICATORS, REQUESTS
from homeostat.runtime.memory import MemoryLog
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat_lab.demo.memory_loop import InMemory, in_memory

LEARNER = "/homeostat/meta_learner/homeostat.experience/t/0"
OLD, NEW = "a" * 64, "b" * 64


def weights(artifact: str, *sources: str) -> WeightsPublished:
    """Weights that have passed their gate."""
    fields: dict[str, Any] = {"action": "x", "family": FAMILY, "artifact": artifact, "algorithm": "maml", "n_tasks": 3}
    return WeightsPublished.model_validate(fields | {"loss": 0.1, "gain": 0.2, "gain_low": 0.1, "sources": sources})


class Experience:
    """The experience log of a family."""

    def __init__(self) -> None:
        self.log, self.n = MemoryLog(), 0

    def say(self, data: Payload, source: str = f"{PUBLISHER}t/0", subject: str = FAMILY) -> None:
        """Append an event as said by somebody."""
        self.n += 1
        self.log.publish(EXPERIENCE, subject, data, id_=emit_id(self.n), source=source)

    @property
    def newest(self) -> str | None:
        """What a client would take."""
        return newest_weights(MemoryLogs(self.log), FAMILY)


@pytest.mark.parametrize(
    "source",
    [
        "/mallory",
        "/homeostat/intake.reports/homeostat.reports/t/0",
        "/homeostat/maml_trainer",
        "/homeostat/governor",
        "/homeostat/governor2/homeostat.governance/t/0",
        "/x/homeostat/governor/homeostat.governance/t/0",
    ],
)
def test_threat_anybody_s_weights_are_served(source: str) -> None:
    """Only what the governor has passed on is taken; nobody else's word withdraws or clears either."""
    experience = Experience()
    experience.say(weights(OLD, "/good"))

    experience.say(weights(NEW), source)
    experience.say(SourceDistrusted(scope="acme", source="/good"), source)
    experience.say(WeightsWithdrawn(family=FAMILY, artifact=OLD), source)
    assert experience.newest == OLD

    experience.say(SourceDistrusted(scope="acme", source="/good"))
    experience.say(SourceTrusted(scope="acme", source="/good"), source)
    assert experience.newest is None


@pytest.mark.parametrize("is_late", [True, False])
def test_threat_weights_of_a_distrusted_source_are_handed_out(is_late: bool) -> None:
    """The newest that rest on nobody who is distrusted are, whatever came first; with its trust they come back."""
    experience = Experience()
    experience.say(weights(OLD, "/good"))
    said = [weights(NEW, "/bad", "/good"), SourceDistrusted(scope="acme", source="/bad")]
    for data in said if is_late else reversed(said):
        experience.say(data)

    assert experience.newest == OLD
    experience.say(SourceTrusted(scope="acme", source="/bad"))
    assert experience.newest == NEW


def test_threat_weights_rest_on_a_source_that_they_do_not_name() -> None:
    """What they were continued from counts: the learner knows, and says so."""
    experience = Experience()
    experience.say(weights(OLD, "/good"))
    experience.say(WeightsWithdrawn(family=FAMILY, artifact=OLD, source="/bad"), LEARNER)
    assert experience.newest == OLD  # nobody distrusts the source

    experience.say(SourceDistrusted(scope="acme", source="/bad"))
    assert experience.newest is None


def test_weights_that_no_task_fits_any_more_are_given_up_for_good() -> None:
    """The learner begins without them; so does everybody else."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=1))
    driver.publish(artifact=OLD)
    driver.task()

    emits = driver.step(WeightsRejected(action=driver.action, family=FAMILY, reason="current_does_not_fit"))

    (withdrawn,) = [emit.data for emit in emits if isinstance(emit.data, WeightsWithdrawn)]
    assert (withdrawn.artifact, withdrawn.source) == (OLD, None)
    experience = Experience()
    experience.say(weights(OLD))
    experience.say(withdrawn, LEARNER)
    assert experience.newest is None


def withdrawn_by(driver: LearnerDriver, source: str) -> list[tuple[str, str | None]]:
    """What is withdrawn with a source."""
    emits = driver.step(SourceDistrusted(scope="acme", source=source))
    return [(e.data.artifact, e.data.source) for e in emits if isinstance(e.data, WeightsWithdrawn)]


def test_the_learner_says_what_is_withdrawn_and_takes_it_back_with_trust() -> None:
    """In the order of publication; what was published while it was distrusted too."""
    driver = LearnerDriver()
    driver.publish(artifact=OLD, sources=("/bad",))
    driver.publish(artifact=NEW, sources=("/good",))

    assert withdrawn_by(driver, "/bad") == [(OLD, "/bad")]
    late = driver.publish(artifact="c" * 64, sources=("/bad",))
    assert [e.data.artifact for e in late if isinstance(e.data, WeightsWithdrawn)] == ["c" * 64]
    assert [one.artifact for one in driver.state.initial_weights.usable] == [NEW]

    driver.step(SourceTrusted(scope="acme", source="/bad"))
    assert [one.artifact for one in driver.state.initial_weights.usable] == [OLD, NEW, "c" * 64]
    assert driver.state.initial_weights.withdrawn == []


def test_threat_a_warm_start_from_weights_of_somebody_who_is_distrusted() -> None:
    """A retrain that may start from weights rests on whom they rest on, so that the governor can stop it."""
    driver = LearnerDriver()
    driver.publish(artifact=NEW, sources=("/bad",))

    _, before = driver.propose()
    driver.measure(driver.action)
    withdrawn_by(driver, "/bad")
    _, after = driver.propose()

    assert "/bad" in before.sources
    assert "/bad" not in after.sources
    assert {arm.initial_weights for arm in after.arms} == {None}


def test_tasks_of_a_distrusted_source_do_not_lead_to_a_training() -> None:
    """Those that were counted are none any more; with trust they are."""
    driver = LearnerDriver(LearnerSettings(tasks_per_training=3))
    for _ in range(2):
        driver.task(source="/bad")
    driver.step(SourceDistrusted(scope="acme", source="/bad"))

    assert proposals(driver.task(source="/good"), "meta_training") == []
    driver.step(SourceTrusted(scope="acme", source="/bad"))
    (proposal,) = proposals(driver.task(source="/good"), "meta_training")
    assert proposal.meta_training is not None
    assert proposal.meta_training.excluded_sources == ()


# -- the whole system, in memory ----------------------------------------------------------------------------------


def given(system: InMemory) -> AdviceGiven:
    """The last answer."""
    records = [decode_event(r, time=0, emitter="", is_door=False).data for r in system.log.all(INDICATORS)]
    return [data for data in records if isinstance(data, AdviceGiven)][-1]


@pytest.mark.parametrize("is_first", [True, False])
def test_threat_a_family_without_a_model_does_not_hear_the_law(is_first: bool) -> None:
    """Prices and distrust reach it, set before it came or after."""
    with in_memory() as system:
        system.settle(0, 0)

        def law() -> None:
            system.publish(REQUESTS, "*", RulesSet(prices={"gpu": InstancePrice(per_second=5.0)}))
            system.publish(REQUESTS, "t", SourceDistrusted(scope="t", source="/bad"))
            system.settle(0, 0)

        jobs, bad = (Client(source=source, logs=MemoryLogs(system.log)) for source in ("/jobs", "/bad"))
        if is_first:
            law()
        for number in range(12):
            for client, result in ((jobs, 0.5), (bad, 9.0)):
                run = EpisodeRecorded(
                    episode=f"e{number}", task=f"t{number}", configuration="c0", rows=100, result=result, seconds=2.0,
                    hyperparameters={"instance": "gpu"},
                )  # fmt: skip
                client.publish(None, "t/jobs", run)
        system.settle(0, 0)
        if not is_first:
            law()
        option = Option(configuration="c0", rows=100, hyperparameters={"instance": "gpu"})
        jobs.publish(
            None,
            "t/jobs",
            AdviceRequested(task="new", question="configuration", options=(option,), objectives=("money",)),
        )
        system.settle(0, 0)

        (advised,) = given(system).options
        assert advised.takes["money"].expected > 1.0
        assert advised.expected < 1.0


def test_a_family_with_a_model_hears_the_law_once() -> None:
    """Its first trace and its first model are one family."""
    with in_memory() as system:
        system.settle(0, 0)
        system.publish(REQUESTS, "t", SourceDistrusted(scope="t", source="/bad"))
        client = Client(source="/jobs", logs=MemoryLogs(system.log))
        client.publish(None, "t/f", FamilyRegistered(arms=(Arm(name="a"),), baseline="a"))
        client.publish(None, "t/m", ModelRegistered(family="f", champion="v1"))
        system.settle(0, 0)

        told = [r for r in system.log.all(EXPERIENCE) if dict(r.headers)["ce_type"] == SourceDistrusted.TYPE.encode()]
        assert len(told) == 1
