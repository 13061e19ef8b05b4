"""A host process: any number of services, one thread each, one port for metrics and health.

`python -m homeostat.runtime.process intake governor` runs two; `python -m homeostat.services.intake` one. What a
service is made of is in its declaration: see `homeostat.runtime.registry`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

import structlog
from prometheus_client.registry import Collector

from homeostat.admission.salt import NO_SALT
from homeostat.artifacts import ArtifactStore, open_store
from homeostat.audit.keys import Key, KeyMissing, load
from homeostat.codec import Output
from homeostat.commands import notary_keys
from homeostat.core import Halt, Hand, HomeostatError
from homeostat.events.logs import AUDIT, DOORS
from homeostat.runtime import registry
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.declarations import FoldEntry, HandEntry, ServiceEntry
from homeostat.runtime.environment import check_environment, settings_of_environment
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.kafka_hands import KafkaHands
from homeostat.runtime.kafka_outbox import EXIT_UNDELIVERED
from homeostat.runtime.metrics import HostMetrics
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with
from homeostat.runtime.stop_signal import StopSignal
from homeostat.runtime.topic_monitor import TopicMonitor, check_at_start
from homeostat.runtime.tracing import observer_of
from homeostat.telemetry.logging import configure_logging
from homeostat.telemetry.tracing import NullTracer, Tracer, open_tracer

log = structlog.get_logger(__name__)
EXIT_HALTED: Final = 70
"""Exit code when a human must act; the last log line says how."""

_STOP_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 30.0
_EXPORT_SECONDS: Final = 1.0


class HandKeyMissing(KeyMissing):
    """A hand has no key to sign its reports with.

    Operator: `homeostat up` makes and registers one for each hand; elsewhere `homeostat keys services` does.
    """

    def __init__(self, path: Path) -> None:
        Halt.__init__(
            self,
            f"no key at {path}: reports of {path.stem} would not be believed; `homeostat up` makes the keys of the "
            "hands, `homeostat keys services` makes and registers them for another deployment",
        )
        self.path = path


class Service(Protocol):
    """Something that runs in a thread of its own until it is stopped."""

    @property
    def service(self) -> str:
        """Name of its consumer group."""

    @property
    def problem(self) -> str:
        """Why it does not do its work, one sentence; nothing if it does. From any thread."""

    def run(self) -> None:
        """Work until `stop`."""

    def stop(self) -> None:
        """Ask it to end."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a service is wired with.

    Args:
        settings: Of the process.
        cluster: Shared metadata of the broker.
        collectors: Series that services show besides the host's.
        tracer: Told what is emitted and done.
    """

    settings: HostSettings
    cluster: Cluster
    collectors: list[Collector] = field(default_factory=list)
    tracer: Tracer = field(default_factory=NullTracer)

    @property
    def store(self) -> ArtifactStore:
        """The artifact store."""
        return open_store(self.settings.store_url)

    def workdir(self, name: str) -> Path:
        """A folder of this machine for one service, made if needed."""
        folder = self.settings.data_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def host(self, group: str, entries: Sequence[FoldEntry]) -> list[Service]:
        """Host folds in one consumer group; what one that is `signed_by` a key says is signed with it."""
        sign: Callable[[Output], Output] | None = None
        for name in {entry.signed_by for entry in entries if entry.signed_by}:
            sign = sign_with(load(self.settings.keys_dir, name))
        folds = [registry.make_fold(one, self.settings.salt if one.needs_salt else NO_SALT) for one in entries]
        return [KafkaHost(group, folds, self.settings, self.cluster, sign, observer_of(self.tracer, group))]

    def hand(self, entry: HandEntry) -> list[Service]:
        """Host a hand.

        Raises:
            HandKeyMissing: Nothing that it reports would be believed.
            NotaryKeyMissing: Nothing that it reads could be checked.
        """
        hand: Hand = registry.load(entry.make)(self)
        runner = HandRunner(
            hand,
            public_keys=notary_keys(self.settings.notary_keys, self.settings.keys_dir),
            key=_hand_key(self.settings.keys_dir, hand.name),
            brake_file=self.settings.brake_file,
            max_tasks=entry.max_tasks,
            tracer=self.tracer,
            n_partitions=self.cluster.n_partitions,
        )
        return [KafkaHands(entry.group, runner, self.settings, self.cluster)]


def _hand_key(folder: Path, name: str) -> Key:
    try:
        return load(folder, name)
    except KeyMissing as missing:
        raise HandKeyMissing(missing.path) from None


def build(names: Sequence[str], context: Context) -> list[Service]:
    """Wire the named services, as they are declared; of folds on doors those that the settings name.

    Raises:
        Halt: There is no such service, or something that it needs is not installed.
    """
    services: list[Service] = []
    for name in names:
        declared = registry.service(name)
        try:
            services += _wire(declared, context)
        except ModuleNotFoundError as missing:
            raise Halt(f"service {name}: {missing}; pip install '{declared.requirement}'") from None
    return services


def _wire(declared: ServiceEntry, context: Context) -> list[Service]:
    groups: dict[str, list[FoldEntry]] = {}
    for entry in declared.folds:
        if entry.topic not in DOORS or entry.topic in context.settings.doors:
            groups.setdefault(entry.group, []).append(entry)
    services = [service for group, entries in groups.items() for service in context.host(group, entries)]
    services += [service for entry in declared.hands for service in context.hand(entry)]
    for watcher in declared.watchers:
        services += registry.load(watcher.make)(context)
    return services


def main(*names: str) -> None:
    """Run services until SIGTERM or SIGINT. Exits 0 after a clean stop, otherwise not."""
    names = names or tuple(sys.argv[1:])
    configure_logging("+".join(names))
    code = 0
    try:
        if ignored := check_environment(os.environ):
            log.info("kubernetes_variables_ignored", variables=ignored)
        if not names:
            raise Halt(f"name the services to run; there are {', '.join(registry.services())}")
        _run(names, settings_of_environment(HostSettings))
    except Halt as halt:
        log.error("halted", reason=str(halt))
        code = EXIT_HALTED
    except HomeostatError as error:
        log.error("failed", reason=str(error))
        code = 1
    except OSError as error:  # a full disk, a folder that is none: no bug of ours
        log.error("failed", reason=f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
        code = 1
    except Exception:
        log.exception("crashed")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of client libraries must not hold a process that is done


def _run(names: Sequence[str], settings: HostSettings) -> None:
    stopping = StopSignal().on_signals()
    cluster = Cluster(settings)
    _connect(cluster, stopping)
    tracer = open_tracer("+".join(names).replace("_", "-"), version("homeostat"))
    context = Context(settings, cluster, tracer=tracer)
    services = build(names, context)
    inputs = {fold.name: fold.log for service in services if isinstance(service, KafkaHost) for fold in service.folds}
    failures: list[BaseException] = []

    def fail(failure: BaseException) -> None:
        failures.append(failure)
        stopping.set()

    # a damaged audit log is the auditor's business: it does not take anybody else down
    others = {AUDIT} - {topic for service in services for topic in getattr(service, "topics", ())}
    watch = TopicMonitor(cluster, inputs, check_at_start(cluster, inputs, others), fail, others)
    server = HostMetrics("+".join(names), services, cluster, context.collectors, watch).serve(
        settings.metrics_port, settings.metrics_address
    )
    log.info("started", services=[service.service for service in services], metrics_port=server.port)

    def guarded(service: Service) -> None:
        try:
            service.run()
        except BaseException as failure:
            fail(failure)

    threads = [threading.Thread(target=guarded, args=(service,), name=service.service) for service in services]
    for thread in threads:
        thread.daemon = True
        thread.start()
    watch.start()
    stopping.wait()
    watch.stop()
    for service in services:
        service.stop()
    deadline = time.monotonic() + _STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    _close(tracer)
    if failures:
        raise failures[0]
    if any(thread.is_alive() for thread in threads):
        log.error("stop_timed_out", hint="the broker does not answer; nothing is lost, start again")
        os._exit(EXIT_UNDELIVERED)
    log.info("stopped")


def _close(tracer: Tracer) -> None:
    """Export what is left; a collector that does not answer holds nobody up."""
    closing = threading.Thread(target=tracer.close, name="tracer", daemon=True)
    closing.start()
    closing.join(_EXPORT_SECONDS)


def _connect(cluster: Cluster, stopping: StopSignal) -> None:
    """Wait a while for the broker: it may be starting too."""
    deadline = time.monotonic() + _CONNECT_SECONDS
    while not stopping.is_set():
        try:
            cluster.load(timeout_seconds=2.0)
        except BrokerUnreachable:
            if time.monotonic() > deadline:
                raise
        else:
            return


if __name__ == "__main__":
    main()
