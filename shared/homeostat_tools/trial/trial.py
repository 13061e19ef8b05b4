"""A drift put into a copy of a model, and what became of it, step by step."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionProposed,
    ActionSettled,
    CanaryJudged,
    CandidateEvaluated,
    CandidateTrained,
    DriftDetected,
    Labels,
    OutcomeMeasured,
    Samples,
    VerdictGiven,
)
from homeostat.events.columns import F4, f8, pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, POLICIES, REPORTS, TELEMETRY, TRACES, VERDICTS
from homeostat.serving.deployment import Deployment
from homeostat_tools.cli.rendering import attributes, event_of
from homeostat_tools.drift_injection import Injector
from homeostat_tools.trial.recorded import Recorded
from homeostat_tools.trial.republished import plain, samples_of, without
from homeostat_tools.trial.serving import CopyServer
from homeostat_tools.trial.system import TrialSystem

BATCH: Final = 50
_BATCH_MS: Final = 60_000
_AFTER: Final = 200
"""Rows that are served after the end, to see what serves then."""
_LOGS: Final = (EXPERIENCE, GOVERNANCE, REPORTS, VERDICTS, *POLICIES)
_STEPS: Final[dict[type[Any], str]] = {
    DriftDetected: "detected",
    ActionProposed: "proposed",
    VerdictGiven: "decided",
    CandidateTrained: "trained",
    ActionApplied: "canary serves",
    CanaryJudged: "judged",
    OutcomeMeasured: "measured",
}


@dataclass(slots=True)
class Step:
    """When something came about for the first time.

    Args:
        name: What.
        rows: Served since the onset.
        seconds: From the step before, of this machine's time; trainings take what they would take in production.
    """

    name: str
    rows: int
    seconds: float


@dataclass(slots=True)
class Result:
    """What became of the drift.

    Args:
        steps: In the order in which they came.
        state: promoted, aborted, skipped, failed, …; what it had come to where the rows were over first.
        champion: Version that serves at the end.
        errors: Share of wrong answers (distance, of a regressor) before the onset, after it until the end of the
            action, and of the champion at the end.
        rows: Served in all.
        repeated: How often the recorded rows came.
        trained: Arms that were trained.
        evaluated: What they were found to be worth.
    """

    steps: list[Step] = field(default_factory=list)
    state: str = "not detected"
    champion: str = ""
    errors: dict[str, float | None] = field(default_factory=dict)
    rows: int = 0
    repeated: float = 0.0
    trained: list[CandidateTrained] = field(default_factory=list)
    evaluated: list[CandidateEvaluated] = field(default_factory=list)


class Trial:
    """One trial.

    Args:
        model: `scope/model` of the copy.
        known: What it is a copy of.
        system: Fresh.
        server: Of the copy.
        injector: Puts the drift in.
        onset: Row from which it holds.
        show: Called with each event of the story, in order, and the rows since the onset.
    """

    def __init__(
        self,
        model: str,
        known: Recorded,
        system: TrialSystem,
        server: CopyServer,
        injector: Injector,
        *,
        onset: int,
        show: Callable[[Record, int], None],
    ) -> None:
        self._model, self._known, self._system, self._server = model, known, system, server
        self._injector, self._onset, self._show = injector, onset, show
        self._seen: dict[tuple[str, int], int] = {}
        self._idle: dict[str, bool] = {}
        self._wrong: list[tuple[int, float]] = []
        self._since, self._is_over = time.monotonic(), False
        self.result = Result()

    def run(self, artifact: str, most_rows: int) -> Iterator[int]:
        """Register, serve, drift; yield the rows that were served, until the action is over or the rows are.

        Args:
            artifact: Digest of what serves.
            most_rows: Rows after the onset.
        """
        registration, scope = self._known.registration, scope_of(self._model)
        self._system.govern(scope, self._known.rules)
        of_copy = {"artifact": artifact, "contract_version": None, "learned_rows": None, "rollout": None}
        self._server.apply(
            self._model,
            Deployment("process", "0.0", registration.champion, artifacts={registration.champion: artifact}),
        )
        self._system.publish(TRACES, f"{scope}/{registration.family}", plain(self._known.family))
        self._system.publish(TELEMETRY, self._model, plain(registration).model_copy(update=of_copy))
        self._system.advance(_BATCH_MS)
        self._look()  # registrations are no part of the story
        n = 0
        last = self._onset + most_rows
        while n < last:
            if self._is_over and last > n + _AFTER:
                last = n + _AFTER
            self._serve(n)
            n += BATCH
            self.result.rows, self.result.repeated = n, n / len(self._known.y)
            self._look()
            yield n
        self.result.champion = self._server.deployment.champion
        self.result.errors = self._errors()

    @property
    def _rows_since(self) -> int:
        return max(0, self.result.rows - self._onset)

    def _serve(self, first: int) -> None:
        """Serve a batch, publish what was answered, label it."""
        rows = np.arange(first, first + BATCH) % len(self._known.y)
        now = self._system.log.now / 1000.0
        drawn = Samples(
            version="",
            role="champion",
            request=[f"try-{first + i}" for i in range(BATCH)],
            time=pack([now] * BATCH),
            features=self._known.names,
            values=np.ascontiguousarray(self._known.features[rows].T, F4).tobytes(),
            prediction=pack(self._known.y[rows]),
            score=pack([1.0] * BATCH),
            label=pack(self._known.y[rows]),
            captured=list(range(BATCH)),
            inputs=pack(self._known.x[rows], F4),
        )
        changed = self._injector.samples(drawn)
        if changed is not None:
            changed = without(changed)
            x = changed.matrix().T if self._known.is_input else changed.captured_inputs()
            self._publish(changed, np.ascontiguousarray(x), now)
        self._system.advance(_BATCH_MS)

    def _publish(self, drawn: Samples, x: NDArray[np.float32], now: float) -> None:
        served, mirrored = self._server.answers(drawn.request, x)
        truth = f8(drawn.label)
        for answer, is_served in [(one, True) for one in served] + [(one, False) for one in mirrored]:
            self._system.publish(TELEMETRY, self._model, samples_of(drawn, x, answer, now, is_served=is_served))
            if is_served:
                apart = np.abs(np.asarray(answer.prediction, np.float64) - truth[answer.rows])
                is_class = self._known.registration.kind == "classifier"
                self._wrong += [(self.result.rows, float(d != 0.0) if is_class else float(d)) for d in apart]
        labels = Labels(request=drawn.request, label=drawn.label, time=pack([now + 1.0] * drawn.n_rows))
        self._system.publish(TELEMETRY, self._model, labels)

    def _look(self) -> None:
        """Take in what has come about, and answer what waits for a person."""
        log = self._system.log
        records: list[Record] = []
        for topic in _LOGS:
            for place in range(log.n_partitions(topic)):
                records += log.records(topic, place, self._seen.get((topic, place), 0))
                self._seen[topic, place] = log.end(topic, place)
        for record in _by_cause(records):
            self._take(record, attributes(record).identity)

    def _take(self, record: Record, identity: str) -> None:
        try:
            data = event_of(record).data
        except Reject:
            return
        if record.topic == REPORTS or (isinstance(data, VerdictGiven) and record.topic != VERDICTS):
            return  # they lie in another log, too
        if getattr(data, "kind", "") == "threshold":
            return  # of alerts: another story
        if self.result.rows and getattr(data, "model", None) == self._model:
            self._show(record, self._rows_since)
        is_idle = self._is_idle(data, identity)
        for kind, name in _STEPS.items():
            if isinstance(data, kind) and not is_idle and not any(step.name == name for step in self.result.steps):
                now = time.monotonic()
                self.result.steps.append(Step(name, self._rows_since, now - self._since))
                self._since = now
                self.result.state = self.result.state if self._is_over else name
        match data:
            case VerdictGiven(verdict="held"):
                self._system.approve(data.action, self._model)
            case VerdictGiven(verdict="denied"):
                self.result.state = "denied"
            case CandidateTrained():
                self.result.trained.append(data)
            case CandidateEvaluated():
                self.result.evaluated.append(data)
            case ActionSettled():
                self.result.state, self._is_over = data.state, True

    def _is_idle(self, data: Any, identity: str) -> bool:
        """Whether it is a proposal to do nothing, or its verdict: the story goes on with more labels."""
        if isinstance(data, ActionProposed):
            self._idle[identity] = data.is_idle
            return data.is_idle
        return isinstance(data, VerdictGiven) and self._idle.get(data.action, False)

    def _errors(self) -> dict[str, float | None]:
        def mean(low: int, high: float) -> float | None:
            found = [wrong for row, wrong in self._wrong if low <= row < high]
            return float(np.mean(found)) if found else None

        judged = next(
            (step.rows + self._onset for step in self.result.steps if step.name == "canary serves"), float("inf")
        )
        return {
            "before": mean(0, self._onset),
            "drifted": mean(self._onset, judged),
            "at the end": mean(self.result.rows - _AFTER, float("inf")),
        }


def _by_cause(records: Sequence[Record]) -> Iterator[Record]:
    """Yield records of one moment, each once, causes before what they led to: all have the same time."""

    def place(record: Record) -> tuple[int, str, str]:
        found = attributes(record)
        return record.timestamp, found.source, found.sequence

    first: dict[str, Record] = {}
    for record in sorted(records, key=place):
        first.setdefault(attributes(record).identity, record)
    done = set[str]()

    def visit(identity: str) -> Iterator[Record]:
        if identity in first and identity not in done:
            done.add(identity)
            yield from visit(attributes(first[identity]).cause)
            yield first[identity]

    for identity in first:
        yield from visit(identity)
