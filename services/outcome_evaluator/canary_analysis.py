"""One action whose candidates are scored on the same labelled traffic as the champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from homeostat.core import Event, Identity
from homeostat.events import ActionApplied, Plan, RewardWeights, Rollout, Samples
from homeostat.services.outcome_evaluator.canary_test import CanaryTest
from homeostat.services.outcome_evaluator.labelled_rows import LabelledRows
from homeostat.services.outcome_evaluator.payoff import Payoffs
from homeostat.services.outcome_evaluator.provenance import Origin, RowSources

Ended = Literal["promoted", "aborted", "skipped", "expired"]
"""`skipped`: nothing was rolled out, by choice or because the chosen arm could not be trained."""


@dataclass(slots=True)
class CanaryAnalysis:
    """The comparison of an action's candidates, canary and shadows, with the champion of its start.

    Args:
        action: Its id.
        correlation_id: Its story.
        family: `scope/family`.
        chosen: Arm drawn at the proposal: that of the canary, `skip`, or one that could not be trained.
        canary: Its version.
        reference: Champion of the start.
        plan: Soak, limits, horizon, price.
        reward_weights: Of the reward.
        currency: Of the reward.
        payoffs: Of every arm.
        kind: retrain, or rollout of what was trained elsewhere.
        ended: How the rollout ended, once it has; the outcome is measured at the horizon.
        serving_change: Number of the change of what serves that its promotion was; 0 without one.
        n_labels: Labelled rows that the reference and a candidate answered.
        exposed: Requests that the canary answered.
        test: Of the canary against the reference.
        sources: Who published the rows behind it.
    """

    action: str
    correlation_id: Identity
    family: str
    chosen: str
    canary: str | None
    reference: str
    plan: Plan
    reward_weights: RewardWeights
    currency: str
    payoffs: Payoffs
    kind: Literal["retrain", "rollout"] = "retrain"
    ended: Ended | None = None
    serving_change: int = 0
    n_labels: int = 0
    exposed: int = 0
    test: CanaryTest = field(default_factory=CanaryTest)
    sources: RowSources = field(default_factory=RowSources)

    @classmethod
    def initial(cls, data: ActionApplied, rollout: Rollout, event: Event) -> "CanaryAnalysis":
        """Return an analysis without rows.

        Args:
            data: The report that the candidates serve, or are mirrored to.
            rollout: What it set, with candidates.
            event: That brought it.
        """
        arms = {candidate.version: candidate.arm for candidate in rollout.candidates}
        chosen = arms.get(rollout.canary or "", rollout.chosen or "skip")
        return cls(
            data.action,
            event.story,
            data.family,
            chosen,
            rollout.canary,
            rollout.reference,
            rollout.plan,
            rollout.reward_weights,
            rollout.currency,
            Payoffs.initial(rollout.candidates, chosen),
            rollout.kind,
            None if rollout.canary else "skipped",
        )

    def score(self, rows: LabelledRows, origins: Mapping[str, Origin], limit: int) -> int | None:
        """Score every candidate on the rows that the reference answered too.

        A request that was scored before is no new evidence: the sequential test keeps what was said first.

        Args:
            rows: With the errors of some versions.
            origins: Of what the versions answered, as far as known.
            limit: Requests remembered, >= 1.

        Returns:
            Requests that were not scored before; None if no candidate and reference stand side by side.
        """
        errors, reference = rows.errors, rows.errors.get(self.reference)
        candidates = [errors[version] for version in self.payoffs.by_version if version in errors]
        if reference is None or not candidates:
            return None
        is_pair = ~np.isnan(reference) & np.any(~np.isnan(candidates), axis=0)
        paired = self.sources.admit(rows.requests, np.flatnonzero(is_pair).tolist(), origins, rows.provenance)
        is_promoted = self.ended == "promoted"
        n_new, of_canary = self.payoffs.update(
            rows.requests, paired, errors, reference, limit, self.canary, is_promoted=is_promoted
        )
        if self.ended is None and self.canary is not None and self.canary in errors:
            self.test.update(errors[self.canary][of_canary], reference[of_canary])
        return n_new

    def update(self, rows: LabelledRows, origins: Mapping[str, Origin], limit: int) -> bool:
        """Score rows and count those that are new; return whether a candidate and the reference stand side by side.

        Args:
            rows: See `score`.
            origins: See `score`.
            limit: See `score`.
        """
        n_new = self.score(rows, origins, limit)
        self.n_labels += n_new or 0
        return n_new is not None

    def update_samples(self, samples: Samples, slower: Mapping[str, list[float]]) -> None:
        """Count the requests that the canary answers itself, until its rollout ends; and latencies.

        Args:
            samples: Rows of one version.
            slower: By version: seconds more than the reference on the same requests.
        """
        if samples.role == "canary" and samples.version == self.canary and self.ended is None:
            self.exposed += samples.n_rows
        for version, seconds in slower.items():
            if (arm := self.payoffs.by_version.get(version)) is not None:
                arm.update_latency(seconds)

    @property
    def next_check_at(self) -> int | None:
        """When a canary that waits for nothing but time has soaked, ms."""
        return self.test.next_check_at(self.plan) if self.ended is None and self.canary is not None else None
