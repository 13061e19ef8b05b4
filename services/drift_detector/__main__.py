"""`python -m drift_detector`: run the drift detector on Kafka."""

from drift_detector import DriftDetector
from homeostat.host.process import Context, Service, main


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("drift-detector", [DriftDetector()])


if __name__ == "__main__":
    main("drift_detector")
