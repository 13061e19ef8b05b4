"""`python -m homeostat.services.outcome_evaluator`: run the outcome evaluator on Kafka."""

from homeostat.runtime.process import Context, Service, main
from homeostat.services.outcome_evaluator import OutcomeEvaluator


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("outcome-evaluator", [OutcomeEvaluator()])


if __name__ == "__main__":
    main("outcome_evaluator")
