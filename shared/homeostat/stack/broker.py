"""A real Apache Kafka (KRaft, one node) as a child process: no container, no Java of the machine needed."""

import base64
import fcntl
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from homeostat.stack import child, jars
from homeostat.stack.errors import KafkaUnavailable
from homeostat.stack.java import find_java
from homeostat.stack.ports import LOOPBACK, pick_port
from homeostat.stack.properties import JVM_OPTIONS, server_properties

START_TIMEOUT_SECONDS: Final = 60.0
"""A start takes 2 s on a laptop; a broker that replays a long log after a crash takes longer."""

STOP_TIMEOUT_SECONDS: Final = 20.0


def _silent(_: str) -> None:
    """Drop progress."""


class Broker:
    """One Kafka broker and its data.

    Data, topics, offsets and the port survive a restart, a `kill`, and the end of this process. What the operating
    system had not written when the machine lost power may be lost: there is one copy.

    The broker is stopped when the thread that called `start` ends (Linux), and not by Ctrl-C in the terminal.

    Args:
        data_dir: Everything lives in `<data_dir>/kafka`; one broker at a time may use it.
        port: Wanted port on 127.0.0.1; another is taken when it is in use. None: the port of the last start, else any.
        on_progress: Called with a line of text while the first start downloads Kafka.
    """

    def __init__(self, data_dir: Path, port: int | None = None, on_progress: Callable[[str], None] = _silent) -> None:
        self.home: Final = (data_dir / "kafka").absolute()
        self.log: Final = self.home / "broker.log"
        self._wanted_port = port
        self._on_progress = on_progress
        self._port = 0
        self._process: child.Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, `host:port`; fixed by `start`."""
        if not self._port:
            raise RuntimeError("the broker was not started: its port is not chosen yet")
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id; None when it does not run."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives; it may have ended by itself."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start, and return when clients are answered. Does nothing when it runs.

        Args:
            timeout_seconds: From the start of the process; a first download is not counted.

        Raises:
            KafkaUnavailable: Kafka or Java cannot be had, or the broker ended or did not answer in time.
        """
        if self.is_running:
            return
        java = str(find_java(os.environ))
        self._refuse_shared_data()
        class_path = os.pathsep.join(map(str, jars.ensure_jars(self._on_progress)))
        self.home.mkdir(parents=True, exist_ok=True)
        properties = self._write_properties()
        if not (self.home / "logs" / "meta.properties").exists():
            self._format(java, class_path, properties)
        argv = [java, *JVM_OPTIONS, "-cp", class_path, "kafka.Kafka", str(properties)]
        self._process = child.spawn(argv, {}, self.log)
        try:
            self._await_answer(time.monotonic() + timeout_seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """Stop in order (SIGTERM); kill when that takes longer than the timeout."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_properties(self) -> Path:
        """Choose the ports, the last ones if possible, and write the settings."""
        remembered = self.home / "ports.json"
        last: list[int] = json.loads(remembered.read_text()) if remembered.exists() else []
        wanted = [] if self._wanted_port is None else [self._wanted_port]
        self._port = pick_port([*wanted, *last[:1]])
        controller_port = pick_port(last[1:], taken=[self._port])
        remembered.write_text(json.dumps([self._port, controller_port]))
        properties = self.home / "server.properties"
        properties.write_text(server_properties(self.home / "logs", self._port, controller_port))
        return properties

    def _format(self, java: str, class_path: str, properties: Path) -> None:
        """Write the identity of a new cluster."""
        command = ["format", "--standalone", "-t", _new_cluster_id(), "-c", str(properties)]
        argv = [java, *JVM_OPTIONS, "-cp", class_path, "kafka.tools.StorageTool", *command]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise KafkaUnavailable(
                f"The data directory could not be prepared (exit {done.returncode}):\n{done.stdout}{done.stderr}",
                f"Check that {self.home} can be written and has space.",
            )

    def _await_answer(self, deadline: float) -> None:
        while not self._answers():
            if not self.is_running:
                raise self._died()
            if time.monotonic() > deadline:
                raise KafkaUnavailable(
                    f"The broker did not answer in time. The end of {self.log}:\n{self._log_tail()}",
                    "The machine may be overloaded: try again, or raise the timeout.",
                )
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            # a plain connection first: a Kafka client would back off and complain while nobody listens
            socket.create_connection((LOOPBACK, self._port), timeout=0.5).close()
            client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
            return bool(client.list_topics(timeout=2.0).brokers)
        except (OSError, KafkaException):
            return False

    def _died(self) -> KafkaUnavailable:
        status = self._process.returncode if self._process else None
        return KafkaUnavailable(
            f"The broker ended at start (exit {status}). The end of its log:\n{self._log_tail()}", f"Read {self.log}."
        )

    def _log_tail(self) -> str:
        lines = child.log_tail(self.log, n_lines=100).splitlines()
        return "\n".join([line for line in lines if not line.startswith("\tat ")][-10:])  # frames of Java tell little

    def _refuse_shared_data(self) -> None:
        """Look at Kafka's own lock before anything is written: a second start must not disturb the first."""
        lock = self.home / "logs" / ".lock"
        if not lock.exists():
            return
        with lock.open("r+b") as held:
            try:
                fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise KafkaUnavailable(
                    f"Another broker uses {self.home}.", "Stop it, or name another data directory."
                ) from error


def _new_cluster_id() -> str:
    """Make an id as Kafka does: 16 random bytes, URL-safe base64, never taken for an option."""
    while (text := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return text
