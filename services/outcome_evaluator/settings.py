"""Settings of the outcome evaluator: part of its version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluatorSettings:
    """How canaries are judged and outcomes measured.

    Args:
        alpha: Level of the sequential test, each way; any-time valid.
        leaning_log2: A soaked step goes on only if the e-value for "better" is above 2 to this.
        inline_requests: Requests remembered, where labels or latencies come inside samples, until every version has
            answered.
        scored_requests: Requests of an action remembered, so that none counts twice; a label that comes later than the
            door's window of as many is refused there.
        z: Half-width of the 90 % interval of a payoff, in standard errors.
        verdict_labels: Labelled rows since a promotion below which no interval is trusted: the outcome is inconclusive.
        anomaly_ratio: A bill this many times the estimate is a cost anomaly.
        retrain_minutes: What a retrain with its roll-out takes by hand.
        rollback_minutes: What going back takes by hand.
        threshold_minutes: What reviewing an alert threshold takes by hand.
    """

    alpha: float = 0.01
    leaning_log2: float = 0.0
    inline_requests: int = 2048
    scored_requests: int = 4096
    z: float = 1.6448536
    verdict_labels: int = 20
    anomaly_ratio: float = 2.0
    retrain_minutes: float = 60.0
    rollback_minutes: float = 20.0
    threshold_minutes: float = 15.0
