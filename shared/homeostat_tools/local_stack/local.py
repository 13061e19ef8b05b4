"""The whole system on one machine: broker, topics, keys, services, supervised."""

import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from homeostat.audit.keys import Key
from homeostat.audit.roles import OPERATOR
from homeostat.client.address import STACK_FILE, write_address
from homeostat.core.backoff import Backoff
from homeostat.events.requests import ACT
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.stop_signal import StopSignal
from homeostat_tools.local_stack.access import ROLE_ACCESS, access_of, rules_of, together
from homeostat_tools.local_stack.acls import apply
from homeostat_tools.local_stack.brake_publisher import PendingBrakes
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.broker_files import is_secure as data_have_users
from homeostat_tools.local_stack.data_lock import DataLock
from homeostat_tools.local_stack.enrolment import enrol, make_secrets
from homeostat_tools.local_stack.errors import FolderUnusable, KafkaUnavailable
from homeostat_tools.local_stack.folders import make_folder
from homeostat_tools.local_stack.ports import LOOPBACK, is_free, pick_port
from homeostat_tools.local_stack.process import ProcessSpec, ProcessStatus
from homeostat_tools.local_stack.program_specs import spec_of
from homeostat_tools.local_stack.scram import ADMIN, ScramUsers, ensure_users
from homeostat_tools.local_stack.services import packs, programs_here, topics
from homeostat_tools.local_stack.supervisor import Supervisor
from homeostat_tools.local_stack.topics import ensure_topics, repair_topics

DEFAULT_PARTITIONS: Final = 12
FIRST_METRICS_PORT: Final = 9101
"""Of the first process; the others follow. Another one if it is taken."""

_SAY_SECONDS: Final = 15.0
"""Between two words on what is not ready."""

_FIRST_PAUSE_SECONDS: Final = 2.0
_MOST_PAUSE_SECONDS: Final = 30.0
"""Between two attempts to start a broker again, on a disk that is full for example."""


class LocalStack:
    """Everything that `homeostat up` runs. Data, keys and logs lie under `data_dir` and survive restarts.

    Call all methods from one thread that outlives the children.

    Args:
        data_dir: Folder of this stack.
        bootstrap_servers: A broker to use; None starts one.
        kafka_port: Port of the broker's first start, if it is free; later ones keep the port. None: any.
        partitions: Of new topics.
        is_packed: Few processes, or one per service.
        is_secure: A broker of ours with users and ACLs: each process logs in as itself and may do what it does, and
            nobody else is let in. None: as the data were made, else without.
        without: Names of packs and programs that are not started.
        mode: Of scopes that the law says nothing of, from the first start on: `observe` or `act`.
        environment: Added to every service's.
        on_progress: Told what is being done.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bootstrap_servers: str | None = None,
        kafka_port: int | None = None,
        partitions: int = DEFAULT_PARTITIONS,
        is_packed: bool = True,
        is_secure: bool | None = None,
        without: Collection[str] = (),
        mode: str = ACT,
        environment: dict[str, str] | None = None,
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._given, self._partitions, self._kafka_port = bootstrap_servers, partitions, kafka_port
        self._lock, self._mode = DataLock(self.data_dir), mode
        self._wants_users = is_secure
        self._users: ScramUsers | None = None
        self._packs = [pack for pack in packs(is_packed=is_packed) if pack.name not in without]
        self._programs = {name: program for name, program in programs_here().items() if name not in without}
        self._environment, self._say = environment or {}, on_progress
        self.broker: Broker | None = None
        self.bootstrap_servers = bootstrap_servers or ""
        self.addresses: dict[str, str] = {}
        """URL of each program that runs beside the services, by its name."""
        self.ports: dict[str, int] = {}
        self._supervisor: Supervisor | None = None
        self._brakes: PendingBrakes | None = None
        self._broker_backoff = Backoff(inf, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS)

    @property
    def is_ours(self) -> bool:
        """Whether this object has the data folder to itself, from `start` to `stop`."""
        return self._lock.is_held

    def claim(self) -> None:
        """Have the data folder to oneself, until `stop`; `start` does it too.

        Raises:
            StackRunning: Another one runs in this folder; nothing of it is touched.
        """
        self._lock.acquire()

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Start what is not there yet and wait until every service is ready.

        Raises:
            StackRunning: Another one runs in this folder; nothing of it is touched.
            KafkaUnavailable: No broker can be had.
            FolderUnusable: The data have no place.
            TimeoutError: A service does not get ready; its log says why.
        """
        make_folder(self.data_dir)
        self.claim()
        self.keys()  # what is wrong with them is said before anything runs
        if self._given is None:
            if data_have_users(self.data_dir) if self._wants_users is None else self._wants_users:
                self._users = ScramUsers(self.data_dir)
            self.broker = Broker(self.data_dir, first_port=self._kafka_port, on_progress=self._say, users=self._users)
            self.broker.start()
            self.bootstrap_servers = self.broker.bootstrap_servers
        self._say("creating topics")
        client = self._settings().client()
        specs = topics(self._partitions, self._settings().quarantine_retention_days)
        ensure_topics(client, specs)
        if self.broker is not None:  # ours, from an earlier version perhaps
            repair_topics(client, specs)
        if self._users is not None:
            self._say("granting rights")
            self._grant(client, self._users)
        enrol(self.data_dir, self._settings(), self._mode)
        self._say("starting services")
        self._supervisor = Supervisor(
            self._specs(), self.data_dir / "logs", renew=self._with_free_port, on_trouble=self._say
        )
        self._write()
        self._brakes = PendingBrakes(self._settings(), on_progress=self._say)
        self._brakes.start()
        self._wait(timeout_seconds)

    def keys(self) -> tuple[Key, Key]:
        """The notary's and the operator's key; made on the first start, with all other secrets of the stack."""
        return make_secrets(self.data_dir / "keys", self._settings().token_file)

    def _grant(self, client: Mapping[str, Any], users: ScramUsers) -> None:
        """Make a user of every process and role, with the rights of `access`."""
        rules = {pack.name: rules_of(together(pack)) for pack in self._packs}
        rules |= {name: rules_of(access_of(name)) for name, program in self._programs.items() if program.writes}
        rules |= {role: rules_of(access) for role, access in ROLE_ACCESS.items()}
        ensure_users(client, users, list(rules))
        apply(client, {f"User:{name}": some for name, some in rules.items()})

    def _settings(self) -> HostSettings:
        return self.settings(ADMIN)

    def settings(self, user: str) -> HostSettings:
        """What a client comes to the broker with.

        Args:
            user: Role that it comes as, where the broker has users; see `access`.
        """
        where: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers, "data_dir": self.data_dir}
        if self._users is not None:
            where["kafka"] = {name: SecretStr(value) for name, value in self._users.properties(user).items()}
        return HostSettings(**where)

    @property
    def environment(self) -> dict[str, str]:
        """What a service of this stack is started with, besides its port; complete once it is started."""
        return {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "HOMEOSTAT_DATA_DIR": str(self.data_dir),
            **{
                one.variable: self.addresses[name]
                for name, one in self._programs.items()
                if one.variable and name in self.addresses
            },
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        } | self._environment

    def _specs(self) -> list[ProcessSpec]:
        specs = self._program_specs()
        common = self.environment
        for index, pack in enumerate(self._packs):
            self.ports[pack.name] = pick_port((FIRST_METRICS_PORT + index,), tuple(self.ports.values()))
            argv = (sys.executable, "-m", "homeostat.runtime.process", *pack.services)
            user = {} if self._users is None else self._users.environment(pack.name)
            environment = common | pack.environment | user
            specs.append(self._at_port(ProcessSpec(pack.name, argv, environment)))
        return specs

    def _program_specs(self) -> list[ProcessSpec]:
        settings, specs = self._settings(), list[ProcessSpec]()
        for name, program in self._programs.items():
            port = pick_port((program.port,))
            self.addresses[name] = f"http://{LOOPBACK}:{port}"
            specs.append(spec_of(name, program, port, settings, self._users))
        return [replace(spec, env=self.environment | dict(spec.env)) for spec in specs]

    def _at_port(self, spec: ProcessSpec) -> ProcessSpec:
        port = self.ports[spec.name]
        environment = {**spec.env, "HOMEOSTAT_METRICS_PORT": str(port)}
        return ProcessSpec(spec.name, spec.argv, environment, f"http://{LOOPBACK}:{port}/readyz")

    def _with_free_port(self, spec: ProcessSpec) -> ProcessSpec:
        """Move a process to another metrics port if somebody has taken its own while it was down."""
        port = self.ports.get(spec.name)
        if port is None or is_free(port):
            return spec
        self.ports[spec.name] = pick_port((), tuple(self.ports.values()))
        self._say(f"{spec.name}: port {port} is taken, metrics are at {self.ports[spec.name]} now")
        try:
            self._write()
        except OSError as error:
            self._say(f"the address of the stack cannot be written: {error.strerror}; the processes are kept alive")
        return self._at_port(spec)

    def _wait(self, timeout_seconds: float) -> None:
        started = said = time.monotonic()
        deadline = started + timeout_seconds
        while late_ones := [status.name for status in self.status() if status.state != "running"]:
            self.tick()
            if time.monotonic() - said > _SAY_SECONDS:
                said = time.monotonic()
                self._say(f"after {said - started:.0f} s not ready yet: {', '.join(late_ones)}")
            if time.monotonic() > deadline:
                late = ", ".join(f"{status.name} ({status.state})" for status in self.status())
                raise TimeoutError(f"not ready after {timeout_seconds:.0f} s: {late}; see {self.data_dir / 'logs'}")
            time.sleep(0.05)

    def tick(self) -> None:
        """Restart what has ended: services with backoff, the broker at once, and with backoff while it cannot be.

        Raises:
            KafkaUnavailable: The broker is not at its address any more, which the services have.
        """
        assert self._supervisor is not None
        self._supervisor.tick()
        if self.broker is not None and not self.broker.is_running and self._broker_backoff.is_due:
            self._restart_broker(self.broker)

    def _restart_broker(self, broker: Broker) -> None:
        self._say("the broker is gone: starting it again")
        try:
            broker.start()
        except (KafkaUnavailable, FolderUnusable, OSError) as trouble:  # it passes once a person makes room
            self._broker_backoff.failed()
            why = f"{trouble.what} {trouble.todo}" if isinstance(trouble, KafkaUnavailable) else str(trouble)
            pause = self._broker_backoff.pause_seconds
            self._say(f"the broker cannot be started, tried again in {pause:.0f} s: {' '.join(why.split())}")
            return
        self._broker_backoff.succeeded()
        self._say("the broker is back")
        if broker.bootstrap_servers != self.bootstrap_servers:
            raise KafkaUnavailable(
                f"The port of the broker, {self.bootstrap_servers}, was taken while it was down.",
                "Start again: the services get the new address.",
            )

    def run(self, stop: StopSignal) -> None:
        """Supervise until `stop` is set."""
        while not stop.is_set():
            self.tick()
            stop.wait(0.1)

    def status(self) -> list[ProcessStatus]:
        """How the processes are."""
        return self._supervisor.status() if self._supervisor else []

    def stop(self) -> None:
        """Stop services, then the broker; nothing is lost. Does nothing where `start` was refused."""
        if self._brakes is not None:
            self._brakes.stop()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self.broker is not None:
            self.broker.stop()
        if self._lock.is_held:  # else the address is another stack's
            with suppress(OSError):  # the folder may be what went wrong
                (self.data_dir / STACK_FILE).unlink(missing_ok=True)
            self._lock.release()

    def _write(self) -> None:
        facts: dict[str, object] = {"programs": self.addresses, "metrics": self.ports}
        if self._users is not None:  # whoever may read the password's file
            properties = self._users.properties(OPERATOR)
            facts["user"] = {name: value for name, value in properties.items() if name != "sasl.password"}
        write_address(self.data_dir, self.bootstrap_servers, **facts)
