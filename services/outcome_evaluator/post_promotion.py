"""A promotion after its settlement: the old champion is held back, and the outcome is revised when it changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.core import Emit
from homeostat.events import OutcomeMeasured
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis, Ended
from homeostat.services.outcome_evaluator.cost.ledger import Account
from homeostat.services.outcome_evaluator.labelled_rows import LabelledRows
from homeostat.services.outcome_evaluator.outcome import outcome_of
from homeostat.services.outcome_evaluator.outcome_events import revised, settled
from homeostat.services.outcome_evaluator.production import Production
from homeostat.services.outcome_evaluator.provenance import Origin
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

Emits = tuple[Emit, ...]


@dataclass(slots=True)
class HoldbackMeasurement:
    """A promotion whose outcome was emitted and may be revised.

    Args:
        analysis: As it was settled.
        n_left: Labelled rows until the outcome is final.
        next_check_rows: Rows since the promotion at which it is looked at again: each time they have doubled.
    """

    analysis: CanaryAnalysis
    n_left: int
    next_check_rows: int

    @classmethod
    def initial(cls, analysis: CanaryAnalysis) -> "HoldbackMeasurement":
        """Go on measuring a promotion that is being settled."""
        return cls(analysis, analysis.plan.holdback_labels, 2 * max(1, analysis.payoffs.after.n))

    def update(self, rows: LabelledRows, origins: Mapping[str, Origin], limit: int) -> bool:
        """Score the promoted version on the rows that the old champion answered too; return whether there are new ones.

        Args:
            rows: With the errors of some versions.
            origins: Of what the versions answered, as far as known.
            limit: Requests remembered, >= 1.
        """
        n_before = self.analysis.payoffs.after.n
        self.analysis.score(rows.only(self.analysis.canary, self.analysis.reference), origins, limit)
        n_new = self.analysis.payoffs.after.n - n_before
        self.n_left -= n_new
        return n_new > 0

    def revise(self, account: Account, model: str, production: Production, settings: EvaluatorSettings) -> Emits:
        """Emit the outcome again if it has changed materially.

        Materially: another verdict, or a gain outside of the interval that was emitted. It is looked at whenever the
        rows have doubled: looking after every row would find a change by chance.

        Args:
            account: With the outcome that was emitted; replaced if it has changed.
            model: `scope/model`.
            production: See `outcome_of`.
            settings: Of the evaluator.
        """
        analysis, emitted = self.analysis, account.outcome
        self.next_check_rows = 2 * analysis.payoffs.after.n
        outcome = outcome_of(analysis, account.balance, model, production, settings, is_final=False)
        if emitted is not None and not _is_material(emitted, outcome):
            return ()
        account.outcome = outcome
        return (revised(outcome, analysis.family, analysis.correlation_id),)

    def conclude(
        self,
        account: Account,
        model: str,
        production: Production,
        settings: EvaluatorSettings,
        ended: Ended | None = None,
    ) -> Emits:
        """Emit the final outcome.

        Args:
            account: With the outcome that was emitted; replaced.
            model: `scope/model`.
            production: See `outcome_of`.
            settings: Of the evaluator.
            ended: Another end than the promotion: it was reverted.
        """
        analysis = self.analysis
        analysis.ended = ended or analysis.ended
        account.outcome = outcome_of(analysis, account.balance, model, production, settings, is_final=True)
        return (
            revised(account.outcome, analysis.family, analysis.correlation_id),
            settled(account.outcome, analysis.correlation_id),
        )


def _is_material(emitted: OutcomeMeasured, now: OutcomeMeasured) -> bool:
    return emitted.verdict != now.verdict or not emitted.gain_low <= now.gain <= emitted.gain_high
