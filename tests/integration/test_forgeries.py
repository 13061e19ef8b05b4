"""A hand on a real broker, whose policy log others may write to: it does what is genuine and keeps the rest."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.broker import shared_broker
from tests.support.hand_shop import NOTARY, OWN, Worker, command, key_of, record
from tests.support.two_stage import wait_until

from homeostat.client.kafka import KafkaLogs
from homeostat.codec import Output, Record, decode_event
from homeostat.events import BrakeConfirmed, BrakeReleased, BrakeSet, EventRefused
from homeostat.events.logs import LOGS, POLICY_ROLLOUT, QUARANTINE, REPORTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka_hands import KafkaHands
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka
WAIT_SECONDS = 240.0
FOREVER = 9_000_000_000_000


class Prober(Worker):
    """A worker of this test only: its name and its scope are nobody else's on a shared broker."""

    name = "forgeries_tester"
    logs = (POLICY_ROLLOUT,)


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[str]:
    """A broker of its own: other tests write commands of the same notary, which this hand would answer too."""
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(shared_broker(tmp_path, None))
        except KafkaUnavailable as unavailable:
            pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
        yield servers


@pytest.fixture
def logs(kafka: str) -> Iterator[KafkaLogs]:
    """The logs, read and written directly."""
    ensure_topics(kafka, [TopicSpec(log.name, log.partitions or 3, log.config()) for log in LOGS])
    logs = KafkaLogs(HostSettings(bootstrap_servers=kafka))
    yield logs
    logs.close()


def write(logs: KafkaLogs, *records: Record) -> None:
    """Append to the policy log."""
    for made in records:
        logs.send(Output(POLICY_ROLLOUT, 0, made.key or b"", made.value, made.headers))
    logs.flush()


def said(logs: KafkaLogs, topic: str, source: str) -> list[Record]:
    """What the hand has written to a log; what it says again after it was assigned anew has the ids that it had."""
    own = [r for r in logs.read([topic]) if dict(r.headers).get("ce_source", b"").startswith(source.encode())]
    return list({dict(record.headers)["ce_id"]: record for record in own}.values())


def test_forgeries_stop_nothing_and_are_kept(kafka: str, logs: KafkaLogs) -> None:
    """Forged brakes, releases and commands, a brake named `².0`, bytes: then a freeze and its release, obeyed."""
    settings, hand = HostSettings(bootstrap_servers=kafka), Prober()
    cluster = Cluster(settings)
    cluster.load()
    runner = HandRunner(hand, public_keys={NOTARY.key_id: NOTARY.public_key_hex}, key=OWN)
    host = KafkaHands("forgeries-tester", runner, settings, cluster)
    thread = threading.Thread(target=host.run, daemon=True)
    rollout = command(model="forged/m", family="forged/f", expires_at=FOREVER)
    brake, release = BrakeSet(scope="forged", freeze="f#1"), BrakeReleased(scope="forged", freeze="g#1")
    odd = record(brake, 1, key=None)
    odd.headers = [(name, "².0".encode() if name == "ce_id" else value) for name, value in odd.headers]
    broken = Record(POLICY_ROLLOUT, "t", 0, 0, 0, b"\xff", b"[" * 50_000, [("ce_type", b"\xff")])
    write(logs, record(brake, 1, key=None), record(brake, 2, key=key_of(2)), odd, broken, record(rollout, 3))

    thread.start()
    try:
        wait_until(lambda: len(hand.acted) == 1, WAIT_SECONDS)
        write(logs, record(brake, 4), record(release, 5, key=None), record(rollout, 6), record(rollout, 7, key=None))
        wait_until(lambda: runner.refused["braked"] >= 1 and runner.quarantined["unsigned"] >= 5, WAIT_SECONDS)
        write(logs, record(release, 8), record(rollout, 9))
        wait_until(lambda: len(hand.acted) == 2, WAIT_SECONDS)
        wait_until(lambda: len(said(logs, REPORTS, "/homeostat/hand/forgeries_tester")) == 4, WAIT_SECONDS)
        wait_until(lambda: len(said(logs, QUARANTINE, "/homeostat/hand/forgeries_tester")) == 6, WAIT_SECONDS)
    finally:
        host.stop()
        thread.join(WAIT_SECONDS)

    reports = said(logs, REPORTS, "/homeostat/hand/forgeries_tester")
    events = [decode_event(r, time=r.timestamp, emitter="", is_door=True) for r in reports]
    assert sorted(event.type.split(".")[2] for event in events) == ["confirmed", "failed", "progressed", "progressed"]
    assert {event.key_id for event in events} == {OWN.key_id}
    assert [event.data.freeze for event in events if isinstance(event.data, BrakeConfirmed)] == ["f#1"]
    kept = [
        decode_event(r, time=r.timestamp, emitter="", is_door=False).data
        for r in said(logs, QUARANTINE, "/homeostat/hand/forgeries_tester")
    ]
    reasons = sorted(data.reason for data in kept if isinstance(data, EventRefused))
    assert reasons == ["header_invalid", *["unsigned"] * 5]
