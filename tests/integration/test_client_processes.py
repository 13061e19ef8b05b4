"""The client in processes that fork and end: what every one of them has published is in the log, once."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from homeostat.client.kafka import KafkaLogs
from homeostat.codec import decode_event
from homeostat.events import Samples
from homeostat.events.logs import LOGS, TELEMETRY
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka

_PRELUDE = """
import multiprocessing, os, sys
from homeostat.client import Client
client = Client(sys.argv[1], source=sys.argv[2])
def say(who, n=20):
    for row in range(n):
        client.publish_samples("it/fork", "v1", request=[f"{who}-{row}"], prediction=[row])
def wait(child):
    assert os.waitpid(child, 0)[1] == 0
"""

_FORKS = """
for who in ("exit-a", "exit-b"):
    if (child := os.fork()) == 0:
        say(who)
        sys.exit(0)
    wait(child)
if (child := os.fork()) == 0:
    say("hard")
    client.flush()
    os._exit(0)
wait(child)
children = [multiprocessing.get_context("fork").Process(target=say, args=(who,)) for who in ("mp-a", "mp-b")]
for child in children:
    child.start()
for child in children:
    child.join()
    assert child.exitcode == 0
if (child := os.fork()) == 0:
    say("child")
    if (grandchild := os.fork()) == 0:
        say("grandchild")
        sys.exit(0)
    wait(grandchild)
    sys.exit(0)
wait(child)
"""
_CHILDREN = ("exit-a", "exit-b", "hard", "mp-a", "mp-b", "child", "grandchild")

_ENDS = {"return": "", "exit": "sys.exit(3)", "exception": "raise ValueError", "interrupt": "raise KeyboardInterrupt"}


@pytest.fixture(scope="module")
def servers(kafka: str) -> str:
    """A broker with every log."""
    ensure_topics(kafka, [TopicSpec(log.name, log.partitions or 3, log.config()) for log in LOGS])
    return kafka


def run(servers: str, source: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a user's script that never closes its client."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])}
    argv = [sys.executable, "-c", _PRELUDE + script, servers, source]
    return subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=240, check=False)


def published(servers: str, source: str) -> Counter[str]:
    """How often each request of a source is at the door, read as the door reads it."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    found: Counter[str] = Counter()
    identities = set()
    for record in logs.read([TELEMETRY]):
        event = decode_event(record, time=0, emitter="", is_door=True)
        if event.source == source and isinstance(event.data, Samples):
            assert event.identity not in identities
            identities.add(event.identity)
            found.update(event.data.request)
    logs.close()
    return found


@pytest.mark.parametrize("has_published", [True, False])
def test_forked_children_publish(servers: str, has_published: bool) -> None:
    """Whether the parent has used its client before the fork or not, and with records under way at the fork."""
    source = f"/it/forks/{has_published}"
    before = 'say("before", 5)' if has_published else ""

    done = run(servers, source, f"{before}\n{_FORKS}\nsay('after', 5)\n")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    wanted = dict.fromkeys(_CHILDREN, 20) | {"after": 5} | ({"before": 5} if has_published else {})
    assert published(servers, source) == Counter(f"{who}-{row}" for who, n in wanted.items() for row in range(n))


@pytest.mark.parametrize("how", _ENDS)
def test_a_script_that_does_not_close_loses_nothing(servers: str, how: str) -> None:
    """However it ends, but for a signal."""
    source = f"/it/end/{how}"

    run(servers, source, f"say('rows', 7)\n{_ENDS[how]}\n")

    assert published(servers, source) == Counter(f"rows-{row}" for row in range(7))


def test_policies_go_on_in_a_child(servers: str) -> None:
    """A child reads on from where its parent was, on a connection of its own."""
    script = """
from tests.integration.test_client import NOTARY, rollout, say as tell
logs = client._logs
client = Client(sys.argv[1], source=sys.argv[2], notary=NOTARY.public_key_hex)
policies = client.policies("rollout", model="it/forked", since="beginning")
tell(logs, 101, rollout("it/forked"), "it/forked")
logs.flush()
print(next(policies).event.id)
tell(logs, 102, rollout("it/forked"), "it/forked")
logs.flush()
if (child := os.fork()) == 0:
    print(next(policies).event.id, flush=True)
    os._exit(0)
wait(child)
print(next(policies).event.id)
"""

    done = run(servers, "/it/reader", script)

    assert done.stdout.split() == ["101.0", "102.0", "102.0"], done.stderr
