"""A forked child lets the connections of its parent be."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from homeostat.client.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.events import SignalObserved
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.memory import MemoryLog

ROOT = Path(__file__).parents[3]

_TELLING = """
import faulthandler, os
os.register_at_fork(after_in_child=lambda: faulthandler.dump_traceback_later(200, exit=True))
"""
"""A child that hangs says where before the script's time is over."""


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own: what is forked here would be this test run."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-c", _TELLING + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("used", [True, False])
def test_a_child_ends_as_if_there_were_no_connection(used: bool) -> None:
    """It neither hangs nor crashes in what it inherited, nor speaks of records that its parent has still to send."""
    done = run(
        f"""
        import os, sys
        from tests.unit.client.test_producing import *
        from confluent_kafka.admin import AdminClient
        from homeostat.client import ending
        from homeostat.client.kafka import KafkaLogs
        ending.END_SECONDS = 0.1
        logs = KafkaLogs(NOWHERE)
        follower = None
        if {used}:
            logs._producer = ClientProducer(NOWHERE, "test")
            logs.send(output(0))
            logs._admin = AdminClient(NOWHERE.client())
            from homeostat.client.following import KafkaFollower
            from homeostat.runtime.cluster import Cluster
            follower = KafkaFollower(NOWHERE, Cluster(NOWHERE), {{("homeostat.telemetry", 0): 0}}, "test")
            follower.poll(0.0)
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            print("status", status)
            os._exit(0)
        del follower
        """
    )

    assert done.stdout == "status 0\n", done
    assert done.stderr == ""


def test_a_child_sends_for_itself() -> None:
    """What it publishes does not disappear in its parent's queue: when it ends it says what it could not send."""
    done = run(
        """
        import os
        from tests.unit.client.test_producing import *
        from homeostat.client import ending
        from homeostat.client.kafka import KafkaLogs
        ending.END_SECONDS = 0.1
        logs = KafkaLogs(NOWHERE)
        for number in range(3):
            logs.send(output(number))
        if child := os.fork():
            os.waitpid(child, 0)
            os._exit(0)
        logs.send(output(3))
        """
    )

    assert "homeostat: 1 records were not delivered" in done.stderr, done


_HANGING = """
import os, sys, threading, time
from tests.unit.client.test_producing import *
from homeostat.client import ending, following, forking, kafka, producing
from homeostat.client.kafka import KafkaLogs
from homeostat.runtime import cluster
ending.END_SECONDS = forking._CLOSE_SECONDS = 0.1

class Hanging:
    # The library in a child whose parent looked a broker up at the fork: destroying it waits for ever.
    def __init__(self, *_, **__): pass
    def __len__(self): return 0
    def flush(self, *_): return 0
    def purge(self): pass
    def poll(self, *_): return None
    def produce(self, *_, **__): pass
    def consume(self, *_): return []
    def assign(self, _): pass
    def close(self): threading.Event().wait()
    def __del__(self): threading.Event().wait()

producing.Producer = kafka.AdminClient = cluster.AdminClient = following.plain_consumer = Hanging

def use():
    logs = KafkaLogs(NOWHERE)
    logs._cluster = cluster.Cluster(NOWHERE)
    logs._admin_client()
    logs.send(output(0))
    follower = logs.follow({("homeostat.telemetry", 0): 0})
    follower.poll(0.0)
    return logs, follower

def ends(work):
    if (child := os.fork()) == 0:
        work()
        sys.exit(0)
    for _ in range(400):
        if os.waitpid(child, os.WNOHANG)[0]:
            print("ended")
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        print("hung")
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.parametrize(
    "work",
    [
        "globals().update(kept=use())",
        "use()",
        "[one.close() for one in use()]",
        "(lambda held: held[0].close() or globals().update(kept=held))(use())",
    ],
    ids=["held at the end", "dropped", "closed", "one closed"],
)
def test_a_process_never_waits_for_the_library_to_be_destroyed(work: str) -> None:
    """A thread that hangs on a lock that was held at the fork is never joined: what is sent was flushed before."""
    done = run(_HANGING + f"ends(lambda: {work})")

    assert done.stdout == "ended\n", done


def test_a_process_that_was_not_forked_does_not_wait_for_ever_either() -> None:
    """The library may look a broker up for long: its handles are given back within seconds, or not at all."""
    done = run(_HANGING + "kept = use()\nprint('ended')")

    assert (done.stdout, done.returncode) == ("ended\n", 0), done


def test_a_child_of_multiprocessing_sends_before_it_ends() -> None:
    """It ends by `os._exit`, and no exit handler of the interpreter runs."""
    done = run(
        """
        import multiprocessing
        from tests.unit.client.test_producing import *
        from homeostat.client import ending
        from homeostat.client.kafka import KafkaLogs
        ending.END_SECONDS = 0.1
        logs = KafkaLogs(NOWHERE)
        def work():
            for number in range(2):
                logs.send(output(number))
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        print("status", child.exitcode)
        """
    )

    assert done.stdout == "status 0\n", done
    assert "homeostat: 2 records were not delivered" in done.stderr, done


def test_parent_and_child_do_not_share_ids() -> None:
    """A door would take what the child says for a repeat of what the parent says."""
    log = MemoryLog()
    client = Client(source="/svc", logs=MemoryLogs(log))
    signal = SignalObserved(layer="edge", name="t", value=1.0)
    client.publish(None, "team/m", signal)

    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, client.publish(None, "team/m", signal).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 1000).decode()

    parents = {client.publish(None, "team/m", signal) for _ in range(3)}
    assert told
    assert told not in parents
    assert len(list(log.all(TELEMETRY))) == 4


def test_a_listener_does_not_go_on_in_a_child_and_says_so() -> None:
    """Its thread is not there: silence would look like nothing to do."""
    done = run(
        """
        import os
        from homeostat.client import Client
        from homeostat.client.memory import MemoryLogs
        from homeostat.runtime.memory import MemoryLog
        listener = Client(logs=MemoryLogs(MemoryLog()), notary="00" * 32).on_policy(print)
        if child := os.fork():
            os.waitpid(child, 0)
            os._exit(0)
        print("listens:", listener.is_running)
        """
    )

    assert done.stdout == "listens: False\n", done
    assert "call it there" in done.stderr
