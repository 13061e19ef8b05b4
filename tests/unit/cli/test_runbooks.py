"""Every command that a runbook tells somebody at night to type works, and finds what the runbook says it finds."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.events import ActionFailed, Data, DeploymentObserved, IndicatorComputed
from homeostat.events.logs import INDICATORS, REPORTS, TELEMETRY
from homeostat_tools.local_stack.process import ProcessStatus
from homeostat_tools.local_stack.status_file import write_report

RUNBOOKS = sorted((Path(__file__).parents[3] / "docs" / "runbooks").glob("*.md"))
COMMANDS = sorted(
    {
        (path.name, command)
        for path in RUNBOOKS
        for command in re.findall(r"`homeostat ([^`]+)`", re.sub(r"\s+", " ", path.read_text("utf-8")))
    }
)
AT_A_BROKER = ("topics create", "topics repair")
"""Tried on a real one, by tests/integration/test_doors.py."""

OF_AN_AUDITOR = ("audit begin --key NAME --reason WHY", "audit verify", "export audit audit.jsonl.gz")
"""Nobody audits the system here; tried by tests/attacks/test_proof.py."""


@pytest.fixture
def troubled(governed: System) -> System:
    """A system in which all has happened that the runbooks speak of."""
    governed.log.now += 1
    shutil.copy(governed.folder / "governor" / "notary.pem", governed.folder / "keys")  # as where `homeostat up` runs
    action = governed.propose()
    failed = ActionFailed(
        action=action, command="/c#1", kind="retrain", family="team/f", model="team/m", reason="expired", detail="x"
    )
    report(governed, failed)
    deployed = DeploymentObserved(version="v2", reason="by hand")  # so there is a version to go back to
    governed.log.publish(TELEMETRY, "team/m", deployed, id_="d1", source="/svc")
    governed.logs.flush()
    governed("publish", "signal.observed", "team/late", '{"layer": "edge", "name": "t", "value": 3}')
    blind = IndicatorComputed(model="team/m", name="is_blind", value=1.0)
    governed.log.publish(INDICATORS, "team/m", blind, id_="0.0", source="/homeostat/drift_detector/x")
    governed("publish", "deployment.observed", "team/m", '{"version": "v9"}')
    governed("freeze", "team", "-m", "night")
    running = ProcessStatus("deciders", None, "running", 0, 1.0, None)
    write_report(governed.folder / "processes.json", [running])
    return governed


def report(system: System, data: Data) -> None:
    """A hand's word."""
    system.log.publish(
        REPORTS, "team/m", data, id_=f"r{len(list(system.log.all(REPORTS)))}", source="/homeostat/hand/h"
    )
    system.logs.flush()


def typed(command: str, system: System) -> list[str]:
    """The command with names of this system in the places of its capital words."""
    refused = system.json("quarantine", "list")[0]
    id_ = refused["id"] if "quarantine" in command else system.json("tail", "verdicts")[0]["source"] + "#"
    if "story" in command:
        event = system.json("tail", "verdicts")[0]
        id_ = f"{event['source']}#{event['id']}"
    names = {"SCOPE/MODEL": "team/m", "SCOPE": "team", "MODEL": "team/m", "ID": id_, "REASON": refused["reason"]}
    words = shlex.split(command)
    return [re.sub(r"[A-Z]+(/[A-Z]+)?", lambda m: names.get(m[0], m[0]), word) for word in words]


def test_there_are_commands() -> None:
    """The runbooks are read as they are written."""
    assert len(COMMANDS) > 10


@pytest.mark.parametrize(
    ("runbook", "command"), [pair for pair in COMMANDS if pair[1] not in AT_A_BROKER + OF_AN_AUDITOR]
)
def test_a_command_of_a_runbook_works(troubled: System, runbook: str, command: str) -> None:
    """It ends with 0; what is to be looked at is there."""
    if command.split()[0] == "doctor":
        troubled("doctor")
        return

    printed = troubled(*typed(command, troubled))

    assert printed.strip(), f"{runbook}: `homeostat {command}` finds nothing"


def test_what_is_registered_is_known(troubled: System) -> None:
    """The fixture speaks of one model."""
    assert any(record.key == b"team/m" for record in troubled.log.all(TELEMETRY))
