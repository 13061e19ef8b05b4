"""What the evaluator knows of one model."""

from dataclasses import dataclass, field

from homeostat.events import Labels, ModelRegistered, Samples, SliObserved
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.cost.ledger import CostLedger
from homeostat.services.outcome_evaluator.inline_labels import InlineLabels
from homeostat.services.outcome_evaluator.latency import LatencyPairs
from homeostat.services.outcome_evaluator.post_promotion import HoldbackMeasurement
from homeostat.services.outcome_evaluator.production import Production
from homeostat.services.outcome_evaluator.provenance import Origins
from homeostat.services.outcome_evaluator.toil import Toil
from homeostat.stats.error import ErrorScale, Unit


@dataclass(slots=True)
class State:
    """Of one model.

    Args:
        kind: classifier or regressor: says how an error is counted.
        error_scale: Of a regressor's errors, learned from all labelled rows, whether an action is measured or not.
        analysis: Of the action whose candidates are mirrored or roll out; a model serves those of one at a time.
        holdback: The last promotion, until its outcome is final.
        costs: What actions cost.
        toil: Hours saved.
        production: What serves.
        inline_labels: Requests whose answers come one version after the other; kept while an action is measured.
        latencies: The same of latencies.
        origins: Who published the answers to a request; likewise.
    """

    kind: str = "classifier"
    error_scale: ErrorScale = field(default_factory=ErrorScale)
    analysis: CanaryAnalysis | None = None
    holdback: HoldbackMeasurement | None = None
    costs: CostLedger = field(default_factory=CostLedger)
    toil: Toil = field(default_factory=Toil)
    production: Production = field(default_factory=Production)
    inline_labels: InlineLabels = field(default_factory=InlineLabels)
    latencies: LatencyPairs = field(default_factory=LatencyPairs)
    origins: Origins = field(default_factory=Origins)

    def register(self, data: ModelRegistered) -> None:
        """Take the kind of the model, its value, and its champion if nothing else is known to serve."""
        if data.kind != self.kind:
            self.error_scale = ErrorScale()
        self.kind, self.production.hourly_value = data.kind, data.hourly_value
        self.production.serving = self.production.serving or data.champion

    def update_indicator(self, data: SliObserved, now: int) -> None:
        """Count a window of an indicator: a spot price, or one of the service."""
        if not self.costs.spot_prices.update(data, now):
            self.production.update(data)

    def update_scale(self, rows: Samples | Labels) -> Unit:
        """Return the unit of the errors of labelled rows, and learn from them; None for a classifier."""
        return None if self.kind == "classifier" else self.error_scale.update(*rows.champion_rows())

    @property
    def unit(self) -> Unit:
        """Unit of the errors of rows that are joined now."""
        return None if self.kind == "classifier" else self.error_scale.unit

    @property
    def measured(self) -> CanaryAnalysis | None:
        """What rolls out; if nothing does, the promotion that is still measured."""
        if self.analysis is None and self.holdback is not None:
            return self.holdback.analysis
        return self.analysis

    @property
    def actions_in_use(self) -> list[str]:
        """Actions whose accounts are still needed."""
        rolled_out = [self.analysis.action] if self.analysis is not None else []
        return rolled_out + ([self.holdback.analysis.action] if self.holdback is not None else [])

    def reset_if_idle(self) -> None:
        """Forget requests if nothing is measured any more."""
        if self.analysis is None and self.holdback is None:
            self.inline_labels.reset()
            self.latencies.reset()
            self.origins.reset()
