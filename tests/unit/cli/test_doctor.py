"""The doctor names what is wrong and the command that mends it, and what people regret before they do."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.sample import installed
from tests.unit.cli.system import System

from homeostat.events import (
    Arm,
    Data,
    DeploymentUnapproved,
    DriftDetected,
    EpisodeRecorded,
    FamilyRegistered,
    FeatureContract,
    IndicatorComputed,
    ModelRegistered,
    Range,
    SliObserved,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, TIMELINE
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli import extras
from homeostat_tools.cli.checks import Check, Context, examine, registry, warn
from homeostat_tools.local_stack.process import ProcessStatus, State
from homeostat_tools.local_stack.status_file import write_report

UNAPPROVED = DeploymentUnapproved(model="team/m", version="v9", replaced="v1")


GOOD_LAW = """
[rules.reward_weights]
latency = 1.0
[scopes.team]
owner = "ana"
"""


@pytest.fixture
def sound(governed: System, tmp_path: Path) -> System:
    """A system in which the doctor finds nothing to regret."""
    law = tmp_path / "law.toml"
    law.write_text(GOOD_LAW)
    governed("apply", str(law))
    governed("keys", "create", "ana", "--role", "approver", "--by", "operator")
    said(governed, EXPERIENCE, "team/f", FamilyRegistered(arms=(Arm(name="full"),), baseline="full"))
    said(governed, TIMELINE, "team/m", SliObserved(layer="business", name="revenue", value=1.0, window_seconds=60.0))
    return governed


def said(system: System, log: str, subject: str, data: Data, number: int = 0) -> None:
    """Something that a fold has said now."""
    system.log.now = max(system.log.now, int(time.time() * 1000))
    system.log.publish(log, subject, data, id_=f"{len(list(system.log.all(log)))}.{number}", source="/homeostat/test/x")


def regretted(system: System) -> dict[str, dict[str, Any]]:
    """Warnings by name; of several with one name, all details in one."""
    found: dict[str, dict[str, Any]] = {}
    for check in system.json("doctor"):
        if not check["ok"]:
            before = found.get(check["check"], {"detail": ""})["detail"]
            found[check["check"]] = check | {"detail": f"{before} {check['detail']}"}
    return found


def test_a_sound_system_has_nothing_to_regret(sound: System) -> None:
    """No warning, no failure, also with --strict."""
    assert regretted(sound) == {}
    sound("doctor", "--strict")


RANGE = Range(log="l", subject="team/m", source="/s", first="1.0", last="2.0", from_time=0, rows=1)


DRIFT = DriftDetected(
    model="team/m", version="v1", kind="concept", detector="adwin", statistic=1, threshold=1, magnitude=1, onset=RANGE
)


EPISODE = EpisodeRecorded.model_validate(
    {"episode": "e", "task": "t", "model": "team/m", "metric": "accuracy", "result": 0.5, "rows": 1, "seconds": 1.0}
)


@pytest.mark.parametrize(
    ("law", "name", "says"),
    [
        ("[rules]\ncooldown_ms = 0", "rate limit", "0 ms between two"),
        ("[rules]\nmax_actions = 10000", "rate limit", "10000 actions"),
        ("[rules.reward_weights]\nlatency = 0.0\ncost = 0.0", "objective", "latency and cost"),
        ("[rules]\napproval_tiers = ['low', 'medium', 'high']", "tiers", "every tier"),
        ("[rules]\napproval_tiers = ['low']", "tiers", "not even tier high"),
        ("[rules]\nprice_per_training_second = 0.0", "prices", "costs nothing"),
        ("[scopes.team.rules]\ntraining_slots = 0", "training slots", "rules of team"),
    ],
)
def test_a_law_that_people_regret_is_named(sound: System, tmp_path: Path, law: str, name: str, says: str) -> None:
    """With the lines that mend it."""
    file = tmp_path / "regretted.toml"
    file.write_text(law)
    if name == "tiers" and "high" not in law:  # it weakens approval: two admins, of whom neither has made the other
        for admin in ("ann", "bea"):
            sound("keys", "create", admin, "--role", "admin", "--by", "operator")
        sound("apply", str(file), "--key", "ann", code=5)
        sound("apply", str(file), "--key", "bea")
    else:
        sound("apply", str(file))

    found = regretted(sound)[name]

    assert says in found["detail"]
    assert "homeostat apply" in found["mend"]
    assert found["verdict"] == "warn"


def test_a_scope_without_an_owner_is_named(governed: System) -> None:
    """Nobody has said who answers for its models."""
    assert "team/m" in regretted(governed)["owner"]["detail"]
    assert "homeostat apply" in regretted(governed)["owner"]["mend"]


def test_a_hand_whose_reports_are_refused_is_named(
    sound: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the law names it for a topic."""
    with installed(tmp_path / "installed", monkeypatch):
        named, _, _ = regretted(sound)["installed hands"]["mend"].rpartition("@")

        sound(*named.split()[1:])

        assert "installed hands" not in regretted(sound)


def test_one_who_may_approve_is_not_enough(governed: System) -> None:
    """Nobody approves his own request."""
    assert "homeostat keys create" in regretted(governed)["approvers"]["mend"]


def model(**changes: Any) -> ModelRegistered:
    fields = {"family": "f", "champion": "v1", "features": (FeatureContract(name="x"),), "model": "team/m"}
    return ModelRegistered.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("log", "data", "name", "says"),
    [
        (GOVERNANCE, model(features=()), "feature contracts", "none is watched"),
        (GOVERNANCE, model(family="g"), "families", "team/g"),
        (GOVERNANCE, model(tier="high"), "subgroups", "team/m"),
        (GOVERNANCE, model(model="team/n"), "business metric", "team/n"),
        (INDICATORS, IndicatorComputed(model="team/m", name="is_blind", value=1.0), "blind detectors", "team/m"),
        (INDICATORS, UNAPPROVED, "deployments", "1 deployments"),
        (EXPERIENCE, EPISODE, "dataset", "no task is held out"),
    ],
)
def test_what_people_regret_about_models_is_named(sound: System, log: str, data: Data, name: str, says: str) -> None:
    """Said after all was well."""
    subject = {GOVERNANCE: "team", EXPERIENCE: "team/f"}.get(log, "team/m")
    said(sound, log, subject, data)

    assert says in regretted(sound)[name]["detail"]
    sound("doctor", "--strict", code=1)
    sound("doctor")


def test_a_detector_that_always_fires_is_named(sound: System) -> None:
    """More than one drift an hour, all day."""
    for number in range(25):
        said(sound, EXPERIENCE, "team/f", DRIFT, number)

    assert "team/m" in regretted(sound)["loud detectors"]["detail"]


def test_a_detector_that_sees_again_is_not_blind(sound: System) -> None:
    """The newest word counts."""
    for value in (1.0, 0.0):
        said(sound, INDICATORS, "team/m", IndicatorComputed(model="team/m", name="is_blind", value=value))

    assert "blind detectors" not in regretted(sound)


def test_refusals_are_named_until_they_are_replayed(sound: System) -> None:
    """Of the last day."""
    sound.log.now = int(time.time() * 1000)
    sound("publish", "signal.observed", "team/late", '{"layer": "edge", "name": "t", "value": 3}')
    assert "model_unregistered" in regretted(sound)["quarantine"]["detail"]

    sound.register("team/late")
    sound("quarantine", "replay", "--all")

    assert "quarantine" not in regretted(sound)


def test_decisions_that_nobody_digests_fail(sound: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """No audit of automated actions: exit code 1."""
    monkeypatch.setattr("homeostat_tools.cli.checks.operation._UNDIGESTED", 1)

    lines = {check["check"]: check for check in sound.json("doctor", code=1)}

    assert (lines["audit"]["verdict"], lines["audit"]["ok"]) == ("fail", False)


def test_every_extra_is_printed_whole(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the brackets that a markup would swallow; a missing one fails only where somebody needs it."""
    monkeypatch.setattr(extras, "is_installed", lambda module: False)
    monkeypatch.setenv("HOMEOSTAT_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("HOMEOSTAT_STORE", "s3://bucket/x")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")

    printed = system("doctor", code=1)

    for extra in extras.EXTRAS:
        assert f"pip install 'homeostat[{extra}]'" in printed
    found = {c["check"]: c["verdict"] for c in system.json("doctor", code=1) if c["check"].startswith("extra")}
    needed = {*extras.SERVICE_EXTRAS, "redis", "object-store", "otlp"}
    assert {name.removeprefix("extra ") for name, verdict in found.items() if verdict == "fail"} - {"broker"} == needed


def test_a_client_machine_needs_no_services(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a broker was named, the services run elsewhere."""
    monkeypatch.setattr(extras, "is_installed", lambda module: False)
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", "broker:9092")

    system("doctor")

    assert "missing here; needed where the services run" in system.stdout


def processes(system: System, state: State, last_exit: int | None) -> None:
    """Say, as a supervisor that lives, that a process is in a state; its log ends with a reason."""
    status = ProcessStatus("deciders", None, state, 1, 0.0, last_exit)
    write_report(system.folder / "processes.json", [status])
    (system.folder / "logs").mkdir()
    (system.folder / "logs" / "deciders.log").write_text("started\nversion a stopped in mid-work\n\n")


@pytest.mark.parametrize(
    ("state", "last_exit", "is_ok", "says"),
    [
        ("running", 1, True, "none has halted"),
        ("backoff", 70, False, "halted, for a person to act: version a stopped in mid-work"),
        ("crash_loop", -9, False, "ended with -9: version a stopped in mid-work"),
    ],
)
def test_it_names_what_has_halted(
    system: System, state: State, last_exit: int | None, *, is_ok: bool, says: str
) -> None:
    """With the last line of its log, which says what to do."""
    processes(system, state, last_exit)

    checks = system.json("doctor", code=0 if is_ok else 1)

    (found,) = [check for check in checks if check["check"].startswith("process")]
    assert found["ok"] is is_ok
    assert says in found["detail"]


def test_a_key_that_others_can_read_and_a_brake_that_was_left_on(governed: System) -> None:
    """The folder is looked at too."""
    (governed.folder / "keys" / "operator.pem").chmod(0o644)
    (governed.folder / "brake.json").write_text('{"scopes": ["team"]}')

    found = {check["check"]: check for check in governed.json("doctor", code=1)}

    assert "chmod 600" in found["key operator"]["mend"]
    assert "homeostat unfreeze" in found["brake file"]["mend"]


def test_a_check_that_breaks_is_a_finding_and_loses_no_other(
    governed: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever it raises."""

    def broken(context: Context) -> Iterator[Check]:
        yield warn("first", "said", "do")
        raise ZeroDivisionError

    monkeypatch.setattr(registry, "HERE", (broken, *registry.HERE))
    context = Context(tmp_path, HostSettings(data_dir=tmp_path), governed.logs, is_local=True)

    found = list(examine(context, has_broker=False))

    assert [(check.name, check.verdict) for check in found[:2]] == [("first", "warn"), ("broken", "fail")]
    assert len(found) > 10


def test_what_is_wrong_without_a_remedy_is_no_finding() -> None:
    """It would help nobody."""
    with pytest.raises(ValueError, match="say what mends it"):
        warn("x", "it is so", "")
