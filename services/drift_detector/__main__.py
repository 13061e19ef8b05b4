"""`python -m homeostat.services.drift_detector`: run the drift detector on Kafka."""

from homeostat.runtime.process import Context, Service, main
from homeostat.services.drift_detector import DriftDetector


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("drift-detector", [DriftDetector()])


if __name__ == "__main__":
    main("drift_detector")
