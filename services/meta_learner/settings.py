"""Settings of the meta-learner: part of its version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """How it learns and explores. Defaults from 10 banks of 200 adaptation tasks on made-up incidents.

    Args:
        prior_sd: Of each weight, in units of `unit`.
        noise_sd: Of one payoff, in units of `unit`.
        unit: Payoff that counts as 1: ten points of accuracy.
        exploration: Scale of the Thompson draws around the mean.
        n_draws: Draws that propensities are counted over.
        floor: Least propensity of an arm that passed the filters.
        tasks_per_training: New tasks after which initial weights are learned.
        training_steps: Outer steps of a meta-training.
        alarm_rate: Stated rate of the alert thresholds it proposes.
        threshold_eta: Step of their tracking; on made-up cameras it alerts at the stated rate.
        first_seconds: Training time expected of an arm that was never measured.
        n_decisions: Decisions remembered whose payoffs have not come.
        interval_z: Half-width of the published 90 % intervals.
    """

    prior_sd: float = 1.5
    noise_sd: float = 0.6
    unit: float = 0.1
    exploration: float = 0.3
    n_draws: int = 64
    floor: float = 0.01
    tasks_per_training: int = 100
    training_steps: int = 300
    alarm_rate: float = 0.01
    threshold_eta: float = 0.5
    first_seconds: float = 1.0
    n_decisions: int = 1000
    interval_z: float = 1.6448536
