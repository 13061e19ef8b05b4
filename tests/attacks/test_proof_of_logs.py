"""Logs that are deleted, edited, cut or forged: the auditor has digested them."""

import time
from dataclasses import replace

import pytest
from tests.attacks.proofs import SNAPSHOTS, records
from tests.support.broker_disk import delete_topic, disk
from tests.support.proving import ProvenSystem

from homeostat.events.logs import (
    GOVERNANCE,
    TELEMETRY,
    TIMELINE,
    VERDICTS,
    by_name,
)

# -- the logs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [GOVERNANCE, TELEMETRY, VERDICTS, TIMELINE])
def test_a_deleted_topic_is_found(proven: ProvenSystem, topic: str) -> None:
    """Whatever it held."""
    delete_topic(proven.log, topic)

    assert ("vanished", topic) in proven.findings()


@pytest.mark.parametrize("topic", [GOVERNANCE, TELEMETRY, VERDICTS])
def test_a_topic_that_was_made_again_is_found(proven: ProvenSystem, topic: str) -> None:
    """What is there is not wrong; what was there is gone."""
    proven.log.create(by_name(topic))

    assert ("vanished", topic) in proven.findings()


@pytest.mark.parametrize("topic", [GOVERNANCE, VERDICTS, TELEMETRY])
def test_records_deleted_before_their_retention_are_found(proven: ProvenSystem, topic: str) -> None:
    """Kept for ever, or a day: gone a minute later, it was a person."""
    partition = next(p for p, found in enumerate(disk(proven.log, topic)) if found)
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
        for log in disk(proven.log, topic):
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
