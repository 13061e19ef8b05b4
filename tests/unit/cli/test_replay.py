"""`homeostat replay` tells apart what differs, what cannot be derived any more, and what another version made."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker_disk import disk
from tests.unit.cli.system import System

from homeostat.events.logs import TELEMETRY, TIMELINE, VERDICTS

FOLD = "intake.telemetry"


def observe(system: System, n: int) -> None:
    """Publish signals about the one model."""
    for value in range(n):
        body = json.dumps({"layer": "edge", "name": "t", "value": value})
        system("publish", "signal.observed", "team/m", body)


def snapshot(system: System) -> None:
    """Store the states, as every few seconds."""
    for host in system.logs.loop.hosts:
        for assignment in host.assignments:
            assignment.snapshot()


def expire(system: System, topic: str, n_left: int) -> None:
    """Delete the oldest records of every partition but the last few."""
    for partition in range(system.log.n_partitions(topic)):
        end = system.log.end(topic, partition)
        if end > n_left:
            system.log.delete_before(topic, partition, end - n_left)


def replayed(system: System, fold: str, code: int = 0) -> dict[str, Any]:
    """What a replay says of a fold."""
    (row,) = system.json("replay", fold, code=code)
    assert isinstance(row, dict)
    return row


def test_a_whole_log_is_derived_from_its_start(governed: System) -> None:
    """Exit code 0."""
    observe(governed, 3)

    row = replayed(governed, FOLD)

    assert (row["outcome"], row["different"], row["expired"], row["from_the_start"]) == ("equal", 0, 0, True)
    assert row["equal"] == row["outputs"] > 0


def test_a_log_whose_head_has_expired_is_derived_from_a_snapshot(governed: System) -> None:
    """What came after it is compared; what came before is counted, and said."""
    observe(governed, 3)
    snapshot(governed)
    observe(governed, 3)
    snapshot(governed)
    expire(governed, TELEMETRY, 3)

    row = replayed(governed, FOLD)

    assert (row["outcome"], row["different"], row["from_the_start"]) == ("equal", 0, False)
    assert row["expired"] > 0
    assert "begun from snapshots" in governed.stderr
    assert "cannot be derived" in governed.stderr


def test_the_earliest_snapshot_that_is_whole_is_taken(governed: System) -> None:
    """So that as much as possible is derived again: all that the input still has."""
    observe(governed, 2)
    snapshot(governed)
    low = {p: governed.log.end(TELEMETRY, p) for p in range(governed.log.n_partitions(TELEMETRY))}
    observe(governed, 4)
    snapshot(governed)
    for partition, offset in low.items():
        governed.log.delete_before(TELEMETRY, partition, offset)

    row = replayed(governed, FOLD)

    assert (row["outcome"], row["outputs"], row["equal"]) == ("equal", 4, 4)


def test_a_snapshot_of_which_compaction_has_taken_something_is_passed_over(governed: System) -> None:
    """Its marker counts its states: the next one that is whole is taken."""
    observe(governed, 2)
    snapshot(governed)
    low = {p: governed.log.end(TELEMETRY, p) for p in range(governed.log.n_partitions(TELEMETRY))}
    observe(governed, 2)
    snapshot(governed)
    observe(governed, 1)
    for partition, offset in low.items():
        governed.log.delete_before(TELEMETRY, partition, offset)
    for records in disk(governed.log, f"homeostat.snapshots.{FOLD}"):
        copies = [
            i for i, r in enumerate(records) if r is not None and b"team/m" in (r.key or b"") and r.value is not None
        ]
        for index in copies[:-1]:
            records[index] = None

    row = replayed(governed, FOLD)

    assert (row["outcome"], row["outputs"], row["equal"]) == ("equal", 1, 1)


def test_what_cannot_be_derived_any_more_is_no_difference(governed: System) -> None:
    """Exit code 7: the input is gone, and no snapshot was stored since."""
    observe(governed, 3)
    expire(governed, TELEMETRY, 0)

    row = replayed(governed, FOLD, code=7)

    assert (row["outcome"], row["outputs"], row["different"]) == ("expired", 0, 0)
    assert row["expired"] > 0


def change(system: System, topic: str) -> None:
    """Change the newest record of a log."""
    records = next(found for found in disk(system.log, topic) if found)
    assert records[-1] is not None
    records[-1] = replace(records[-1], value=(records[-1].value or b"") + b" ")


def test_what_differs_is_told_as_such(governed: System) -> None:
    """Exit code 6, from the start as from a snapshot."""
    observe(governed, 2)
    snapshot(governed)
    observe(governed, 2)
    change(governed, TIMELINE)

    whole = replayed(governed, FOLD, code=6)
    expire(governed, TELEMETRY, 2)
    tail = replayed(governed, FOLD, code=6)

    assert (whole["outcome"], tail["outcome"]) == ("differs", "differs")
    assert "first difference at homeostat.timeline" in governed.stderr


def test_what_another_version_made_is_told_as_such(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 8: the marker behind the difference names the version that folded it."""
    governed.propose()
    snapshot(governed)
    change(governed, VERDICTS)
    differs = replayed(governed, "governor", code=6)
    monkeypatch.setattr("homeostat_tools.cli.rederivation.version_of", lambda fold: "installed")

    other = replayed(governed, "governor", code=8)

    assert (differs["outcome"], other["outcome"]) == ("differs", "other version")
    assert other["different"] == differs["different"] == 1


def test_a_newer_version_that_says_the_same_is_equal(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version is a digest of code: most changes change no output."""
    governed.propose()
    snapshot(governed)
    monkeypatch.setattr("homeostat_tools.cli.rederivation.version_of", lambda fold: "installed")

    assert replayed(governed, "governor")["outcome"] == "equal"


def test_of_several_folds_the_worst_counts(governed: System) -> None:
    """A difference before what has expired."""
    observe(governed, 3)
    governed.propose()
    expire(governed, TELEMETRY, 0)
    change(governed, VERDICTS)

    rows = {row["fold"]: row["outcome"] for row in governed.json("replay", "all", code=6)}

    assert (rows[FOLD], rows["governor"]) == ("expired", "differs")
