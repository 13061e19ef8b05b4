"""Against whoever holds the broker: what is changed, taken away, put in or made again is found by `audit verify`."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.proving import ProvenSystem

from homeostat.audit import keys
from homeostat.audit.kept import CheckpointUnreadable
from homeostat.client.sealing import Sealer
from homeostat.codec import Output, Record
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
    by_name,
)
from homeostat.services.auditor.chain import ChainBroken, CheckpointLost

SNAPSHOTS = "homeostat.snapshots.governor"


def records(system: ProvenSystem, topic: str) -> list[Record | None]:
    """The records of the partition of a topic that has some, on the broker's disk."""
    return next(found for found in system.log._topics[topic] if found)


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


def test_an_honest_log_has_no_findings(proven: ProvenSystem) -> None:
    """Logs, doors and snapshots are digested, verdicts and commands signed, and verify says so."""
    assert proven.findings(code=0) == []


# -- laundering -------------------------------------------------------------------------------


def launder(system: ProvenSystem) -> None:
    """Edit a record on disk, delete and make the audit log again."""
    log = records(system, GOVERNANCE)
    assert log[0] is not None
    log[0] = replace(log[0], value=(log[0].value or b"").replace(b"operator", b"0perator"))
    system.log.create(by_name(AUDIT))


def test_a_laundered_audit_log_is_refused_by_the_auditor(proven: ProvenSystem) -> None:
    """A new chain with the real key cannot be begun: the kept checkpoint is not of it."""
    launder(proven)

    with pytest.raises(CheckpointLost, match="audit begin"):
        proven.restart()


def test_a_laundered_audit_log_is_found(proven: ProvenSystem, tmp_path: Path) -> None:
    """By the auditor's own checkpoint; where that was removed too, by one that was kept elsewhere."""
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(proven.kept.read() or b"")
    launder(proven)
    before = proven.findings()
    Path(proven.kept.url).unlink()
    proven.restart()
    proven.prove()

    assert ("truncated", "checkpoint of") not in before
    assert "truncated" in {kind for kind, _ in before}
    assert {"forked", "truncated"} & {kind for kind, _ in proven.findings("--checkpoint", str(elsewhere))}


def test_an_audit_log_much_younger_than_what_it_proves_is_found(proven: ProvenSystem) -> None:
    """Also without any checkpoint: nobody knows what the records were before it began."""
    launder(proven)
    Path(proven.kept.url).unlink()
    proven.log.now += 3_600_000
    proven.restart()
    proven.prove()

    assert ("begun_anew", AUDIT) in proven.findings("--late", "2h")


def test_a_signed_word_lets_the_auditor_begin_anew(proven: ProvenSystem) -> None:
    """An admin's, in the audit log, for that incarnation and that checkpoint; verify names who and why."""
    proven.log.create(by_name(AUDIT))
    proven("audit", "begin", "--key", "operator", "--reason", "the disk of broker 2 was lost")

    proven.restart()
    proven.prove()

    assert proven.findings(code=0) == []
    assert "operator: the disk of broker 2 was lost (anew)" in proven.stderr


def test_a_word_begins_anew_behind_whatever_was_left(proven: ProvenSystem) -> None:
    """Also where a chain is broken, or where an auditor that did not know yet has written into the new log."""
    stray = records(proven, AUDIT)[-1]
    assert stray is not None
    proven.log.create(by_name(AUDIT))
    proven.log.append(Output(AUDIT, 0, stray.key or b"", stray.value, stray.headers))
    with pytest.raises(ChainBroken, match="audit begin"):
        proven.restart()
    proven("audit", "begin", "--key", "operator", "--reason", "explained")
    proven.restart()
    proven.prove()
    proven.restart()

    assert proven.findings(code=0) == []


def test_a_word_where_nothing_is_lost_begins_nothing_anew(proven: ProvenSystem) -> None:
    """It explains; the chain goes on."""
    size = proven.auditor.confirmed.index
    proven("audit", "begin", "--key", "operator", "--reason", "audited from March on")
    proven.register("team/more")
    proven.prove()
    proven.restart()

    assert proven.auditor.confirmed.index > size
    assert proven.findings(code=0) == []
    assert "audited from March on (late)" in proven.stderr


@pytest.mark.parametrize("who", ["stranger", "approver"])
def test_the_word_of_somebody_else_does_not(proven: ProvenSystem, who: str) -> None:
    """Nor of a key outside of the keyring, nor of one that is no admin's."""
    if who == "stranger":
        keys.create(proven.folder / "keys", who)
    else:
        proven("keys", "create", who, "--role", "approver", "--by", "operator")
    proven.log.create(by_name(AUDIT))
    proven("audit", "begin", "--key", who, "--reason", "because")

    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_word_for_another_incarnation_does_not(proven: ProvenSystem) -> None:
    """It is not copied into the next one."""
    proven("audit", "begin", "--key", "operator", "--reason", "of before")
    word = records(proven, AUDIT)[-1]
    assert word is not None
    proven.log.create(by_name(AUDIT))
    proven.log.append(Output(AUDIT, 0, word.key or b"", word.value, word.headers))

    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_kept_checkpoint_that_nobody_signed_stops_the_auditor(proven: ProvenSystem) -> None:
    """It cannot be made to fit the laundered log."""
    proven.kept.write((proven.kept.read() or b"").replace(b'"tree_size":', b'"tree_size":1'))

    with pytest.raises(CheckpointUnreadable):
        proven.restart()


# -- the audit log itself ---------------------------------------------------------------------


def test_an_audit_log_that_was_cut_is_found(proven: ProvenSystem) -> None:
    """Leaves and the checkpoints over them, off its end: the kept checkpoint is of more, and the auditor stops."""
    del records(proven, AUDIT)[3:]

    assert "truncated" in {kind for kind, _ in proven.findings()}
    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_dropped_leaf_is_found(proven: ProvenSystem) -> None:
    """One out of the middle."""
    del records(proven, AUDIT)[1]

    assert "missing" in {kind for kind, _ in proven.findings()}
    with pytest.raises(ChainBroken):
        proven.restart()


def test_leaves_that_nobody_has_signed_are_found(proven: ProvenSystem) -> None:
    """A chain of hashes without a signature is anybody's."""
    Path(proven.kept.url).unlink()
    audit = records(proven, AUDIT)
    audit[:] = [r for r in audit if r is not None and b"checkpoint" not in dict(r.headers)["ce_type"]]

    assert proven.findings("--late", "1d", code=0) == []  # they may yet be
    proven.log.now -= 300_000
    audit[:] = [replace(r, timestamp=r.timestamp - 300_000) for r in audit if r is not None]
    assert {kind for kind, _ in proven.findings()} == {"unsigned"}


def test_an_audit_log_that_was_deleted_is_found(proven: ProvenSystem) -> None:
    """Exit code 6, not a missing topic."""
    del proven.log._topics[AUDIT]

    assert ("vanished", AUDIT) in proven.findings()


# -- the logs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [GOVERNANCE, TELEMETRY, VERDICTS, TIMELINE])
def test_a_deleted_topic_is_found(proven: ProvenSystem, topic: str) -> None:
    """Whatever it held."""
    del proven.log._topics[topic]

    assert ("vanished", topic) in proven.findings()


@pytest.mark.parametrize("topic", [GOVERNANCE, TELEMETRY, VERDICTS])
def test_a_topic_that_was_made_again_is_found(proven: ProvenSystem, topic: str) -> None:
    """What is there is not wrong; what was there is gone."""
    proven.log.create(by_name(topic))

    assert ("vanished", topic) in proven.findings()


@pytest.mark.parametrize("topic", [GOVERNANCE, VERDICTS, TELEMETRY])
def test_records_deleted_before_their_retention_are_found(proven: ProvenSystem, topic: str) -> None:
    """Kept for ever, or a day: gone a minute later, it was a person."""
    partition = next(p for p, found in enumerate(proven.log._topics[topic]) if found)
    proven.log.delete_before(topic, partition, proven.log.end(topic, partition))

    assert ("deleted_early", topic) in proven.findings()


def test_what_retention_removed_is_no_finding(proven: ProvenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days later the door is empty, and everything that remains holds."""
    later = time.time() + 2 * 86_400
    monkeypatch.setattr("time.time", lambda: later)
    for partition in range(proven.log.n_partitions(TELEMETRY)):
        proven.log.delete_before(TELEMETRY, partition, proven.log.end(TELEMETRY, partition))

    assert proven.findings(code=0) == []


@pytest.mark.parametrize("topic", [GOVERNANCE, TELEMETRY, VERDICTS, SNAPSHOTS])
def test_an_edited_record_is_found(proven: ProvenSystem, topic: str) -> None:
    """In logs, doors and snapshots."""
    log = records(proven, topic)
    assert log[-1] is not None
    log[-1] = replace(log[-1], value=(log[-1].value or b"") + b" ")

    assert ("edited", topic) in proven.findings()


def test_a_dropped_record_is_found(proven: ProvenSystem) -> None:
    """By its offset."""
    records(proven, GOVERNANCE)[1] = None

    assert ("missing", GOVERNANCE) in proven.findings()


def test_reordered_records_are_found(proven: ProvenSystem) -> None:
    """Their offsets are smooth again, and their own sequence is not, or their digest."""
    log = records(proven, GOVERNANCE)
    assert log[0] is not None
    assert log[1] is not None
    log[0], log[1] = replace(log[1], offset=0), replace(log[0], offset=1)

    assert {("edited", GOVERNANCE), ("reordered", GOVERNANCE)} & set(proven.findings())


def test_a_cut_log_is_found(proven: ProvenSystem) -> None:
    """Its end is not there."""
    records(proven, GOVERNANCE).pop()

    assert ("truncated", GOVERNANCE) in proven.findings()


def test_records_that_wait_too_long_for_their_proof_are_found(proven: ProvenSystem) -> None:
    """An auditor that does not run is no proof of anything."""
    proven.register("team/other")
    early = proven.findings(code=0)
    for topic in (TELEMETRY, TIMELINE):
        for log in proven.log._topics[topic]:
            log[:] = [replace(r, timestamp=r.timestamp - 1) if r is not None else None for r in log]

    assert early == []
    assert "undigested" in {kind for kind, _ in proven.findings("--late", "0s")}


def test_a_snapshot_that_somebody_put_in_is_found(proven: ProvenSystem) -> None:
    """A state that the auditor has not seen, at an offset that it has."""
    log = records(proven, SNAPSHOTS)
    last = log[-1]
    assert last is not None
    log[-1] = replace(last, key=b"s|evil|0.1.0|*", value=b"x")

    assert ("edited", SNAPSHOTS) in proven.findings()


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
    output = Sealer(governor(proven)).seal(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=stranger)
    proven.log.append(output)
    proven.prove()

    assert proven.findings() == [("unknown_key", POLICY_ROLLOUT)]


def test_a_command_without_a_verdict_is_found(proven: ProvenSystem) -> None:
    """Signed by the notary, and approved by nobody: an approval gap."""
    output = Sealer(governor(proven)).seal(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=proven.notary)
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
    used = next(p for p, found in enumerate(proven.log._topics[REQUESTS]) if found)
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
        if log.name == AUDIT or not any(proven.log._topics[log.name]):
            continue
        found = records(proven, log.name)
        kept = list(found)
        assert found[-1] is not None
        found[-1] = replace(found[-1], key=b"other")
        assert ("edited", log.name) in proven.findings(), log.name
        found[:] = kept
    assert any(proven.log._topics[POLICY_RETRAIN]), "no command was given: the test shows too little"


def test_a_topic_id_may_hold_a_slash(proven: ProvenSystem) -> None:
    """Kafka's are Base64: sources of folds over such a topic are what they are."""
    proven.log._ids = {name: id_[:8] + "/" + id_[8:] for name, id_ in proven.log._ids.items()}
    source = f"/homeostat/intake.telemetry/{TELEMETRY}/{proven.log.topic_id(TELEMETRY)}/0"
    honest = SignalObserved(layer="edge", name="t", value=1.0)
    forged(proven, TIMELINE, honest, source=source, id_="0.9")
    output = Sealer(governor(proven)).seal(POLICY_ROLLOUT, "team/m", promote("/x#2"), key=proven.notary)
    proven.log.append(output)

    found = proven.findings()

    assert ("unauthorised", TIMELINE) not in found
    assert [one for one in found if one[1] == POLICY_ROLLOUT and one[0] in ("unauthorised", "unsigned")] == []
