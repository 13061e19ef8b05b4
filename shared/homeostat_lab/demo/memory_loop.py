"""The whole system on the in-memory log: the same folds and hands, for seeds and for machines without Kafka."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeostat.admission.salt import NO_SALT, Salt
from homeostat.artifacts import ArtifactStore, open_store
from homeostat.audit.roles import NOTARY
from homeostat.codec import Record
from homeostat.core import Fold, Hand
from homeostat.events.logs import REQUESTS
from homeostat.runtime import registry
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryHands, MemoryLoop
from homeostat.runtime.reader import MemoryReader
from homeostat.runtime.signer import sign_with
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.meta_learner.fold import MetaLearner
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.model_server.local import LocalTarget
from homeostat.services.model_server.router import Router
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import EventHistory
from homeostat.services.retrain_actuator.recipes.mlp import train
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds
from homeostat.testing.enrolled import Enrolled

_ROUND_MS: Final = 200


@dataclass(slots=True)
class InMemory:
    """A running system.

    Args:
        log: All topics.
        loop: Everything that runs on them.
        target: The model server, in process.
        store: Artifacts.
        people: Who sign requests, and hands who sign reports.
        n_published: Records written to the doors.
    """

    log: MemoryLog
    loop: MemoryLoop
    target: LocalTarget
    store: ArtifactStore
    people: Enrolled
    n_published: int = 0

    def settle(self, max_lag: int, max_tasks: int) -> None:
        """Run until nobody has anything to do; a fifth of a second passes."""
        self.log.now += _ROUND_MS
        self.loop.settle()

    def records(self, topic: str) -> list[Record]:
        """Everything that lies in a log."""
        return list(self.log.all(topic))

    def n_partitions(self, topic: str) -> int:
        """Partitions of a log."""
        return self.log.n_partitions(topic)

    def tick(self) -> None:
        """No process to keep alive."""

    def publish(self, topic: str, subject: str, data: Any) -> None:
        """Write to a door, as the client would; requests are signed.

        Args:
            topic: Ingress topic.
            subject: Key.
            data: Payload.
        """
        self.n_published += 1
        source, id_ = "/demo/cameras", str(self.n_published)
        if topic == REQUESTS:
            self.people.request(data, subject, id_=id_, source=source)
        else:
            self.log.publish(topic, subject, data, id_=id_, source=source)


def folds(learner: LearnerSettings | None = None, salt: Salt = NO_SALT) -> list[Fold[Any]]:
    """Fresh instances of every fold of ours, whatever else is installed."""
    ours = {name: registry.make_fold(entry, salt) for name, entry in registry.folds().items() if entry.is_ours}
    return [*(ours | {"meta_learner": MetaLearner(learner)}).values()]


@contextmanager
def in_memory(learner: LearnerSettings | None = None, partitions: int = 2) -> Iterator[InMemory]:
    """Wire everything; files go to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="homeostat-") as folder:
        root = Path(folder)
        store = open_store(root / "artifacts")
        log = MemoryLog(partitions)
        people = Enrolled(log)
        notary = people.hands[NOTARY]
        target, reader = LocalTarget(Router(store)), MemoryReader(log)
        history = EventHistory(lambda window: reader.read(window.log, window.subject, window.from_time))
        hands: list[Hand] = [
            RolloutActuator(target),
            RetrainActuator(history, store, InlineLauncher({"default": train}), root / "jobs"),
            ThresholdActuator(PrometheusThresholds(root / "thresholds.json")),
            MamlTrainer(reader, store),
        ]
        public = {notary.key_id: notary.public_key_hex}
        runners = [
            MemoryHands(log, hand, HandRunner(hand, public_keys=public, key=people.hands[hand.name])) for hand in hands
        ]
        system = InMemory(log, MemoryLoop(log, folds(learner), runners, sign_with(notary)), target, store, people)
        people.enrol()
        yield system
