"""Running services refuse nonsense of every kind, and take it once its cause is gone."""

from collections import Counter

import pytest
from tests.support import invalid_events as nonsense
from tests.support.live_chaos import Ordeal
from tests.support.refusals_kept import Sent, admitted, good_events, kept_of, refused
from typer.testing import CliRunner

from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Output
from homeostat.codec.encode import partition_of
from homeostat.events import (
    ModelRegistered,
    SignalObserved,
)
from homeostat.events.logs import (
    DOORS,
    EXPERIENCE,
    GOVERNANCE,
    TELEMETRY,
    TIMELINE,
)
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.app import app

pytestmark = pytest.mark.kafka


def test_nonsense_of_every_kind_is_kept_and_counted(running: Ordeal) -> None:
    """At every door: quarantined verbatim with its reason, counted, and the good ones around it go through."""
    system, builder = running.system, EventBuilder("/good")
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

    n_counted, before = counted(), Counter(refused(running))
    for n, bad in enumerate(kinds):
        around = good_events(builder, n, partitions, running)[bad.door]
        place = partition_of(bad.key or around.key, partitions)
        good[bad.door].append(dict(around.headers)["ce_id"].decode())
        outbox.send(around)
        outbox.send(Output(bad.door, place, bad.key, bad.value, bad.headers))  # type: ignore[arg-type]  # no key at all
        expected[(bad.door, place, bad.key, kept_of(bad, salt), tuple(bad.headers)), bad.reason] += 1
    outbox.flush()
    running.settle()

    found_refused = Counter(refused(running)) - before
    missing, more = expected - found_refused, found_refused - expected
    assert (list(missing.items())[:3], list(more.items())[:3]) == ([], [])
    assert counted() - n_counted == len(kinds)
    for door, log in zip(DOORS, inner, strict=True):
        assert set(good[door]) <= set(admitted(running, log, "/good")), door
    found = running.exactness()
    assert found.is_exact, found


def test_what_was_refused_goes_through_once_its_cause_is_gone(running: Ordeal) -> None:
    """`quarantine replay` puts it back, verbatim; doing it twice doubles nothing."""
    system, model = running.system, "late/model"
    signal_ = SignalObserved(layer="service", name="load", value=1.0)
    early = EventBuilder("/early").build(TELEMETRY, model, signal_, system.n_partitions(TELEMETRY))
    outbox = KafkaOutbox(system.settings, "early")
    outbox.send(early)
    outbox.flush()
    running.settle()
    reasons = [reason for sent, reason in refused(running) if sent[2] == model.encode()]
    system.publish(TELEMETRY, model, ModelRegistered(family="family", champion="v1"))
    running.settle()
    again = ["quarantine", "replay", "--why", "model_unregistered", "--model", model]
    data_dir = ["--data-dir", str(running.stack.data_dir)]

    results = [CliRunner().invoke(app, [*again, *data_dir]) for _ in range(2)]
    running.settle()

    assert reasons == ["model_unregistered"]
    assert [result.exit_code for result in results] == [0, 0], results[0].output
    assert admitted(running, TIMELINE, "/early") == [dict(early.headers)["ce_id"].decode()]
