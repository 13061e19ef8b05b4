"""The HTTP door in front of a real broker: the page about it is true, what is acknowledged is there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.test_client import refusals

from homeostat.audit import keys
from homeostat.client.kafka import KafkaLogs
from homeostat.codec import Output, Record
from homeostat.codec.encode import partition_of
from homeostat.events.logs import LOGS, REQUESTS, TELEMETRY
from homeostat.runtime.settings import HostSettings
from homeostat.services.http_door.tokens import read_table
from homeostat_tools.local_stack.ports import pick_port
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text("utf-8")
SIGNING = (ROOT / "docs" / "requests.md").read_text("utf-8")
WAIT_SECONDS = 60.0
SOME = 20


def blocks(page: str, language: str) -> list[str]:
    """Code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


class DoorProcess:
    """`python -m homeostat.services.http_door` with some settings."""

    def __init__(self, servers: str, folder: Path, **settings: str) -> None:
        self.port = pick_port(())
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder / "door.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
        given = {"HOMEOSTAT_BOOTSTRAP_SERVERS": servers, "PYTHONPATH": os.pathsep.join(sys.path), **settings}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "homeostat.services.http_door", "--port", str(self.port)],
                env=kept | given,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5.0) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def post(self, body: object, content_type: str = "application/cloudevents+json") -> int:
        """Send events; return the status, 0 where nobody answers."""
        request = urllib.request.Request(
            f"{self.url}/v1/events", json.dumps(body).encode(), {"content-type": content_type}
        )
        try:
            with urllib.request.urlopen(request, timeout=30.0) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def await_status(self, path: str, status: int) -> str:
        """Wait until a path answers so; return the body."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := self.get(path))[0] != status:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, (found, self.output.read_text())
            time.sleep(0.05)
        return found[1]

    def stop(self) -> int:
        """End it; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)


@pytest.fixture(scope="module")
def servers(kafka: str) -> str:
    """A broker with every log."""
    ensure_topics(kafka, [TopicSpec(log.name, log.partitions or 3, log.config()) for log in LOGS])
    return kafka


@pytest.fixture
def door(servers: str, tmp_path: Path) -> Iterator[DoorProcess]:
    """A door that is ready."""
    made = DoorProcess(servers, tmp_path)
    try:
        made.await_status("/readyz", 200)
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def written(servers: str, topic: str, source: str) -> list[Record]:
    """Records of a topic that a source has sent, in their order."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    found = [record for record in logs.read([topic]) if dict(record.headers).get("ce_source") == source.encode()]
    logs.close()
    return found


def as_outputs(records: list[Record]) -> list[Output]:
    return [Output(r.topic, r.partition, r.key or b"", r.value, r.headers) for r in records]


@pytest.mark.kafka
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_the_examples_of_the_page_work(servers: str, door: DoorProcess) -> None:
    """As they stand there: intake takes all four events, which lie where the client would have put them."""
    done = subprocess.run(
        ["bash", "-eu", "-c", blocks(PAGE, "sh")[0]],
        env={**os.environ, "DOOR": door.url},
        capture_output=True,
        text=True,
        check=True,
    )
    records = written(servers, TELEMETRY, "/ci")

    assert done.stdout == '{"accepted":1}{"accepted":1}{"accepted":2}'
    assert [dict(record.headers)["ce_id"] for record in records] == [b"1", b"2", b"3", b"4"]
    assert {record.partition for record in records} == {partition_of(b"shop/ranker", 3)}
    assert refusals(as_outputs(records)) == []


@pytest.mark.kafka
def test_a_request_signed_by_hand_arrives_as_over_kafka(servers: str, door: DoorProcess, tmp_path: Path) -> None:
    """The script of the page about signing, with the two lines of the page about HTTP in place of its producer."""
    keys.create(tmp_path / ".homeostat" / "keys", "operator")
    script = blocks(SIGNING, "python")[0].partition("producer = ")[0] + blocks(PAGE, "python")[0]
    script = f"import urllib.request\ndoor = {door.url!r}\n{script}\nassert answer.status == 202\n"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=WAIT_SECONDS)

    (record,) = written(servers, REQUESTS, "/people/ana")

    assert record.key == b"shop"
    assert refusals(as_outputs([record]), REQUESTS) == []


@pytest.mark.kafka
def test_what_was_acknowledged_is_there_after_a_stop(servers: str, door: DoorProcess) -> None:
    """A stop in the middle of it: every 202 is in the topic, once, and the door ends with 0."""
    acknowledged: list[str] = []

    def send(stem: str) -> None:
        for n in range(10_000):
            event = {"specversion": "1.0", "id": f"{stem}-{n}", "source": "/stop", "subject": "stop/model"}
            body = {"type": "homeostat.signal.observed.v1", "data": {"layer": "service", "name": "n", "value": n}}
            if door.post(event | body) != 202:
                return
            acknowledged.append(f"{stem}-{n}")

    threads = [threading.Thread(target=send, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + WAIT_SECONDS
    while len(acknowledged) < SOME:
        assert time.monotonic() < deadline, acknowledged
        time.sleep(0.01)
    code = door.stop()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    ids = [dict(record.headers)["ce_id"].decode() for record in written(servers, TELEMETRY, "/stop")]

    assert code == 0, door.output.read_text()
    assert set(acknowledged) <= set(ids)
    assert len(set(ids)) == len(ids)


def test_the_table_of_the_page_is_one(tmp_path: Path) -> None:
    """Written by its own lines."""
    subprocess.run(["bash", "-eu", "-c", blocks(PAGE, "sh")[1]], cwd=tmp_path, check=True)
    (tmp_path / "tokens.toml").chmod(0o644)

    (grant,) = read_table(tmp_path / "tokens.toml").values()

    assert (grant.name, grant.scopes, grant.events_per_second) == ("checkout-lambda", frozenset({"shop"}), 200.0)


def test_a_broker_that_is_away_is_said(tmp_path: Path) -> None:
    """Alive, not ready, 503 for events."""
    door = DoorProcess("127.0.0.1:1", tmp_path)
    try:
        door.await_status("/healthz", 200)
        event = {
            "specversion": "1.0",
            "id": "1",
            "source": "/x",
            "subject": "shop/m",
            "type": "homeostat.labels.observed.v1",
        }

        assert "Kafka" in door.await_status("/readyz", 503)
        assert door.post(event | {"data": {"request": ["a"], "time": [1_700_000_000], "label": [1]}}) == 503
        assert door.stop() == 0
    finally:
        door.process.kill()
        door.process.wait()


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"HOMEOSTAT_HTTP_DOOR_HOST": "0.0.0.0"}, 70, "no tokens are set up"),
        ({"HOMEOSTAT_HTTP_DOOR_PROT": "1"}, 70, "HOMEOSTAT_HTTP_DOOR_PORT"),
        ({"HOMEOSTAT_HTTP_DOOR_TOKENS": "nowhere.toml"}, 70, "cannot be read"),
        ({"HOMEOSTAT_HTTP_DOOR_OIDC_ISSUER": "https://id.example"}, 70, "set together"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(tmp_path: Path, settings: dict[str, str], code: int, said: str) -> None:
    """What is wrong, and what to do."""
    door = DoorProcess("127.0.0.1:1", tmp_path, **settings)

    assert door.process.wait(WAIT_SECONDS) == code
    assert said in door.output.read_text()
    assert "Traceback" not in door.output.read_text()
