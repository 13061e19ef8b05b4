"""Verdicts, commands, effects and requests that nobody has given: every one is a finding."""

from dataclasses import replace

import pytest
from tests.attacks.proofs import records
from tests.support.broker_disk import disk, rename_ids
from tests.support.proving import ProvenSystem

from homeostat.audit import keys
from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Output
from homeostat.events import (
    ActionApplied,
    ApprovalGiven,
    FreezeSet,
    Rollout,
    RolloutPromote,
    SignalObserved,
    VerdictGiven,
    WeightsPublished,
)
from homeostat.events.logs import (
    AUDIT,
    EXPERIENCE,
    GOVERNANCE,
    LOGS,
    POLICIES,
    POLICY_RETRAIN,
    POLICY_ROLLOUT,
    REQUESTS,
    TELEMETRY,
    TIMELINE,
    VERDICTS,
)


def governor(system: ProvenSystem) -> str:
    """The governor's source."""
    return f"/homeostat/governor/{GOVERNANCE}/{system.log.topic_id(GOVERNANCE)}/0"


def forged(system: ProvenSystem, topic: str, data: object, *, source: str, id_: str = "999.0") -> None:
    """Write a record as somebody would who may write the topic and has no key."""
    system.log.publish(topic, "team/m", data, id_=id_, source=source)


def verdict(action: str = "/x#1", said: str = "approved") -> VerdictGiven:
    """A verdict that nobody has given."""
    return VerdictGiven.model_validate(
        {"action": action, "kind": "retrain", "family": "team/f", "model": "team/m", "verdict": said}
    )


def promote(verdict_: str) -> RolloutPromote:
    """A command."""
    return RolloutPromote(
        action="/x#1",
        verdict=verdict_,
        family="team/f",
        model="team/m",
        expires_at=2**40,
        champion="evil",
        reference="v1",
    )


# -- forged appends ---------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["the governor", "somebody"])
def test_a_forged_verdict_is_found(proven: ProvenSystem, source: str) -> None:
    """With the governor's source and no signature, or with another source; digested by the real auditor or not."""
    forged(proven, VERDICTS, verdict(), source=governor(proven) if source == "the governor" else "/homeostat/cli")
    before = proven.findings()
    proven.prove()

    expected = ("unsigned" if source == "the governor" else "unauthorised", VERDICTS)
    assert expected in before
    assert expected in proven.findings()


def test_a_verdict_copied_to_the_learner_alone_is_found(proven: ProvenSystem) -> None:
    """The learner's copies are those of signed verdicts."""
    forged(proven, EXPERIENCE, verdict(), source=governor(proven), id_="0.9")
    proven.prove()

    assert proven.findings() == [("unauthorised", EXPERIENCE)]


@pytest.mark.parametrize("topic", POLICIES)
def test_a_forged_command_is_found(proven: ProvenSystem, topic: str) -> None:
    """On every policy log: what a hand would have obeyed if it did not check."""
    forged(proven, topic, promote("/x#2"), source=governor(proven))
    proven.prove()

    assert proven.findings() == [("unsigned", topic)]


def test_a_signature_under_another_event_is_found(proven: ProvenSystem) -> None:
    """The signature of a real verdict, moved to another one."""
    real = records(proven, VERDICTS)[0]
    assert real is not None
    value = (real.value or b"").replace(b"approved", b"denied")
    proven.log.append(Output(VERDICTS, real.partition, real.key or b"", value, real.headers))
    proven.prove()

    assert ("unsigned", VERDICTS) in proven.findings()


def test_a_command_by_a_stranger_with_a_key_is_found(proven: ProvenSystem) -> None:
    """A good signature, of nobody that is a notary."""
    stranger = keys.create(proven.folder / "elsewhere", "notary")
    output = EventBuilder(governor(proven)).build(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=stranger)
    proven.log.append(output)
    proven.prove()

    assert proven.findings() == [("unknown_key", POLICY_ROLLOUT)]


def test_a_command_without_a_verdict_is_found(proven: ProvenSystem) -> None:
    """Signed by the notary, and approved by nobody: an approval gap."""
    output = EventBuilder(governor(proven)).build(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=proven.notary)
    proven.log.append(output)
    proven.prove()

    assert proven.findings() == [("unapproved", POLICY_ROLLOUT)]


def test_an_effect_without_a_command_is_found(proven: ProvenSystem) -> None:
    """What a hand says it has done, and no signed command asked for: an approval gap."""
    rollout = Rollout(
        action="/x#1", verdict="/x#2", family="team/f", model="team/m", expires_at=0, champion="evil", reference="v1"
    )
    applied = ActionApplied(
        action="/x#1",
        command="/x#3",
        kind="rollout",
        family="team/f",
        model="team/m",
        rollout=rollout,
        rollout_verb="set",
    )
    forged(proven, TIMELINE, applied, source=f"/homeostat/intake.reports/homeostat.reports/{'0' * 16}/0")
    proven.prove()

    assert ("unapproved", TIMELINE) in proven.findings()


def test_weights_without_a_verdict_are_found(proven: ProvenSystem) -> None:
    """Initial weights that everybody would begin with, and no meta-training was approved."""
    weights = WeightsPublished.model_validate(
        {"action": "/x#1", "family": "team/f", "artifact": "0" * 64, "algorithm": "maml", "n_tasks": 1}
        | {"loss": 0.1, "gain": 0.1, "gain_low": 0.1}
    )
    source = f"/homeostat/governor/{GOVERNANCE}/{proven.log.topic_id(GOVERNANCE)}/0"
    forged(proven, EXPERIENCE, weights, source=source, id_="0.9")
    proven.prove()

    assert proven.findings() == [("unapproved", EXPERIENCE)]


@pytest.mark.parametrize("data", [FreezeSet(scope="*"), ApprovalGiven(action="/x#1")])
def test_a_request_that_nobody_signed_is_found(proven: ProvenSystem, data: FreezeSet | ApprovalGiven) -> None:
    """Put straight onto governance, with intake's source; refused by the governor, it is no finding."""
    used = next(p for p, found in enumerate(disk(proven.log, REQUESTS)) if found)
    source = f"/homeostat/intake.requests/{REQUESTS}/{proven.log.topic_id(REQUESTS)}/{used}"
    proven.logs.is_running = False
    forged(proven, GOVERNANCE, data, source=source, id_="0.9")
    proven.prove()
    unanswered = proven.findings()
    proven.logs.is_running = True
    proven.logs.flush()
    proven.prove()

    assert unanswered == [("unsigned", GOVERNANCE)]
    assert proven.findings(code=0) == []


@pytest.mark.parametrize("topic", [TIMELINE, EXPERIENCE, GOVERNANCE, "homeostat.indicators", "homeostat.tasks"])
@pytest.mark.parametrize(
    "source",
    ["/homeostat/cli", "/homeostat/nobody/homeostat.timeline/x/0", "/homeostat/drift_detector/homeostat.x/y/0"],
)
def test_what_no_fold_can_have_said_is_found(proven: ProvenSystem, topic: str, source: str) -> None:
    """Between the doors and the hands nobody writes but folds, each of its own input."""
    forged(proven, topic, SignalObserved(layer="edge", name="t", value=1.0), source=source)
    proven.prove()

    assert ("unauthorised", topic) in proven.findings()


def test_what_a_fold_says_of_an_input_that_is_not_there_is_found(proven: ProvenSystem) -> None:
    """With the source of a real fold, and a place far beyond its log: what silences it for good."""
    source = f"/homeostat/intake.telemetry/{TELEMETRY}/{proven.log.topic_id(TELEMETRY)}/0"
    forged(proven, TIMELINE, SignalObserved(layer="edge", name="t", value=1.0), source=source, id_="99999.0")
    proven.prove()

    assert proven.findings() == [("unauthorised", TIMELINE)]


def test_every_log_is_proven(proven: ProvenSystem) -> None:
    """No log of the catalogue is left out: an edit anywhere is found."""
    for log in LOGS:
        if log.name == AUDIT or not any(disk(proven.log, log.name)):
            continue
        found = records(proven, log.name)
        kept = list(found)
        assert found[-1] is not None
        found[-1] = replace(found[-1], key=b"other")
        assert ("edited", log.name) in proven.findings(), log.name
        found[:] = kept
    assert any(disk(proven.log, POLICY_RETRAIN)), "no command was given: the test shows too little"


def test_a_topic_id_may_hold_a_slash(proven: ProvenSystem) -> None:
    """Kafka's are Base64: sources of folds over such a topic are what they are."""
    rename_ids(proven.log, "/")
    source = f"/homeostat/intake.telemetry/{TELEMETRY}/{proven.log.topic_id(TELEMETRY)}/0"
    honest = SignalObserved(layer="edge", name="t", value=1.0)
    forged(proven, TIMELINE, honest, source=source, id_="0.9")
    output = EventBuilder(governor(proven)).build(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=proven.notary)
    proven.log.append(output)

    found = proven.findings()

    assert ("unauthorised", TIMELINE) not in found
    assert [one for one in found if one[1] == POLICY_ROLLOUT and one[0] in ("unauthorised", "unsigned")] == []
