"""Drives the evaluator: requests, answers, labels and reports of one model."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tests.support.fold_driver import FoldDriver

from homeostat.core import Emit, Payload
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    Answer,
    BillReceived,
    Candidate,
    CandidateTrained,
    IndicatorComputed,
    Labels,
    ModelRegistered,
    Plan,
    Provenance,
    RewardWeights,
    Rollout,
    Samples,
    SliObserved,
)
from homeostat.events.columns import Role, pack
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.fold import OutcomeEvaluator
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import State

MODEL, FAMILY, ACTION = "acme/camera-1", "acme/cameras", "learner#1.0"
PLAN = Plan(steps=(0.1, 0.5), soak_labels=20, horizon_labels=60, label_limit=100, price=0.02, holdback_labels=40)
D = TypeVar("D")


class EvaluatorDriver(FoldDriver[State]):
    """The evaluator, step by step; its state goes through the snapshot codec after each.

    Args:
        kind: Of the model.
        settings: Of the evaluator.
        hourly_value: Of the model.
    """

    def __init__(
        self, kind: str = "classifier", settings: EvaluatorSettings | None = None, hourly_value: float = 0.0
    ) -> None:
        super().__init__(OutcomeEvaluator(settings), MODEL, "/intake", "/homeostat/outcome_evaluator")
        self.n_requests = 0
        self.now: int | None = None
        self.emitted: list[Emit] = []
        self.step(
            ModelRegistered.model_validate(
                {"family": "cameras", "champion": "v0", "kind": kind, "hourly_value": hourly_value}
            )
        )

    @property
    def analysis(self) -> CanaryAnalysis:
        """The analysis under way; there is one."""
        assert self.state.analysis is not None
        return self.state.analysis

    def step(self, data: Payload) -> list[Emit]:
        """Fold one event in; return what it led to."""
        _, emits = self.fold_in(data, 1_000 * (self.offset + 1) if self.now is None else self.now)
        self.emitted += emits
        return emits

    def serve(self, verb: str = "set", step: int = 0, action: str = ACTION, **changes: Any) -> list[Emit]:
        """The hand has set something."""
        rollout = rollout_of(
            action, step=step, **({"canary": "warm-1", "weight": 0.1} if verb == "set" else {}) | changes
        )
        return self.step(ActionApplied.model_validate(about(action) | {"rollout": rollout, "rollout_verb": verb}))

    def train(self, arm: str, seconds: float, action: str = ACTION, **changes: Any) -> list[Emit]:
        """An arm has been trained, for 0.5 a second if nothing else is said."""
        fields = about(action) | {"kind": "retrain", "arm": arm, "version": f"{arm}-1", "artifact": "a" * 64}
        priced = {"seconds": seconds, "price_per_second": 0.5} | changes
        return self.step(CandidateTrained.model_validate(fields | priced))

    def bill(self, amount: float, action: str | None = ACTION, bill: str = "b-1", **changes: Any) -> list[Emit]:
        """Somebody charges."""
        fields: dict[str, Any] = {"bill": bill, "action": action, "amount": amount, "from_time": 0, "to_time": 10**13}
        return self.step(BillReceived.model_validate(fields | changes))

    def spot(self, kind: str, price: float, seconds: float = 3600.0) -> list[Emit]:
        """The spot market moves."""
        sli = {"name": f"price_per_second.{kind}", "layer": "cost", "value": price, "window_seconds": seconds}
        return self.step(SliObserved.model_validate(sli))

    def revert(self, to: str = "v-1") -> list[Emit]:
        """The hand has gone back."""
        rollout = rollout_of("request#1", candidates=(), reference=to, champion=to)
        return self.step(ActionReverted.model_validate(about("request#1") | {"rollout": rollout}))

    def fail(self, kind: str, action: str = ACTION) -> list[Emit]:
        """The hand could not."""
        return self.step(ActionFailed.model_validate(about(action) | {"kind": kind, "reason": "no_data"}))

    def requests(self, n: int) -> list[str]:
        """Fresh ids."""
        self.n_requests += n
        return [f"r{number}" for number in range(self.n_requests - n, self.n_requests)]

    def label(
        self,
        answers: Mapping[str, Sequence[float | None]],
        truth: Sequence[float | None],
        requests: Sequence[str] | None = None,
        source: str | None = None,
        signer: str = "",
    ) -> list[Emit]:
        """Labels come late, with what each `role/version` said; of fresh requests if none are named."""
        said = [
            Answer(key.partition("/")[2], role_of(key), pack(list(values)), pack([0.5] * len(truth)))
            for key, values in sorted(answers.items())
        ]
        n = len(truth)
        ids = self.requests(n) if requests is None else list(requests)
        zeros = pack([0.0] * n)
        return self.step(Labels(ids, pack(list(truth)), zeros, said, zeros, provenance=from_(source, signer)))

    def rounds(self, n: int, warm: float = 0.0, v0: float = 0.0, head: float = 0.0) -> list[Emit]:
        """Label `n` requests one by one; each version says its number where the truth is 0."""
        emits: list[Emit] = []
        for _ in range(n):
            emits += self.label({"champion/v0": [v0], "canary/warm-1": [warm], "shadow/head-1": [head]}, [0.0])
        return emits

    def settle_scale(self) -> None:
        """The champion of a regressor is off by .2 for 50 rows: from there an error of a whole is a distance of 1."""
        self.label({"champion/v0": [0.2] * 50}, [0.0] * 50)

    def sample(
        self,
        version: str,
        requests: Sequence[str],
        says: Sequence[float],
        label: Sequence[float | None] = (),
        role: Role = "champion",
        latency: Sequence[float | None] = (),
        source: str | None = None,
        signer: str = "",
        is_synthetic: bool = False,
    ) -> list[Emit]:
        """One version's rows, labels inside or not."""
        n = len(requests)
        return self.step(
            Samples(
                version=version,
                role=role,
                request=list(requests),
                time=pack([0.0] * n),
                features=[],
                values=b"",
                prediction=pack(list(says)),
                score=pack([0.5] * n),
                label=pack(list(label)) if label else b"",
                latency_seconds=pack(list(latency)) if latency else b"",
                is_synthetic=is_synthetic,
                provenance=from_(source, signer),
            )
        )


def from_(source: str | None, signer: str = "") -> Provenance | None:
    """Somebody, or nobody known."""
    return Provenance("acme", source, "1", signer=signer or None) if source is not None else None


def role_of(key: str) -> Role:
    """Role in `role/version`."""
    roles: dict[str, Role] = {"champion": "champion", "canary": "canary", "shadow": "shadow"}
    return roles[key.partition("/")[0]]


def about(action: str) -> dict[str, Any]:
    """What every report says."""
    return {"action": action, "command": "c", "kind": "rollout", "family": FAMILY, "model": MODEL}


def rollout_of(action: str, **changes: Any) -> Rollout:
    """Two candidates against v0."""
    fields: dict[str, Any] = {
        "action": action,
        "verdict": "v",
        "family": FAMILY,
        "model": MODEL,
        "expires_at": 0,
        "champion": "v0",
        "reference": "v0",
        "plan": PLAN,
        "candidates": tuple(
            Candidate(arm=arm, version=f"{arm}-1", artifact="a" * 64, seconds=2.0) for arm in ("head", "warm")
        ),
    }
    return Rollout.model_validate(fields | changes)


def data_of(emits: Sequence[Emit], type_: type[D]) -> list[D]:
    """Payloads of a type."""
    return [emit.data for emit in emits if isinstance(emit.data, type_)]


def one(emits: Sequence[Emit], type_: type[D]) -> D:
    """The only payload of a type."""
    found = data_of(emits, type_)
    assert len(found) == 1, [emit.data for emit in emits]
    return found[0]


def first(emits: Sequence[Emit], type_: type[D]) -> D:
    """The first payload of exactly this type: a revision is one of its measurement too."""
    return next(found for found in data_of(emits, type_) if type(found) is type_)


def indicators(emits: Sequence[Emit], name: str) -> list[float]:
    """Values of an indicator, in order."""
    return [data.value for data in data_of(emits, IndicatorComputed) if data.name == name]


def settled(
    *arms: tuple[str, float], hourly_value: float = 0.0, weights: RewardWeights | None = None
) -> EvaluatorDriver:
    """An action whose canary was better, settled with its followers."""
    driver = EvaluatorDriver(hourly_value=hourly_value)
    for arm, seconds in arms:
        driver.train(arm, seconds)
    driver.serve(reward_weights=weights or RewardWeights())
    driver.serve("promote", champion="warm-1")
    driver.rounds(PLAN.horizon_labels, v0=1.0)
    return driver
