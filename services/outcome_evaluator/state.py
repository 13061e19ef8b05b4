"""What the evaluator knows of one model: its trials."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from homeostat.core import Identity
from homeostat.events import Labels, Plan, RewardWeights, Samples
from homeostat.services.outcome_evaluator.accounts import Ledger
from homeostat.services.outcome_evaluator.inline import Row
from homeostat.services.outcome_evaluator.latency import Seconds
from homeostat.services.outcome_evaluator.origins import Origin
from homeostat.services.outcome_evaluator.production import Production
from homeostat.services.outcome_evaluator.toil import Toil
from homeostat.stats.error import ErrorScale, Unit
from homeostat.stats.paired import PairedEProcess

Ended = Literal["promoted", "aborted", "skipped", "expired"]
"""`skipped`: nothing was rolled out, by choice or because the chosen arm could not be trained."""


@dataclass(slots=True)
class Tally:
    """Payoff of one candidate so far: per labelled row the reference's error minus its own.

    Args:
        arm: Which arm trained it.
        seconds: Training time.
        n: Rows.
        total: Sum of payoffs.
        squares: Sum of squared payoffs.
        n_latency: Requests whose latency is known of both.
        latency: Sum of its seconds minus the reference's.
    """

    arm: str
    seconds: float
    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    n_latency: int = 0
    latency: float = 0.0

    def add(self, payoff: float) -> None:
        """Count a row; called in order, so that the sums have the same bits everywhere."""
        self.n += 1
        self.total += payoff
        self.squares += payoff * payoff

    def correct(self, said: float, payoff: float) -> None:
        """Replace what a row was counted with."""
        self.total += payoff - said
        self.squares += payoff * payoff - said * said

    def add_latency(self, seconds: list[float]) -> None:
        """Count differences of latency."""
        self.n_latency += len(seconds)
        for value in seconds:
            self.latency += value

    @property
    def latency_change(self) -> float | None:
        """Mean seconds added, None without requests."""
        return self.latency / self.n_latency if self.n_latency else None

    @property
    def mean(self) -> float:
        """Mean payoff, 0 without rows."""
        return self.total / self.n if self.n else 0.0

    @property
    def standard_error(self) -> float:
        """Of the mean; 1 without two rows."""
        if self.n < 2:
            return 1.0
        variance: float = max(0.0, self.squares / self.n - self.mean * self.mean)
        return sqrt(variance / (self.n - 1))


@dataclass(slots=True)
class Scored:
    """A request that candidates were scored on.

    Args:
        payoffs: By version.
        is_after: The canary was first scored on it after its promotion.
    """

    payoffs: dict[str, float] = field(default_factory=dict)
    is_after: bool = False


@dataclass(slots=True)
class Trial:
    """One action whose candidates are scored.

    Args:
        action: Its id.
        story: Its story.
        family: `scope/family`.
        chosen: Arm drawn at the proposal: that of the canary, `skip`, or one that could not be trained.
        canary: Its version.
        reference: Champion of the start.
        plan: Soak, limits, horizon, price.
        tallies: By version.
        weights: Of the reward.
        currency: Of the reward.
        after: Payoff of the promoted version on the rows labelled since the promotion.
        change: Number of the change of what serves that its promotion was; 0 without one.
        ended: How the rollout ended, once it has; the outcome is measured at the horizon.
        step: Of the canary.
        step_labels: Labelled pairs in this step.
        step_at: When it began, ms.
        is_soaked: It was looked at when its time was over.
        judged: Last judgement of this step; it is said again only when it changes.
        test: Sequential test of the canary against the reference.
        canary_errors: Sum over the pairs.
        reference_errors: Sum over the pairs.
        n_labels: Labelled rows that the reference and a candidate answered.
        exposed: Requests that the canary answered.
        sources: Who published the rows behind it, and the public key that all of theirs were signed with; empty if not.
        n_unnamed: Rows of which nobody knows any more who published them.
        scored: Requests behind it, the oldest first and forgotten.
        kind: retrain, or rollout of what was trained elsewhere.
    """

    action: str
    story: Identity
    family: str
    chosen: str
    canary: str | None
    reference: str
    plan: Plan
    tallies: dict[str, Tally]
    weights: RewardWeights
    currency: str
    after: Tally
    change: int = 0
    ended: Ended | None = None
    step: int = -1
    step_labels: int = 0
    step_at: int = 0
    is_soaked: bool = False
    judged: str = ""
    test: PairedEProcess = field(default_factory=PairedEProcess)
    canary_errors: float = 0.0
    reference_errors: float = 0.0
    n_labels: int = 0
    exposed: int = 0
    sources: dict[str, str] = field(default_factory=dict)
    n_unnamed: int = 0
    scored: dict[str, Scored] = field(default_factory=dict)
    kind: Literal["retrain", "rollout"] = "retrain"

    @property
    def soaked_at(self) -> int | None:
        """When the step has lasted as long as it must, ms; None where that is not all that is waited for."""
        is_open = self.ended is None and self.canary is not None and self.step >= 0 and not self.is_soaked
        if not is_open or not self.plan.soak_seconds or self.step_labels < self.plan.soak_labels:
            return None
        return self.step_at + round(1000 * self.plan.soak_seconds)


@dataclass(slots=True)
class Followed:
    """A promotion whose outcome was said and may be said again.

    Args:
        trial: As it was settled.
        n_left: Labelled rows until the outcome is final.
        look_at: Rows since the promotion at which it is looked at again: each time they have doubled.
    """

    trial: Trial
    n_left: int
    look_at: int


@dataclass(slots=True)
class State:
    """Of one model.

    Args:
        kind: classifier or regressor: says how an error is counted.
        error_scale: Of a regressor's errors, learned from all labelled rows, whether an action is measured or not.
        hourly_value: Worth of a point of accuracy for an hour.
        trials: By action.
        followed: The last promotion, until its outcome is final.
        ledger: What actions cost.
        toil: Hours saved.
        production: Indicators of the service.
        is_inline: Labels come inside samples.
        rows: Requests whose answers come one version after the other; kept while an action is measured.
        latencies: The same of latencies.
        origins: Who published the answers to a request; likewise.
    """

    kind: str = "classifier"
    error_scale: ErrorScale = field(default_factory=ErrorScale)
    hourly_value: float = 0.0
    trials: dict[str, Trial] = field(default_factory=dict)
    followed: Followed | None = None
    ledger: Ledger = field(default_factory=Ledger)
    toil: Toil = field(default_factory=Toil)
    production: Production = field(default_factory=Production)
    is_inline: bool = False
    rows: dict[str, Row] = field(default_factory=dict)
    latencies: Seconds = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)

    @property
    def soaked_at(self) -> int | None:
        """When the first canary that waits for nothing but time has soaked, ms."""
        return min((at for trial in self.trials.values() if (at := trial.soaked_at) is not None), default=None)

    @property
    def unit(self) -> Unit:
        """Unit of the errors of rows that are joined now."""
        return None if self.kind == "classifier" else self.error_scale.unit

    def unit_of(self, rows: Samples | Labels) -> Unit:
        """Return the unit of the errors of labelled rows, and learn from them; None for a classifier."""
        return None if self.kind == "classifier" else self.error_scale.update(*rows.champion_rows())

    @property
    def measured(self) -> list[Trial]:
        """What is rolling out, and then what is followed."""
        return [*self.trials.values(), *([self.followed.trial] if self.followed is not None else [])]

    @property
    def in_use(self) -> list[str]:
        """Actions whose accounts are still needed."""
        return [trial.action for trial in self.measured]

    def rest(self) -> None:
        """Forget requests if nothing is measured any more."""
        if not self.measured:
            self.rows, self.latencies, self.origins = {}, {}, {}
