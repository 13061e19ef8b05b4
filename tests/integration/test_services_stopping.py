"""Running services freeze, answer people, and stop. The last of the tests on their stack."""

import os
import signal
from collections import Counter
from typing import Any

import pytest
from tests.support.live_chaos import PATIENCE_SECONDS, Ordeal
from tests.support.two_stage import wait_until
from typer.testing import CliRunner

from homeostat.audit.keys import load
from homeostat.client import Client
from homeostat.codec import decode_event
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionRequested,
    Band,
    BrakeConfirmed,
    BrakeSet,
    FreezeLifted,
    FreezeSet,
    ModelRegistered,
    RulesSet,
    ThresholdRequested,
    ThresholdSet,
    VerdictGiven,
)
from homeostat.events.logs import (
    GOVERNANCE,
    POLICIES,
    POLICY_META_TRAINING,
    POLICY_THRESHOLD,
    REQUESTS,
    TELEMETRY,
    VERDICTS,
)
from homeostat_lab.demo.fleet import VERSION
from homeostat_lab.demo.play import payloads
from homeostat_tools.cli.app import app

pytestmark = pytest.mark.kafka


def test_a_freeze_holds_what_is_on_its_way(running: Ordeal) -> None:
    """No command is issued, every partition is confirmed, a waiting command is answered `braked`; then it goes on."""
    system, scope = running.system, "hall"
    models = [f"{scope}/gauge-{n}" for n in range(3)]
    system.publish(REQUESTS, scope, RulesSet(scope=scope, cooldown_ms=0))
    for model in models:
        system.publish(TELEMETRY, model, ModelRegistered(family="gauges", champion=VERSION))
    running.settle()

    def ask(model: str) -> None:
        band = Band(signal="uncertainty", rate=0.01, low=0.1, high=0.9, eta=0.1)
        family = f"{scope}/gauges"
        wanted = ThresholdRequested(family=family, model=model, champion=VERSION, chosen="manual", band=band)
        system.publish(REQUESTS, scope, wanted)

    def about(log: str, type_: str, model: str) -> list[dict[str, Any]]:
        """What was said of the action that was asked for; the learner has bands of its own."""
        asked = (r for r in system.records(GOVERNANCE) if dict(r.headers)["ce_type"] == ActionRequested.TYPE.encode())
        events = [decode_event(record, time=0, emitter="", is_door=False) for record in asked]
        actions = [event.identity for event in events if getattr(event.data, "model", None) == model]
        return [data for data in payloads(system, log, type_) if data["action"] in actions]

    def braked() -> list[tuple[str, int]]:
        brakes = (r for log in POLICIES for r in system.records(log) if r.key == scope.encode())
        return [(r.topic, r.partition) for r in brakes if dict(r.headers)["ce_type"] == BrakeSet.TYPE.encode()]

    def confirmed() -> set[tuple[str, int]]:
        all_ = payloads(system, GOVERNANCE, BrakeConfirmed.TYPE)
        return {(data["log"], data["partition"]) for data in all_ if data["scope"] == scope}

    everywhere = {(log, partition) for log in POLICIES for partition in range(system.n_partitions(log))}
    with running.frozen("hands"):  # so that the command is still on its way when the brake comes
        ask(models[0])
        wait_until(lambda: bool(about(POLICY_THRESHOLD, ThresholdSet.TYPE, models[0])), PATIENCE_SECONDS)
        system.publish(REQUESTS, scope, FreezeSet(scope=scope, reason="inventory"))
        wait_until(lambda: set(braked()) == everywhere, PATIENCE_SECONDS)
    ask(models[1])
    wait_until(lambda: bool(about(VERDICTS, VerdictGiven.TYPE, models[1])), PATIENCE_SECONDS)
    with_hands = {place for place in everywhere if place[0] != POLICY_META_TRAINING}  # the trainer is not started
    wait_until(lambda: confirmed() == with_hands, PATIENCE_SECONDS)
    running.settle()

    assert [failed["reason"] for failed in about(GOVERNANCE, ActionFailed.TYPE, models[0])] == ["braked"]
    assert [given["verdict"] for given in about(VERDICTS, VerdictGiven.TYPE, models[1])] == ["held"]
    assert not about(POLICY_THRESHOLD, ThresholdSet.TYPE, models[1])

    system.publish(REQUESTS, scope, FreezeLifted(scope=scope))
    ask(models[2])
    wait_until(lambda: bool(about(GOVERNANCE, ActionApplied.TYPE, models[2])), PATIENCE_SECONDS)
    assert not about(GOVERNANCE, ActionApplied.TYPE, models[0]), "a command that was braked is never carried out later"


def test_one_model_is_frozen_and_its_sister_is_not(running: Ordeal) -> None:
    """From the command line to the hands: every partition confirms, the one is held, the other is applied."""
    system, scope = running.system, "yard"
    frozen, free = f"{scope}/gauge-0", f"{scope}/gauge-1"
    data_dir = ["--data-dir", str(running.stack.data_dir)]
    for model in (frozen, free):
        system.publish(TELEMETRY, model, ModelRegistered(family="gauges", champion=VERSION))
    system.publish(REQUESTS, scope, RulesSet(scope=scope, cooldown_ms=0))
    running.settle()
    refused = CliRunner().invoke(app, ["freeze", f"{scope}/gauge-9", *data_dir])
    assert (refused.exit_code, "--force" in refused.stderr) == (3, True), refused.output

    said = CliRunner().invoke(app, ["freeze", frozen, "--timeout", "240", *data_dir])
    assert said.exit_code == 0, said.output
    band = Band(signal="load", rate=0.01, low=0.1, high=0.9, eta=0.1)
    for model in (frozen, free):
        wanted = ThresholdRequested(family=f"{scope}/gauges", model=model, champion=VERSION, chosen="manual", band=band)
        system.publish(REQUESTS, scope, wanted)

    def bands(log: str, type_: str, model: str) -> list[str]:
        """Signals of the bands of a model; the learner has proposed one before the freeze."""
        found = [data for data in payloads(system, log, type_) if data.get("model") == model]
        return [data["band"]["signal"] for data in found if data.get("band")]

    def verdicts() -> set[str]:
        """On what was asked for about the frozen model."""
        asked = (r for r in system.records(GOVERNANCE) if dict(r.headers)["ce_type"] == ActionRequested.TYPE.encode())
        events = [decode_event(record, time=0, emitter="", is_door=False) for record in asked]
        actions = [event.identity for event in events if getattr(event.data, "model", None) == frozen]
        given = payloads(system, VERDICTS, VerdictGiven.TYPE)
        return {data["verdict"] for data in given if data["action"] in actions}

    wait_until(lambda: "load" in bands(GOVERNANCE, ActionApplied.TYPE, free), PATIENCE_SECONDS)
    wait_until(lambda: bool(verdicts()), PATIENCE_SECONDS)
    assert verdicts() == {"held"}, "what a person asks for in a freeze waits for two"
    assert "load" not in bands(POLICY_THRESHOLD, ThresholdSet.TYPE, frozen)
    with_hands = {(log, p) for log in POLICIES if log != POLICY_META_TRAINING for p in range(system.n_partitions(log))}
    confirmed = [data for data in payloads(system, GOVERNANCE, BrakeConfirmed.TYPE) if data["scope"] == frozen]
    assert {(data["log"], data["partition"]) for data in confirmed} >= with_hands

    assert CliRunner().invoke(app, ["unfreeze", frozen, "--timeout", "240", *data_dir]).exit_code == 0


def test_the_answer_to_a_person_is_heard(running: Ordeal) -> None:
    """Twenty actions that wait for people, approved or denied: each command says what came of it, none is pending."""
    system, scope, n = running.system, "desk", 20
    data_dir = ["--data-dir", str(running.stack.data_dir)]
    models = [f"{scope}/gauge-{number}" for number in range(n)]
    system.publish(REQUESTS, scope, RulesSet(scope=scope, cooldown_ms=0, max_in_flight=n))
    for model in models:
        system.publish(TELEMETRY, model, ModelRegistered(family="gauges", champion=VERSION, tier="high"))
    running.settle()
    by_operator = ["--by", "operator", "--timeout", "240", *data_dir]
    for name, role in (("ana", "approver"), ("ben", "operator")):  # neither of them has made the other
        made = CliRunner().invoke(app, ["keys", "create", name, "--role", role, *by_operator])
        assert made.exit_code == 0, made.output
    band = Band(signal="uncertainty", rate=0.01, low=0.1, high=0.9, eta=0.1)
    with Client(source="/ben", settings=system.settings, key=load(system.settings.keys_dir, "ben")) as ben:
        for model in models:
            wanted = ThresholdRequested(
                family=f"{scope}/gauges", model=model, champion=VERSION, chosen="manual", band=band
            )
            ben.request(wanted, scope)

    def held() -> list[str]:
        """What was asked for; the learner's own proposals wait beside it."""
        given = payloads(system, VERDICTS, VerdictGiven.TYPE)
        waiting = [d["action"] for d in given if d["family"] == f"{scope}/gauges" and d["verdict"] == "held"]
        return [action for action in waiting if action.startswith("/homeostat/intake.requests/")]

    wait_until(lambda: len(held()) == n, PATIENCE_SECONDS)

    answers = [
        CliRunner().invoke(app, [("approve", "deny")[number % 2], action, "--key", "ana", *data_dir])
        for number, action in enumerate(held())
    ]

    assert [answer.exit_code for answer in answers] == [0] * n, [answer.output for answer in answers]
    assert Counter(answer.stdout.split()[0] for answer in answers) == {"approved": n // 2, "denied": n // 2}


def test_every_service_stops_gracefully(running: Ordeal) -> None:
    """SIGTERM ends each process with exit code 0, which one that is not done within 5 s does not have."""
    stack = running.stack
    first = {name: running.pid(name) for name in stack.ports}

    for pid in first.values():
        assert pid is not None
        os.kill(pid, signal.SIGTERM)

    def are_back() -> bool:
        stack.tick()
        return all(s.state == "running" and s.pid != first.get(s.name) for s in stack.status())

    wait_until(are_back, PATIENCE_SECONDS)
    assert {s.name: s.last_exit for s in stack.status() if s.name in first} == dict.fromkeys(first, 0)
