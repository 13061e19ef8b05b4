"""The name of an outcome, and what it rests on."""

from typing import Literal

from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

Verdict = Literal["gain", "cost", "regression", "inconclusive"]


def verdict_of(low: float, high: float, cost: float, *, changed: bool) -> Verdict:
    """Name an outcome by its interval: gain pays for its cost, cost does not, regression harms.

    Args:
        low: Lower end of the gain's interval.
        high: Upper end.
        cost: In the same units.
        changed: Whether anything serves that did not before.
    """
    if not changed:
        return "cost" if cost > 0 else "inconclusive"
    if low > cost:
        return "gain"
    if high < 0:
        return "regression"
    return "cost" if high < cost else "inconclusive"


def reason_of(analysis: CanaryAnalysis, n: int, settings: EvaluatorSettings) -> str:
    """Return what the verdict rests on; whatever else changed meanwhile has hit both versions of a pair alike.

    Args:
        analysis: How it ended.
        n: Rows labelled since the promotion, if there was one.
        settings: Rows below which there is no verdict.
    """
    match analysis.ended:
        case "promoted" if not n:
            return "no row labelled since the promotion was answered by both versions: nothing can be attributed"
        case "promoted" if n < settings.verdict_labels:
            return f"only {n} rows labelled since the promotion were answered by both versions"
        case "promoted":
            return f"{n} rows labelled since the promotion, answered by the new version and by the old champion"
        case "aborted":
            return "the candidate does not serve: nothing was gained"
        case "skipped" if analysis.chosen != "skip":
            return f"{analysis.chosen} could not be trained: nothing was rolled out"
        case "skipped":
            return "nothing was rolled out"
        case _:
            return "it was ended before its horizon"
