"""The real services on a real Kafka: killed, stopped, woken, rebalanced, frozen, fed with nonsense; nothing is lost."""

import json
import os
import signal
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import invalid_events as nonsense
from tests.support.live_chaos import PATIENCE_SECONDS, Ordeal, ordeal
from tests.support.memory_scenario import EVENTFUL
from tests.support.two_stage import wait_until
from typer.testing import CliRunner

from homeostat.admission.redaction import Redaction
from homeostat.admission.salt import Salt
from homeostat.audit.keys import load
from homeostat.audit.verify import verify_chain, verify_log
from homeostat.client import Client
from homeostat.client.sealing import Sealer
from homeostat.codec import Output, decode_event
from homeostat.codec.encode import partition_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionRequested,
    Band,
    BrakeConfirmed,
    BrakeSet,
    CheckpointSigned,
    EventRefused,
    FreezeLifted,
    FreezeSet,
    IncidentRecorded,
    LogDigested,
    ModelRegistered,
    RetrainStart,
    RulesSet,
    ScopeConfigured,
    SignalObserved,
    ThresholdSet,
    VerdictGiven,
)
from homeostat.events.logs import (
    AUDIT,
    DOORS,
    EXPERIENCE,
    GOVERNANCE,
    LOGS,
    MAX_INPUT_BYTES,
    POLICIES,
    POLICY_META_TRAINING,
    POLICY_RETRAIN,
    POLICY_THRESHOLD,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    VERDICTS,
)
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.settings import HostSettings
from homeostat_lab.demo.fleet import VERSION
from homeostat_lab.demo.memory_loop import folds
from homeostat_lab.demo.play import payloads
from homeostat_lab.demo.proof import prove
from homeostat_lab.demo.world import World
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable

pytestmark = pytest.mark.kafka
STATIONS, FIRST, ROUNDS = 6, 40, 80
"""Of the world `EVENTFUL`, in which nothing happens before event 40."""

Sent = tuple[str, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""A record as it was sent: log, partition, key, value, headers."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """All services but the trainer, on a broker of their own."""
    try:
        with ordeal(tmp_path_factory.mktemp("services")) as started:
            yield started
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")


def test_what_is_published_is_the_fold_of_the_input(running: Ordeal) -> None:
    """Two kills, one zombie, one rebalance: 0 lost, 0 doubled, and every decision is derived again."""
    rounds = iter(range(FIRST, FIRST + ROUNDS))
    running.install(World(EVENTFUL, STATIONS, FIRST + ROUNDS))

    def play(n: int, *, is_paced: bool = True) -> None:
        for _ in range(n):
            running.play(next(rounds), is_paced=is_paced)

    play(15)
    running.kill("intake")
    play(5, is_paced=False)
    running.kill("deciders")
    running.kill("law")
    play(20)
    with running.another("drift_detector") as port:
        running.await_partitions(port, TIMELINE, 1)
        play(5)
        with running.frozen("detector"):
            play(5, is_paced=False)
            running.await_partitions(
                port, TIMELINE, running.system.n_partitions(TIMELINE)
            )  # the other has been given up
            play(5, is_paced=False)
        play(10)  # the zombie has said what it was about to say, and joins again
    play(15)
    running.settle()

    found, report = running.exactness(), prove(running.system, folds())
    assert found.is_exact, found
    assert found.n_outputs > 1000
    assert (report.differences, report.n_equal) == ((), found.n_outputs)
    assert payloads(running.system, POLICY_RETRAIN, RetrainStart.TYPE), "nothing drifted: the run shows too little"


def test_the_audit_log_proves_every_log(running: Ordeal) -> None:
    """Leaves are one chain, signed by the notary, and every record of every log is what was digested."""
    notary, _ = running.stack.keys()
    running.settle()
    logs = [log.name for log in LOGS if log.name != AUDIT]

    def audited(payload: type[LogDigested] | type[CheckpointSigned]) -> list[Any]:
        records = (r for r in running.system.records(AUDIT) if dict(r.headers)["ce_type"] == payload.TYPE.encode())
        return [decode_event(record, time=0, emitter="", is_door=False).data for record in records]

    def is_complete() -> bool:
        leaves = [leaf for leaf in audited(LogDigested) if leaf.log in logs]
        n_digested = sum(leaf.last - leaf.first + 1 for leaf in leaves)
        signed = max((checkpoint.tree_size for checkpoint in audited(CheckpointSigned)), default=0)
        return n_digested >= running.n_written() and signed == len(audited(LogDigested))

    wait_until(is_complete, PATIENCE_SECONDS)

    leaves = audited(LogDigested)
    chain = verify_chain(leaves, audited(CheckpointSigned), {notary.key_id: notary.public_key_hex})
    assert chain.findings == ()
    assert chain.n_signed == chain.n_leaves == len(leaves)
    for log in logs:
        partitions: dict[int, list[Any]] = {}
        for record in running.system.records(log):
            partitions.setdefault(record.partition, []).append(record)
        for records in partitions.values():
            verified = verify_log(leaves, records)
            assert (verified.findings, verified.n_records) == ((), len(records))
    result = CliRunner().invoke(app, ["audit", "verify", "--json", "--data-dir", str(running.stack.data_dir)])
    found = json.loads(result.stdout)["findings"]
    assert (found[:3], len(found), result.exit_code) == ([], 0, 0)  # and who wrote them was entitled to


def _good(sealer: Sealer, n: int, partitions: int, ordeal_: Ordeal) -> dict[str, Output]:
    """The `n`-th event that each door takes."""
    operator = ordeal_.stack.keys()[1]
    hand = load(ordeal_.system.settings.keys_dir, "threshold_actuator")
    signal_ = SignalObserved(layer="service", name="load", value=float(n))
    incident = IncidentRecorded(incident=f"i-{n}", symptoms=("hot",), fix=("cooled",))
    confirmed = BrakeConfirmed(hand=hand.name, log=POLICY_THRESHOLD, partition=0, freeze=f"f-{n}", scope=nonsense.SCOPE)
    scope = ScopeConfigured(scope=nonsense.SCOPE, owner="testers", valid_until=int(time.time() * 1000) + 600_000)
    return {
        TELEMETRY: sealer.seal(TELEMETRY, nonsense.MODEL, signal_, partitions),
        TRACES: sealer.seal(TRACES, nonsense.FAMILY, incident, partitions),
        REQUESTS: sealer.seal(REQUESTS, nonsense.SCOPE, scope, partitions, operator),
        REPORTS: sealer.seal(REPORTS, nonsense.MODEL, confirmed, partitions, hand),
    }


def _refused(ordeal_: Ordeal) -> list[tuple[Sent, str]]:
    """What lies in quarantine, as it was sent, with the reason."""
    return [
        (
            (
                data["log"],
                data["partition"],
                _bytes(data.get("key")),
                _bytes(data.get("value")) if "digest" not in data else None,
                tuple((name, _bytes(text)) for name, text in data["headers"]),
            ),
            data["reason"],
        )
        for data in payloads(ordeal_.system, QUARANTINE, EventRefused.TYPE)
    ]


def _kept(bad: nonsense.Nonsense, salt: Salt) -> bytes | None:
    """What quarantine keeps of a value: without what the model's contract calls personal, nothing of a huge one."""
    if len(bad.value or b"") > MAX_INPUT_BYTES:
        return None
    names = nonsense.CONTRACT.personal_features if (bad.door, bad.key) == (TELEMETRY, nonsense.MODEL.encode()) else ()
    return Redaction(nonsense.SCOPE, names, salt).record(bad.key, bad.value, bad.headers).value


def _bytes(encoded: str | None) -> Any:
    return None if encoded is None else b64decode(encoded)


def _admitted(ordeal_: Ordeal, log: str, source: str) -> list[str]:
    """Ids of the events of a source that lie in an inner log, JSON ones."""
    found = []
    for record in ordeal_.system.records(log):
        if dict(record.headers)["content-type"].startswith(b"application/json"):
            event: Any = decode_event(record, time=0, emitter="", is_door=False)
            provenance = getattr(event.data, "provenance", None)
            if provenance is not None and provenance.source == source:
                found.append(provenance.id)
    return found


def test_nonsense_of_every_kind_is_kept_and_counted(running: Ordeal) -> None:
    """At every door: quarantined verbatim with its reason, counted, and the good ones around it go through."""
    system, sealer = running.system, Sealer("/good")
    outbox, ports = KafkaOutbox(system.settings, "nonsense"), running.stack.ports
    salt = HostSettings(data_dir=running.stack.data_dir).salt
    partitions, inner = system.n_partitions(TELEMETRY), (TIMELINE, EXPERIENCE, GOVERNANCE, GOVERNANCE)
    system.publish(TELEMETRY, nonsense.MODEL, nonsense.CONTRACT)
    running.settle()
    kinds = list(nonsense.of_every_kind())
    expected: Counter[tuple[Sent, str]] = Counter()
    good: dict[str, list[str]] = {door: [] for door in DOORS}

    def counted() -> float:
        return sum(
            running.metric(ports[pack], "homeostat_records_refused_total", fold=fold)
            for fold, pack in (
                ("intake.telemetry", "intake"),
                ("intake.traces", "intake"),
                ("intake.reports", "intake"),
                ("intake.requests", "law"),
            )
        )

    n_counted, before = counted(), Counter(_refused(running))
    for n, bad in enumerate(kinds):
        around = _good(sealer, n, partitions, running)[bad.door]
        place = partition_of(bad.key or around.key, partitions)
        good[bad.door].append(dict(around.headers)["ce_id"].decode())
        outbox.send(around)
        outbox.send(Output(bad.door, place, bad.key, bad.value, bad.headers))  # type: ignore[arg-type]  # no key at all
        expected[(bad.door, place, bad.key, _kept(bad, salt), tuple(bad.headers)), bad.reason] += 1
    outbox.flush()
    running.settle()

    found_refused = Counter(_refused(running)) - before
    missing, more = expected - found_refused, found_refused - expected
    assert (list(missing.items())[:3], list(more.items())[:3]) == ([], [])
    assert counted() - n_counted == len(kinds)
    for door, log in zip(DOORS, inner, strict=True):
        assert set(good[door]) <= set(_admitted(running, log, "/good")), door
    found = running.exactness()
    assert found.is_exact, found


def test_what_was_refused_goes_through_once_its_cause_is_gone(running: Ordeal) -> None:
    """`quarantine replay` puts it back, verbatim; doing it twice doubles nothing."""
    system, model = running.system, "late/model"
    signal_ = SignalObserved(layer="service", name="load", value=1.0)
    early = Sealer("/early").seal(TELEMETRY, model, signal_, system.n_partitions(TELEMETRY))
    outbox = KafkaOutbox(system.settings, "early")
    outbox.send(early)
    outbox.flush()
    running.settle()
    refused = [reason for sent, reason in _refused(running) if sent[2] == model.encode()]
    system.publish(TELEMETRY, model, ModelRegistered(family="family", champion="v1"))
    running.settle()
    again = ["quarantine", "replay", "--why", "model_unregistered", "--model", model]
    data_dir = ["--data-dir", str(running.stack.data_dir)]

    results = [CliRunner().invoke(app, [*again, *data_dir]) for _ in range(2)]
    running.settle()

    assert refused == ["model_unregistered"]
    assert [result.exit_code for result in results] == [0, 0], results[0].output
    assert _admitted(running, TIMELINE, "/early") == [dict(early.headers)["ce_id"].decode()]


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
        wanted = ActionRequested(
            kind="threshold", family=family, model=model, champion=VERSION, chosen="manual", band=band
        )
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
        wanted = ActionRequested(
            kind="threshold", family=f"{scope}/gauges", model=model, champion=VERSION, chosen="manual", band=band
        )
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
            wanted = ActionRequested(
                kind="threshold", family=f"{scope}/gauges", model=model, champion=VERSION, chosen="manual", band=band
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
