"""The whole system on one machine: broker, topics, keys, services, supervised."""

import json
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from homeostat.audit.keys import Key, KeyMissing, create, load, publish
from homeostat.codec import Output
from homeostat.codec.encode import encode_headers, encode_payload, partition_of
from homeostat.core import Identity
from homeostat.events import KeyRegistered
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY, REQUESTS
from homeostat.host.connection import Cluster, KafkaOutbox
from homeostat.host.settings import HostSettings
from homeostat.host.stopping import Stopping
from homeostat.stack.braking import PendingBrakes
from homeostat.stack.broker import Broker
from homeostat.stack.ports import LOOPBACK, is_free, pick_port
from homeostat.stack.process import ProcessSpec, ProcessStatus
from homeostat.stack.services import PACKED, SINGLE, topics
from homeostat.stack.supervisor import Supervisor
from homeostat.stack.topics import ensure_topics

OPERATOR: Final = "operator"
NOTARY: Final = "notary"
DEFAULT_PARTITIONS: Final = 12
MODEL_SERVER_PORT: Final = 8100
FIRST_METRICS_PORT: Final = 9101
"""Of the first process; the others follow. Another one if it is taken."""

_BROKER_CHECK_SECONDS: Final = 1.0


class LocalStack:
    """Everything that `homeostat up` runs. Data, keys and logs lie under `data_dir` and survive restarts.

    Call all methods from one thread that outlives the children.

    Args:
        data_dir: Folder of this stack.
        bootstrap_servers: A broker to use; None starts one.
        partitions: Of new topics.
        is_packed: Few processes, or one per service.
        without: Names of packs that are not started.
        environment: Added to every service's.
        on_progress: Told what is being done.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bootstrap_servers: str | None = None,
        partitions: int = DEFAULT_PARTITIONS,
        is_packed: bool = True,
        without: Collection[str] = (),
        environment: dict[str, str] | None = None,
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._given, self._partitions = bootstrap_servers, partitions
        self._packs = [pack for pack in (PACKED if is_packed else SINGLE) if pack.name not in without]
        self._environment, self._say = environment or {}, on_progress
        self.broker: Broker | None = None
        self.bootstrap_servers = bootstrap_servers or ""
        self.model_server = ""
        self.ports: dict[str, int] = {}
        self._supervisor: Supervisor | None = None
        self._brakes: PendingBrakes | None = None
        self._broker_checked = 0.0

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Start what is not there yet and wait until every service is ready.

        Raises:
            KafkaUnavailable: No broker can be had.
            TimeoutError: A service does not get ready; its log says why.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._given is None:
            self.broker = Broker(self.data_dir, on_progress=self._say)
            self.broker.start()
            self.bootstrap_servers = self.broker.bootstrap_servers
        self._say("creating topics")
        ensure_topics(self._settings().client(), topics(self._partitions))
        self.keys()
        self._register_operator()
        self._say("starting services")
        self._supervisor = Supervisor(self._specs(), self.data_dir / "logs", renew=self._with_free_port)
        self._write()
        self._brakes = PendingBrakes(self._settings(), on_progress=self._say)
        self._brakes.start()
        self._wait(timeout_seconds)

    def keys(self) -> tuple[Key, Key]:
        """The notary's and the operator's key; made on the first start."""
        folder = self.data_dir / "keys"
        found = []
        for name in (NOTARY, OPERATOR):
            try:
                found.append(load(folder, name))
            except KeyMissing:
                found.append(create(folder, name))
            publish(folder, found[-1])
        return found[0], found[1]

    def _settings(self) -> HostSettings:
        return HostSettings(bootstrap_servers=self.bootstrap_servers, data_dir=self.data_dir)

    @property
    def environment(self) -> dict[str, str]:
        """What a service of this stack is started with, besides its port; complete once it is started."""
        return {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "HOMEOSTAT_DATA_DIR": str(self.data_dir),
            "HOMEOSTAT_ROLLOUT_ACTUATOR_URL": self.model_server,
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        } | self._environment

    def _specs(self) -> list[ProcessSpec]:
        store = str(self.data_dir / "artifacts")
        port = pick_port((MODEL_SERVER_PORT,))
        self.model_server = f"http://127.0.0.1:{port}"
        common = self.environment
        state = str(self.data_dir / "model-server.json")
        module = (sys.executable, "-m", "rollout_actuator.targets.server")
        server = (*module, "--port", str(port), "--artifacts", store, "--state", state)
        specs = [ProcessSpec("model-server", server, common, f"{self.model_server}/healthz")]
        for index, pack in enumerate(self._packs):
            self.ports[pack.name] = pick_port((FIRST_METRICS_PORT + index,), tuple(self.ports.values()))
            argv = (sys.executable, "-m", "homeostat.host.process", *pack.services)
            specs.append(self._at_port(ProcessSpec(pack.name, argv, common)))
        return specs

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
        self._write()
        return self._at_port(spec)

    def _wait(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not all(status.state == "running" for status in self.status()):
            self.tick()
            if time.monotonic() > deadline:
                late = ", ".join(f"{status.name} ({status.state})" for status in self.status())
                raise TimeoutError(f"not ready after {timeout_seconds:.0f} s: {late}; see {self.data_dir / 'logs'}")
            time.sleep(0.05)

    def tick(self) -> None:
        """Restart what has ended: services with backoff, the broker at once."""
        assert self._supervisor is not None
        self._supervisor.tick()
        if self.broker is not None and time.monotonic() - self._broker_checked > _BROKER_CHECK_SECONDS:
            self._broker_checked = time.monotonic()
            if not self.broker.is_running:
                self._say("the broker is gone: starting it again")
                self.broker.start()

    def run(self, stop: Stopping) -> None:
        """Supervise until `stop` is set."""
        while not stop.is_set():
            self.tick()
            stop.wait(0.1)

    def status(self) -> list[ProcessStatus]:
        """How the processes are."""
        return self._supervisor.status() if self._supervisor else []

    def stop(self) -> None:
        """Stop services, then the broker; nothing is lost."""
        if self._brakes is not None:
            self._brakes.stop()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self.broker is not None:
            self.broker.stop()
        (self.data_dir / "stack.json").unlink(missing_ok=True)

    def _write(self) -> None:
        text = json.dumps(
            {
                "bootstrap_servers": self.bootstrap_servers,
                "model_server": self.model_server,
                "metrics": self.ports,
            }
        )
        (self.data_dir / "stack.json").write_text(text)

    def _register_operator(self) -> None:
        """The first key of the keyring is its root: whoever starts the system holds it."""
        _, operator = self.keys()
        settings = self._settings()
        cluster = Cluster(settings)
        cluster.load()
        registered, where = self.data_dir / "operator.registered", cluster.topic_id(GOVERNANCE)
        if registered.exists() and registered.read_text() == where:
            return
        outbox = KafkaOutbox(settings, "homeostat-up")
        outbox.send(root_key(operator, cluster.places(REQUESTS)))
        outbox.flush()
        registered.write_text(where)


def root_key(operator: Key, n_partitions: int) -> Output:
    """The request that makes a key the root of an empty keyring; the same one each time, so intake drops repeats."""
    data = KeyRegistered(
        key=operator.key_id,
        public_key=operator.public_key_hex,
        principal=operator.name,
        roles=("operator", "approver", "admin"),
    )
    value, content_type = encode_payload(data)
    source, key = "/homeostat/up", GOVERNANCE_KEY.encode()
    headers = encode_headers(
        id_=operator.key_id,
        source=source,
        type_=data.TYPE,
        time=int(time.time() * 1000),
        subject=GOVERNANCE_KEY,
        content_type=content_type,
        story=Identity(f"{source}#{operator.key_id}"),
    )
    return Output(REQUESTS, partition_of(key, n_partitions), key, value, headers)
