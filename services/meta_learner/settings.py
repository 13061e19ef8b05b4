"""Settings of the meta-learner: part of its version."""

from dataclasses import dataclass
from typing import Final

from homeostat.stats.held_out import HELD_OUT_SHARE

INTERVAL_Z: Final = 1.6448536
"""Half-width of a 90 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """How it learns and explores. Defaults from made-up incidents and from the demo's seeds 100 and 101.

    Args:
        shared_sd: Prior of each weight that the arms share, in units of `unit`.
        own_sd: Prior of each weight that an arm has of its own, in units of `unit`.
        noise_sd: Of one payoff, in units of `unit`.
        unit: Payoff that counts as 1: ten points of accuracy.
        payoff_limit: Payoffs beyond count as this: one observation says only so much.
        source_cap: Observations of an arm that one source counts for at most.
        n_sources: Sources learned from, and children of a parent; those that come later are counted and left out.
        parent_cap: Observations of an arm that the parent's prior counts for at most.
        parent_trial: Predictions after which the parent's prior is dropped if they were better without it.
        contribute_every: Payoffs between two shares in the parent's prior.
        drift_weight: Of what was seen, when the learner's own errors have drifted.
        exploration: Scale of the Thompson draws around the mean.
        n_draws: Draws that propensities are counted over.
        floor: Least propensity of an arm that passed the filters.
        kept_share: Share of the value of the rule's arms that must be kept over all decisions.
        held_out_share: Of the decisions, whose payoffs are scored and never learned from.
        later_decisions: Decisions that what a shadow teaches is of use for.
        shadow_price: Of scoring a shadow, as a share of the price of a retrain.
        false_discovery_rate: Of the drifts of a family that are acted on.
        wait_labels: Labels since the onset after which a family is missed that nobody has registered.
        tasks_per_training: New tasks after which initial weights are learned.
        training_steps: Outer steps of a meta-training.
        alarm_rate: Stated rate of the alert thresholds it proposes before incidents have said which is best. It must
            leave room for incidents: of made-up ones that fill 6 % of the time, 1 % misses a quarter and 3 % one in
            twenty.
        false_alerts_per_miss: False alerts that are as bad as a missed incident.
        least_incidents: Graded, before another rate is proposed.
        threshold_margin: Share of the cost that another rate must save.
        threshold_eta: Step of their tracking.
        first_seconds: Training time expected of an arm that was never measured.
        first_meta_seconds: The same of a meta-training.
        n_decisions: Decisions remembered whose payoffs have not come.
        interval_z: Half-width of the published 90 % intervals.
    """

    shared_sd: float = 1.0
    own_sd: float = 1.0
    noise_sd: float = 0.6
    unit: float = 0.1
    payoff_limit: float = 0.5
    source_cap: float = 200.0
    n_sources: int = 64
    parent_cap: float = 20.0
    parent_trial: int = 20
    contribute_every: int = 20
    drift_weight: float = 0.5
    exploration: float = 0.3
    n_draws: int = 64
    floor: float = 0.01
    kept_share: float = 0.95
    held_out_share: float = HELD_OUT_SHARE
    later_decisions: int = 20
    shadow_price: float = 0.1
    false_discovery_rate: float = 0.05
    wait_labels: int = 80
    tasks_per_training: int = 100
    training_steps: int = 300
    alarm_rate: float = 0.03
    false_alerts_per_miss: float = 20.0
    least_incidents: int = 10
    threshold_margin: float = 0.2
    threshold_eta: float = 0.1
    first_seconds: float = 1.0
    first_meta_seconds: float = 5.0
    n_decisions: int = 1000
    interval_z: float = INTERVAL_Z
