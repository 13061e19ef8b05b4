"""`python -m homeostat.services.training_advisor`: run the training advisor on Kafka."""

from homeostat.runtime.process import Context, Service, main
from homeostat.services.training_advisor import TrainingAdvisor


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("training-advisor", [TrainingAdvisor()])


if __name__ == "__main__":
    main("training_advisor")
