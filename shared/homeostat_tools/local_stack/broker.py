"""A real Apache Kafka (KRaft, one node) as a child process: no container, no Java of the machine needed."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from homeostat_tools.local_stack import jars, subprocesses
from homeostat_tools.local_stack.broker_files import class_path, is_secure, new_cluster_id, write_private
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.folders import make_folder
from homeostat_tools.local_stack.java import find_java
from homeostat_tools.local_stack.ports import LOOPBACK, is_free, pick_port
from homeostat_tools.local_stack.properties import JVM_ENVIRONMENT, JVM_OPTIONS, server_properties
from homeostat_tools.local_stack.scram import ADMIN, ScramUsers

START_TIMEOUT_SECONDS: Final = 60.0
"""A start takes 2 s on a laptop; a broker that replays a long log after a crash takes longer."""


STOP_TIMEOUT_SECONDS: Final = 20.0


_CAUSES: Final = (
    "No space left on device",
    "File too large",
    "Read-only file system",
    "Permission denied",
    "Too many open files",
    "Disk quota exceeded",
    "Input/output error",
)
"""What the system says of a place that cannot be written."""


_READ_BYTES: Final = 1 << 20


_FULL_BYTES: Final = 32 << 20
"""Free space below which a broker that ended did so for want of it: a new segment's index alone takes 10 MiB."""


def _silent(_: str) -> None:
    """Drop progress."""


class Broker:
    """One Kafka broker and its data.

    Data, topics, offsets and the port survive a restart, a `kill`, and the end of this process. What the operating
    system had not written when the machine lost power may be lost: there is one copy.

    The broker is stopped when the thread that called `start` ends (Linux), and not by Ctrl-C in the terminal.

    Args:
        data_dir: Everything lives in `<data_dir>/kafka`; one broker at a time may use it.
        port: Wanted port on 127.0.0.1; another is taken when it is in use. None: the port of the last start, else
            `first_port`, else any.
        first_port: Of the first start, if it is free; None: any.
        on_progress: Called with a line of text while the first start downloads Kafka.
        lock: List of the jars: which Kafka it is.
        settings: Of the broker, by Kafka's names, beside or instead of ours; its listener for clients on this machine,
            without security, stays.
        users: Nobody is let in but them, and each does what ACLs grant; None: whoever reaches the port may do all.
            Decided when the data are made: data without users are not given any, and the other way round.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        on_progress: Callable[[str], None] = _silent,
        *,
        first_port: int | None = None,
        lock: Path = jars.LOCK,
        settings: Mapping[str, str] | None = None,
        users: ScramUsers | None = None,
    ) -> None:
        self.home: Final = (data_dir / "kafka").absolute()
        self.log: Final = self.home / "broker.log"
        self._wanted_port, self._first_port = port, first_port
        self._on_progress, self._lock, self._settings = on_progress, lock, settings or {}
        self._users, self._port, self._log_start = users, 0, 0
        self._process: subprocesses.Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, `host:port`; fixed by `start`."""
        if not self._port:
            raise RuntimeError("the broker was not started: its port is not chosen yet")
        return f"{LOOPBACK}:{self._port}"

    def client(self) -> dict[str, str]:
        """Settings of librdkafka of somebody who may do everything here."""
        return {"bootstrap.servers": self.bootstrap_servers} | (self._users.properties(ADMIN) if self._users else {})

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
            FolderUnusable: The data have no place.
        """
        if self.is_running:
            return
        java = str(find_java(os.environ).absolute())  # the process has another working directory
        make_folder(self.home)
        self._refuse_shared_data()
        self._refuse_other_security()
        jar_path = class_path(jars.ensure_jars(self._on_progress, self._lock))
        deadline = time.monotonic() + timeout_seconds
        try:
            self._launch(java, jar_path, deadline)
        except KafkaUnavailable:
            if is_free(self._port):
                raise
            # somebody took the port after it was found free: two first starts at a time both want the same one
            self._launch(java, jar_path, deadline)

    def _launch(self, java: str, class_path: str, deadline: float) -> None:
        properties = self.write_properties()
        if not self._meta.exists():
            self._format(java, class_path, properties)
        argv = [java, *JVM_OPTIONS, "-cp", class_path, "kafka.Kafka", properties.name]
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._process = subprocesses.spawn(argv, JVM_ENVIRONMENT, self.log, self.home)
        try:
            self._await_answer(deadline)
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

    @property
    def _meta(self) -> Path:
        """Kafka's own file with the identity of the cluster."""
        return self.home / "logs" / "meta.properties"

    def write_properties(self) -> Path:
        """Choose the ports, the last ones if possible, and write the settings."""
        remembered = self.home / "ports.json"
        last: list[int] = json.loads(remembered.read_text()) if remembered.exists() else []
        wanted = [port for port in (self._wanted_port, *last[:1], self._first_port) if port is not None]
        self._port = pick_port(wanted)
        controller_port = pick_port(last[1:], taken=[self._port])
        remembered.write_text(json.dumps([self._port, controller_port]))
        properties = self.home / "server.properties"
        security = None if self._users is None else self._users.broker_settings()
        write_private(properties, server_properties("logs", self._port, controller_port, self._settings, security))
        return properties

    def _format(self, java: str, class_path: str, properties: Path) -> None:
        """Write the identity of a new cluster."""
        command = ["format", "--standalone", "-t", new_cluster_id(), "-c", properties.name]
        arguments = self.home / "format.arguments"  # passwords on a command line are seen by everybody
        if self._users is not None:
            write_private(arguments, "\n".join(self._users.format_arguments()))
            command.append(f"@{arguments.name}")
        argv = [java, *JVM_OPTIONS, "-cp", class_path, "kafka.tools.StorageTool", *command]
        environment = {**os.environ, **JVM_ENVIRONMENT}
        try:
            done = subprocess.run(
                argv, cwd=self.home, env=environment, capture_output=True, text=True, errors="replace", check=False
            )
        finally:
            arguments.unlink(missing_ok=True)
        if done.returncode != 0:
            self._refuse_full_disk()
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
            client = AdminClient({**self.client(), "log_level": 0})
            found = client.list_topics(timeout=2.0)
            # another broker may have taken the port a moment before this one
            return bool(found.brokers) and f"cluster.id={found.cluster_id}" in self._meta.read_text().splitlines()
        except (OSError, KafkaException):
            return False

    def _refuse_full_disk(self) -> None:
        """Say so, where the ground is why a broker ended.

        Raises:
            KafkaUnavailable: The disk is full, or cannot be written.
        """
        if shutil.disk_usage(self.home).free < _FULL_BYTES:
            raise KafkaUnavailable(
                f"The disk of {self.home} is full, and the broker has ended.",
                "Make room there; what was acknowledged is on the disk, and nothing of it is lost.",
            )
        text = self._said_since_start()
        if causes := [cause for cause in _CAUSES if cause in text]:
            raise KafkaUnavailable(
                f"The broker has ended, as it cannot use {self.home}: {causes[0]}.",
                f"Mend that, and start again; what was acknowledged is on the disk. Its log: {self.log}.",
            )

    def _said_since_start(self) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self._log_start)
            return stream.read(_READ_BYTES).decode("utf-8", "replace")

    def _died(self) -> KafkaUnavailable:
        self._refuse_full_disk()
        status = self._process.returncode if self._process else None
        return KafkaUnavailable(
            f"The broker ended at start (exit {status}). The end of its log:\n{self._log_tail()}", f"Read {self.log}."
        )

    def _log_tail(self) -> str:
        lines = subprocesses.log_tail(self.log, n_lines=100).splitlines()
        return "\n".join([line for line in lines if not line.startswith("\tat ")][-10:])  # frames of Java tell little

    def _refuse_other_security(self) -> None:
        """Data that were made without users cannot be opened with them: the broker could not log in itself."""
        if is_secure(self.home.parent) is False and self._users is not None:
            raise KafkaUnavailable(
                f"The data in {self.home} were made for everybody on this machine.",
                "Users are made with the data: name a new folder, homeostat up --secure --data-dir FOLDER.",
            )

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
