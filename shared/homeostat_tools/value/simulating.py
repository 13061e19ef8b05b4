"""What Homeostat would have done: its own folds and hands, in memory, on recorded rows, in the time of the rows."""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from homeostat.artifacts import digest_of, open_store
from homeostat.audit.roles import NOTARY
from homeostat.client.memory import MemoryLogs
from homeostat.core import Fold, Hand, Retry
from homeostat.core.identity import scope_of, sequence_of
from homeostat.events import Arm, Data, FamilyRegistered, FeatureContract, Labels, ModelRegistered, Range, Samples
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import TELEMETRY, TRACES
from homeostat.recipe import ANYTHING, Job, Line
from homeostat.runtime import registry
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryHands, MemoryLoop
from homeostat.runtime.reader import MemoryReader
from homeostat.runtime.signer import sign_with
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.serving import Deployment
from homeostat.serving.canary import canary_rows
from homeostat.testing.enrolled import Enrolled
from homeostat_tools.value.playing import Arrivals, Progress, Training, answers
from homeostat_tools.value.recipe import Fitted, fit
from homeostat_tools.value.rows import Floats, ModelRows

RECORDED: Final = "recorded"
"""Version of what answered in the history."""

FAMILY: Final = "history"
RECENT: Final = "recent"
WINDOW: Final = "window"
_FOLDS: Final = (
    "intake.telemetry",
    "intake.traces",
    "intake.requests",
    "intake.reports",
    "drift_detector",
    "outcome_evaluator",
    "meta_learner",
    "governor",
)
"""Those that decide what a model serves."""

_WEEK_SECONDS: Final = 7 * 86_400.0
_LAW_SUBJECT: Final = "*"


class Deployments:
    """A `RolloutTarget` that keeps what it was told last."""

    def __init__(self) -> None:
        self.by_model: dict[str, Deployment] = {}

    def apply(self, model: str, deployment: Deployment) -> bool:
        """See `RolloutTarget.apply`; there is one writer, whose commands come in order."""
        self.by_model[model] = deployment
        return True


@dataclass(slots=True, eq=False)
class Simulated:
    """A simulation that is over.

    Args:
        prediction: (n,) answers of what served.
        logs: All that was emitted.
        models: What was trained, by digest.
        digests: By version.
        promotions: Row from which a version served alone, in order.
    """

    prediction: Floats
    logs: MemoryLogs
    models: dict[str, Fitted] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    promotions: list[tuple[int, str]] = field(default_factory=list)

    def model(self, version: str) -> Fitted | None:
        """What a version answers with; None is what was recorded."""
        return None if version == RECORDED else self.models[self.digests[version]]


def simulate(
    rows: ModelRows,
    training: Training,
    law: Sequence[Data],
    training_seconds: float,
    progress: Progress = lambda n: None,
) -> Simulated:
    """Serve recorded rows through the whole loop.

    Args:
        rows: What was recorded; the recorded answers are the first champion's.
        training: The stand-in recipe. One arm trains on what the learner names, the other on the newest window.
        law: Rules, budgets and settings of scopes, as a law file says them; nothing: the defaults.
        training_seconds: What each training is reported to take: it costs that much by the price list.
        progress: Told how many rows are served.
    """
    with tempfile.TemporaryDirectory(prefix="homeostat-value-") as folder:
        return _Simulation(rows, training, training_seconds, Path(folder)).run(law, progress)


class _Simulation:
    def __init__(self, rows: ModelRows, training: Training, training_seconds: float, folder: Path) -> None:
        self.rows, self.training, self._seconds = rows, training, training_seconds
        self.log = MemoryLog(1, start_ms=int(rows.time[0] * 1000))
        self.result = Simulated(np.empty(rows.n), MemoryLogs(self.log))
        self.people, self.target, self.arrivals = Enrolled(self.log), Deployments(), Arrivals(rows)
        self._store, self._n = open_store(folder / "artifacts"), 0
        notary = self.people.hands[NOTARY]
        hands: list[Hand] = [
            RolloutActuator(self.target),
            RetrainActuator(self, self._store, InlineLauncher({"default": self.train}), folder / "jobs"),
        ]
        public = {notary.key_id: notary.public_key_hex}
        runners = [
            MemoryHands(self.log, hand, HandRunner(hand, public_keys=public, key=self.people.hands[hand.name]))
            for hand in hands
        ]
        made = registry.folds()
        folds: list[Fold[Any]] = [registry.make_fold(made[name]) for name in _FOLDS]
        self.loop = MemoryLoop(self.log, folds, runners, sign_with(notary))

    def run(self, law: Sequence[Data], progress: Progress) -> Simulated:
        self._register(law)
        for first in range(0, self.rows.n, self.training.step):
            last = min(first + self.training.step, self.rows.n)
            self.loop.advance(max(0, int(self.rows.time[last - 1] * 1000) - self.log.now))
            self._serve(first, last)
            self.loop.settle()
            progress(last)
        return self.result

    def labelled(self, window: Range, subject: str) -> Rows:
        """See `History.labelled`: rows whose label came within the window."""
        first, end = sequence_of(window.first), sequence_of(window.last)
        found: list[int] = []
        for event in MemoryReader(self.log).read(window.log, subject, window.from_time):
            if sequence_of(event.id) > end:
                break
            if event.source == window.source and sequence_of(event.id) >= first and isinstance(event.data, Labels):
                found += [int(request[1:]) for request in event.data.request]
        if not found:
            raise Retry(f"no label of {subject} lies in the window")
        return self.rows.x[found], self.rows.label[found]

    def train(self, path: Path) -> Iterator[Line]:
        """Train every arm of a job; a recipe of an `InlineLauncher`."""
        job = msgspec.json.decode(path.read_bytes(), type=Job)
        with np.load(job.data) as data:
            x, y = data["x"], data["y"]
        for arm in job.arms:
            known = self.arrivals.taken()
            if arm.arm == WINDOW:
                model, n = self.training.fit(self.rows, known), min(len(known), self.training.window)
            else:
                model, n = fit(self.training.recipe, self.rows.kind, x, y, self.training.seed), len(y)
            content = json.dumps({"arm": arm.arm, "rows": n, "seed": job.seed}).encode()
            (Path(job.out) / arm.arm).write_bytes(content)
            self.result.models[digest_of(content)] = model
            yield Line(arm.arm, arm.arm, self._seconds, n, media_type=ANYTHING)

    def _register(self, law: Sequence[Data]) -> None:
        rows, scope = self.rows, scope_of(self.rows.model)
        self.people.enrol()
        self.loop.settle()
        for data in law:
            self.people.request(data, getattr(data, "scope", "") or _LAW_SUBJECT)
        self.loop.settle()
        arms = (Arm(name=RECENT), Arm(name=WINDOW))
        self._publish(TRACES, f"{scope}/{FAMILY}", FamilyRegistered(arms=arms, baseline=WINDOW))
        lag = np.nanmax(np.where(np.isfinite(rows.label_time), rows.label_time - rows.time, 0.0), initial=0.0)
        registered = ModelRegistered(
            family=FAMILY,
            kind=rows.kind,
            features=tuple(FeatureContract(name=name) for name in self._names),
            champion=RECORDED,
            owner="value",
            label_window_seconds=max(_WEEK_SECONDS, 2.0 * float(lag)),
        )
        self._publish(TELEMETRY, rows.model, registered)
        self.target.apply(rows.model, Deployment(source="/value", sequence="0", champion=RECORDED))
        self.loop.settle()

    @property
    def _names(self) -> list[str]:
        return [re.sub(r"[^a-zA-Z0-9_.\-]", "_", f"f{n}_{name}")[:128] for n, name in enumerate(self.rows.features)]

    def _publish(self, topic: str, subject: str, data: Any) -> None:
        self._n += 1
        self.log.publish(topic, subject, data, id_=str(self._n), source="/value/history")

    def _serve(self, first: int, last: int) -> None:
        """Let every version that is deployed answer the rows, and publish what was seen and what became known."""
        rows, deployment = self.rows, self.target.by_model[self.rows.model]
        self.result.digests.update(deployment.artifacts)
        if deployment.champion != (self.result.promotions or [(0, RECORDED)])[-1][1]:
            self.result.promotions.append((first, deployment.champion))
        requests = [f"r{row}" for row in range(first, last)]
        said = {version: self._answer(version, first, last) for version, _ in deployment.roles()}
        served = said[deployment.champion][0].copy()
        to_canary = np.zeros(last - first, np.bool_)
        if deployment.canary is not None:
            to_canary = canary_rows(rows.model, requests, deployment.weight)
            served[to_canary] = said[deployment.canary][0][to_canary]
        self.result.prediction[first:last] = served
        for version, role in deployment.roles():
            if role == "canary":
                self._observe(version, "canary", first, np.flatnonzero(to_canary), said[version])
                self._observe(version, "shadow", first, np.flatnonzero(~to_canary), said[version])
            else:
                self._observe(version, role, first, np.arange(last - first), said[version])
        fresh = self.arrivals.take(float(rows.time[last - 1]), last)
        if len(fresh):
            labels = Labels(
                request=[f"r{row}" for row in fresh], label=pack(rows.label[fresh]), time=pack(rows.label_time[fresh])
            )
            self._publish(TELEMETRY, rows.model, labels)

    def _answer(self, version: str, first: int, last: int) -> tuple[Floats, Floats]:
        model = self.result.model(version)
        if model is None:
            return answers(self.rows, None, first, last), np.full(last - first, np.nan)
        return model.predict(self.rows.x[first:last])

    def _observe(self, version: str, role: Role, first: int, places: Any, said: tuple[Floats, Floats]) -> None:
        rows = self.rows
        places = places[np.isfinite(said[0][places])]
        if not len(places):
            return
        at, is_monitored = first + places, role == "champion"
        samples = Samples(
            version=version,
            role=role,
            request=[f"r{row}" for row in at],
            time=pack(rows.time[at]),
            features=self._names if is_monitored else [],
            values=pack(rows.x[at].T, F4) if is_monitored else b"",
            prediction=pack(said[0][places]),
            score=pack(said[1][places]),
        )
        self._publish(TELEMETRY, rows.model, samples)
