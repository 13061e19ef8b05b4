"""A family that learns: its catalogue, one model that drifts, and what comes back."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tests.support.fold_driver import FoldDriver

from homeostat.core import Emit, Payload
from homeostat.core.identity import emit_id
from homeostat.events import (
    ActionProposed,
    Arm,
    CandidateEvaluated,
    ClockTicked,
    DriftCleared,
    DriftDetected,
    EvidenceUpdated,
    FamilyRegistered,
    ModelRegistered,
    OutcomeMeasured,
    ProfileUpdated,
    Provenance,
    Range,
    TaskRecorded,
    VerdictGiven,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import GOVERNANCE
from homeostat.services.meta_learner.fold import MetaLearner
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State

FAMILY, MODEL = "acme/cameras", "acme/camera-1"
EMITTER = "/homeostat/meta_learner/homeostat.experience/t/0"
INTAKE = "/homeostat/intake.traces/homeostat.traces/t/0"
DRIFT = "/homeostat/drift_detector/homeostat.timeline/t/0"
WINDOW = Range(log="homeostat.timeline", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=80)
D = TypeVar("D")


def family(**changes: Any) -> FamilyRegistered:
    """Three arms, one of which starts from published weights."""
    fields: dict[str, Any] = {
        "arms": (
            Arm(name="warm", predicted_gain=0.05),
            Arm(name="head"),
            Arm(name="maml", predicted_gain=0.05, hyperparameters={"initial_weights": "published"}),
        ),
        "baseline": "warm",
        "wait_labels": 40,
        "n_shadows": 1,
        "price_per_retrain": 0.01,
    }
    return FamilyRegistered.model_validate(fields | changes)


class LearnerDriver(FoldDriver[State]):
    """The learner, step by step; its state goes through the snapshot codec after each.

    Args:
        settings: Of the learner.
        members: Models to register.
        changes: Of the family.
    """

    def __init__(
        self, settings: LearnerSettings | None = None, members: Sequence[str] = (MODEL,), **changes: Any
    ) -> None:
        super().__init__(MetaLearner(settings), FAMILY, INTAKE, EMITTER)
        self.n_drifts = self.late_ms = 0
        self.story = ""
        self.step(family(**changes))
        for model in members:
            self.register(model)

    def step(self, data: Payload, *, id_: str = "", source: str = INTAKE, story: str = "story") -> list[Emit]:
        """Fold one event in; return what it led to."""
        return self.fold_in(data, self.now + 1_000, id_=id_, source=source, story=story)[1]

    @property
    def now(self) -> int:
        """Broker time of the last event, ms: one second after the one before, and what has passed besides."""
        return 1_000 * self.offset + self.late_ms

    def tick(self) -> list[Emit]:
        """The time that the learner waits for has come."""
        due = self.fold.wake_at(self.state)
        assert due is not None
        self.late_ms += max(0, due - self.now - 1_000)
        return self.step(ClockTicked(due=due), source="/homeostat/clock/meta_learner", story="tick")

    @property
    def action(self) -> str:
        """Identity that the first emit of the last step has."""
        return f"{EMITTER}#{self.offset}.0"

    def register(self, model: str = MODEL, tier: str = "low", hourly_value: float = 0.0) -> list[Emit]:
        """A member of the family."""
        data = {"family": "cameras", "champion": "v0", "model": model, "tier": tier, "hourly_value": hourly_value}
        return self.step(ModelRegistered.model_validate(data))

    def evidence(self, model: str, log2_e: float) -> list[Emit]:
        """What the detector knows below its guarantee."""
        return self.step(EvidenceUpdated(model=model, version="v0", stream="inputs", log2_e=log2_e, rows=100))

    def drift(
        self, model: str = MODEL, version: str = "v0", *, log2_e: float | None = None, **changes: Any
    ) -> list[Emit]:
        """A new story."""
        self.n_drifts += 1
        self.story = f"{DRIFT}#{self.n_drifts}.0"
        data = {
            "model": model,
            "version": version,
            "kind": "concept",
            "detector": "adwin",
            "statistic": 1.0,
            "threshold": 0.5,
            "magnitude": 0.2,
            "onset": WINDOW,
            "log2_e": log2_e,
        }
        return self.step(
            DriftDetected.model_validate(data | changes), id_=emit_id(self.n_drifts), source=DRIFT, story=self.story
        )

    def clear(self, model: str = MODEL) -> list[Emit]:
        """The level is back."""
        return self.step(DriftCleared(model=model, version="v0", error=0.1), story=self.story)

    def profile(
        self,
        labels: int = 40,
        model: str = MODEL,
        version: str = "v0",
        features: Mapping[str, float] | None = None,
        **changes: Any,
    ) -> list[Emit]:
        """What the detector knows after so many labels."""
        data = ProfileUpdated(
            model=model,
            version=version,
            meta_features=dict(features or {"shift": 1.0, "rise": 0.5}),
            labels_since_onset=labels,
            window=WINDOW,
        )
        return self.step(data.model_copy(update=changes), story=self.story)

    def verdict(
        self,
        action: str,
        said: str,
        kind: str = "retrain",
        model: str | None = MODEL,
        failing: Mapping[str, tuple[int, int]] | None = None,
    ) -> list[Emit]:
        """The governor speaks: value and limit of the rules that let it not pass."""
        rules = [
            {"rule": rule, "passed": False, "value": value, "limit": limit, "reason": "no"}
            for rule, (value, limit) in (failing or {}).items()
        ]
        data = {"action": action, "kind": kind, "family": FAMILY, "model": model, "verdict": said, "rules": rules}
        return self.step(VerdictGiven.model_validate(data))

    def evaluate(
        self,
        action: str,
        arm: str,
        payoff: float,
        seconds: float = 2.0,
        model: str = MODEL,
        sources: tuple[str, ...] = (),
    ) -> list[Emit]:
        """An arm's payoff."""
        return self.step(
            CandidateEvaluated(
                action=action,
                model=model,
                arm=arm,
                version=f"{arm}-1",
                payoff=payoff,
                standard_error=0.01,
                n_labels=200,
                seconds=seconds,
                sources=sources,
            )
        )

    def measure(
        self, action: str, model: str = MODEL, ended: str = "promoted", said: type[OutcomeMeasured] = OutcomeMeasured
    ) -> list[Emit]:
        """The action is over."""
        data = {
            "action": action,
            "kind": "retrain",
            "model": model,
            "arm": "warm",
            "state": ended,
            "verdict": "gain",
        }
        numbers = {"gain": 0.1, "gain_low": 0.0, "gain_high": 0.2, "cost": 0.0, "n_labels": 200}
        return self.step(said.model_validate(data | numbers))

    def propose(self, **features: float) -> tuple[str, ActionProposed]:
        """Let a drift come, and its profile; return the action and the proposal."""
        self.drift()
        proposed = one(self.profile(features=features))
        return self.action, proposed

    def publish(self, action: str = "m", artifact: str = "a" * 64, sources: Sequence[str] = ("/jobs",)) -> list[Emit]:
        """Initial weights have passed their gate."""
        data = {
            "action": action,
            "family": FAMILY,
            "artifact": artifact,
            "algorithm": "maml",
            "sources": tuple(sources),
        }
        return self.step(
            WeightsPublished.model_validate(data | {"loss": 0.1, "gain": 0.1, "gain_low": 0.05, "n_tasks": 9})
        )

    def reject(self, action: str = "m") -> list[Emit]:
        """They have not."""
        return self.step(WeightsRejected(action=action, family=FAMILY, reason="no better"))

    def task(self, *, source: str = "/jobs", intake: str = INTAKE, has_arrays: bool = True) -> list[Emit]:
        """A few-shot task, as intake tells the family of it."""
        data = TaskRecorded(task="t", n_classes=2, provenance=Provenance("acme", source, "1"))
        return self.step(data, id_=f"{10 * self.offset}.{int(has_arrays)}", source=intake)


def proposals(emits: Sequence[Emit], kind: str = "retrain") -> list[ActionProposed]:
    """What is proposed, to the governor under the scope."""
    found = [emit for emit in emits if isinstance(emit.data, ActionProposed) and emit.data.kind == kind]
    assert {(emit.log, emit.subject) for emit in found} <= {(GOVERNANCE, "acme")}
    return [emit.data for emit in found if isinstance(emit.data, ActionProposed)]


def one(emits: Sequence[Emit], kind: str = "retrain") -> ActionProposed:
    """The only proposal of a kind."""
    found = proposals(emits, kind)
    assert len(found) == 1, [emit.data for emit in emits]
    return found[0]
