"""`python -m homeostat.services.outcome_evaluator`: run the outcome evaluator on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("outcome_evaluator")
