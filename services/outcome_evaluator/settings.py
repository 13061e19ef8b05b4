"""Settings of the outcome evaluator: part of its version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluatorSettings:
    """How canaries are judged and outcomes measured.

    Args:
        alpha: Level of the sequential test, each way; any-time valid.
        leaning_log2: A soaked step goes on only if the e-value for "better" is above 2 to this.
        inline_requests: Requests remembered, where labels come inside samples, until every version has answered.
        z: Half-width of the 90 % interval of a payoff, in standard errors.
    """

    alpha: float = 0.01
    leaning_log2: float = 0.0
    inline_requests: int = 2048
    z: float = 1.6448536
