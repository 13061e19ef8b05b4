"""What the evaluator knows of one model: its trials."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from homeostat.core import Identity
from homeostat.events import Plan
from homeostat.stats.paired import PairedEProcess
from outcome_evaluator.inline import Row

Ended = Literal["promoted", "aborted", "skipped", "expired"]


@dataclass(slots=True)
class Tally:
    """Payoff of one candidate so far: per labelled row the reference's error minus its own.

    Args:
        arm: Which arm trained it.
        seconds: Training time.
        n: Rows.
        total: Sum of payoffs.
        squares: Sum of squared payoffs.
    """

    arm: str
    seconds: float
    n: int = 0
    total: float = 0.0
    squares: float = 0.0

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
class Trial:
    """One action whose candidates are scored.

    Args:
        action: Its id.
        story: Its story.
        family: `scope/family`.
        chosen: Arm of the canary, `skip` without one.
        canary: Its version.
        reference: Champion of the start.
        plan: Soak, limits, horizon, price.
        tallies: By version.
        ended: How the rollout ended, once it has; the outcome is measured at the horizon.
        step: Of the canary.
        step_labels: Labelled pairs in this step.
        judged: Last judgement of this step; it is said again only when it changes.
        test: Sequential test of the canary against the reference.
        canary_errors: Of the pairs.
        reference_errors: Of the pairs.
        n_labels: Labelled rows that the reference and a candidate answered.
        exposed: Requests that the canary answered.
    """

    action: str
    story: Identity
    family: str
    chosen: str
    canary: str | None
    reference: str
    plan: Plan
    tallies: dict[str, Tally]
    ended: Ended | None = None
    step: int = -1
    step_labels: int = 0
    judged: str = ""
    test: PairedEProcess = field(default_factory=PairedEProcess)
    canary_errors: int = 0
    reference_errors: int = 0
    n_labels: int = 0
    exposed: int = 0


@dataclass(slots=True)
class State:
    """Of one model.

    Args:
        kind: classifier or regressor: says how an error is counted.
        trials: By action.
        is_inline: Labels come inside samples.
        rows: Requests whose answers come one version after the other; kept while there is a trial.
    """

    kind: str = "classifier"
    trials: dict[str, Trial] = field(default_factory=dict)
    is_inline: bool = False
    rows: dict[str, Row] = field(default_factory=dict)
