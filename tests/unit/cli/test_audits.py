"""`homeostat audit verify`: what was changed is named, and the exit code says so."""

from dataclasses import replace

import pytest
from tests.unit.cli.system import System

from auditor import Auditor, Chain
from homeostat.audit import keys
from homeostat.events.logs import AUDIT, GOVERNANCE, LOGS, TELEMETRY


def prove(system: System) -> None:
    """Digest every log and sign, as the auditor does."""
    auditor = Auditor(Chain(), keys.create(system.folder / "keys", "notary"))
    for log in LOGS:
        for record in system.log.all(log.name):
            auditor.observe(record)
    n_written = 0
    for now in (0, 10_000, 20_000):
        for data in auditor.flush(now):
            n_written += 1
            system.log.publish(AUDIT, "log", data, id_=str(n_written), source="/homeostat/auditor")
            auditor.observe(list(system.log.all(AUDIT))[-1])


@pytest.fixture
def proven(governed: System) -> System:
    """A system whose logs are digested and signed."""
    prove(governed)
    return governed


def test_untouched_logs_verify(proven: System) -> None:
    """Every record is confirmed, every leaf is signed; what came later is counted."""
    proven("publish", "signal.observed", "team/m", '{"layer": "edge", "name": "t", "value": 3}')

    (report,) = proven.json("audit", "verify")

    assert report["valid"]
    assert report["findings"] == []
    assert report["n_leaves"] == report["n_signed"] > 0
    assert report["n_records"] > 0
    assert report["n_new"] > 0
    assert "records hold" in proven("audit", "verify")


def test_an_edited_record_is_found(proven: System) -> None:
    """Exit code 6, and the log and offsets it lies in."""
    records = proven.log._topics[GOVERNANCE][0]
    records[0] = replace(records[0], value=b"{}")

    (report,) = proven.json("audit", "verify", code=6)

    assert [(found["kind"], found["where"].partition("[")[0]) for found in report["findings"]] == [
        ("edited", GOVERNANCE)
    ]
    assert "edited" in proven("audit", "verify", code=6)


def test_a_log_that_was_made_again_is_named(proven: System) -> None:
    """Its leaves are of another incarnation: nothing is wrong with what is there, and something is not there."""
    proven.log.create(next(log for log in LOGS if log.name == TELEMETRY))

    (report,) = proven.json("audit", "verify")

    assert [name.split()[0] for name in report["gone"]] == [TELEMETRY]
    assert "made again" in proven.stderr


def test_somebody_elses_signature_is_none(proven: System) -> None:
    """A verifier brings the key it trusts; without any it is told how to get one."""
    stranger = keys.create(proven.folder / "elsewhere", "notary")

    (report,) = proven.json("audit", "verify", "--public-key", stranger.public_key_hex, code=6)

    assert {found["kind"] for found in report["findings"]} == {"unknown_key"}
    proven("audit", "verify", "--public-key", "xyz", code=2)
    (proven.folder / "keys" / "notary.pub").unlink()
    proven("audit", "verify", code=3)
    assert "keys show notary" in proven.stderr
