"""The table of rights is what the code needs, and no more: from it the ACLs of a broker are generated."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_matrix import FOLDS as FOLDERS
from tests.contract.test_matrix import written
from typer.testing import CliRunner

from homeostat.events.logs import (
    AUDIT,
    DOORS,
    GOVERNANCE,
    LOGS,
    POLICIES,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    SNAPSHOTS,
    TELEMETRY,
    TRACES,
    VERDICTS,
)
from homeostat.runtime import registry
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.access import (
    ROLE_ACCESS,
    access_of,
    program_access,
    rules_of,
    service_access,
    together,
)
from homeostat_tools.local_stack.services import MACHINES, PEOPLE, Pack, packs

FOLDS = registry.folds()
SERVICE_ACCESS = service_access()
ALL = SERVICE_ACCESS | program_access() | ROLE_ACCESS
HANDS: dict[str, type] = {
    "rollout_actuator": RolloutActuator,
    "retrain_actuator": RetrainActuator,
    "threshold_actuator": ThresholdActuator,
    "maml_trainer": MamlTrainer,
}
SNAPSHOT_LOGS = [f"{SNAPSHOTS}{fold}" for fold in FOLDS]


def writers(log: str) -> set[str]:
    return {name for name, access in ALL.items() if log in access.writes}


def readers(log: str) -> set[str]:
    return {
        name
        for name, access in ALL.items()
        if any(log == one or (one.endswith(".") and log.startswith(one)) for one in access.reads)
    }


def test_every_service_has_rights() -> None:
    """And none has that is no service."""
    assert set(SERVICE_ACCESS) == {service.replace("_", "-") for service in registry.services()} | {"intake-requests"}
    assert set(SERVICE_ACCESS) == {pack.name for pack in packs(is_packed=False)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_fold_may_write_what_it_emits_and_nothing_else(folder: str) -> None:
    """The logs that its code emits to, its own ticks and states, and what it refuses."""
    emitted = written(f"services/{folder}")
    folds = [fold for fold in FOLDS if fold.partition(".")[0] == folder]
    own = {FOLDS[fold].topic for fold in folds}
    states = {f"{SNAPSHOTS}{fold}" for fold in folds}
    access = together(Pack("one", (folder,)))

    assert emitted - {QUARANTINE} == {log for fold in folds for log in FOLDS[fold].writes}
    assert set(access.writes) == emitted | own | states | {QUARANTINE}
    assert set(access.reads) == own | states


@pytest.mark.parametrize("fold", FOLDS)
def test_a_group_of_a_fold_is_granted_to_who_runs_it(fold: str) -> None:
    """As the command line names it."""
    folder, _, door = fold.partition(".")

    assert FOLDS[fold].group in together(Pack("one", (folder,), (door,) if door else ())).groups


def test_a_door_of_its_own_has_rights_of_its_own() -> None:
    """The process that guards telemetry does not read requests, nor the other way round."""
    machines, people = (together(Pack("one", ("intake",), doors)) for doors in (MACHINES, PEOPLE))

    assert REQUESTS not in machines.reads
    assert set(people.writes) == {REQUESTS, GOVERNANCE, QUARANTINE, f"{SNAPSHOTS}intake.requests"}


@pytest.mark.parametrize("hand", HANDS)
def test_a_hand_reads_its_commands_and_writes_reports(hand: str) -> None:
    """It writes nothing that commands others."""
    kind: Any = HANDS[hand]
    logs = kind.logs.fget(None)  # a constant of the class

    assert set(logs) <= set(access_of(hand).reads)
    assert set(access_of(hand).writes) == {REPORTS, QUARANTINE}


@pytest.mark.parametrize("log", [*POLICIES, VERDICTS])
def test_only_the_governor_commands_and_judges(log: str) -> None:
    """A forged command or verdict needs its user."""
    assert writers(log) == {"governor"}


def test_what_is_decided_on_comes_from_services_only() -> None:
    """Nobody from outside writes governance, the audit, or a state; each state has one writer."""
    assert writers(GOVERNANCE) & set(ROLE_ACCESS) == set()
    assert writers(AUDIT) == {"auditor"}
    for fold in FOLDS:
        assert writers(f"{SNAPSHOTS}{fold}") == {FOLDS[fold].group}
        assert readers(f"{SNAPSHOTS}{fold}") <= {FOLDS[fold].group, "auditor", "operator"}


def test_production_reaches_its_doors_only() -> None:
    """What a source of telemetry may do."""
    assert set(access_of("source").writes) == {TELEMETRY, TRACES}
    assert access_of("source").groups == ()


def test_the_http_door_writes_to_doors_and_reads_nothing() -> None:
    """Who holds its user can do what a token of every scope can."""
    assert (access_of("http-door").reads, access_of("http-door").writes) == ((), DOORS)


@pytest.mark.parametrize("name", ALL)
def test_no_rule_creates_alters_or_deletes(name: str) -> None:
    """Topics, users and rights are an administrator's; no rule is about all topics' records."""
    for rule in rules_of(access_of(name)):
        assert set(rule.operations) <= {"read", "write", "describe", "describe_configs"}
        if rule.resource == "topic" and {"read", "write"} & set(rule.operations):
            assert rule.name in {*(log.name for log in LOGS), *SNAPSHOT_LOGS, SNAPSHOTS}
            assert "write" not in rule.operations or not rule.is_prefix


def test_a_process_may_what_one_of_its_services_may() -> None:
    """And nothing that none of them may."""
    both = together(Pack("law", ("intake", "governor"), PEOPLE))

    assert set(both.writes) == set(access_of("governor").writes) | set(access_of("intake-requests").writes)
    assert set(both.groups) == {"governor", "intake-requests"}


def test_the_command_prints_what_kafka_takes(tmp_path: Path) -> None:
    """Lines of kafka-acls, or JSON; the names of users are the deployment's."""
    run = CliRunner().invoke
    lines = run(app, ["acl", "governor", "--principal-prefix", "User:prod-", "--data-dir", str(tmp_path)])
    rows = run(app, ["acl", "--format", "json", "--data-dir", str(tmp_path)])

    assert (
        "kafka-acls --add --allow-principal User:prod-governor --operation Write --topic homeostat.verdicts "
        '--bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN"\n'
    ) in lines.stdout
    found = [json.loads(line) for line in rows.stdout.splitlines()]
    assert {row["principal"] for row in found} == {f"User:{name}" for name in ALL}
    wanted = {"resource_type": "TOPIC", "resource": "homeostat.verdicts", "operation": "WRITE", "permission": "ALLOW"}
    assert [row["principal"] for row in found if row.items() >= wanted.items()] == ["User:governor"]


def test_an_unknown_name_is_a_usage_error(tmp_path: Path) -> None:
    """It says which there are."""
    failed = CliRunner().invoke(app, ["acl", "mallory", "--data-dir", str(tmp_path)])

    assert failed.exit_code != 0
    assert failed.stdout.replace("\n", "").endswith("commands") is False
