"""Compares canaries and shadows with the champion, and measures what actions did."""

from homeostat.services.outcome_evaluator.fold import OutcomeEvaluator
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

__all__ = ["EvaluatorSettings", "OutcomeEvaluator"]
