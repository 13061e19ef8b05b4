"""`python -m intake`: guard the doors."""

from homeostat.host.process import Context, Service, main
from intake import ReportsIntake, RequestsIntake, TelemetryIntake, TracesIntake


def services(context: Context) -> list[Service]:
    """Wire the four folds, one per door, to one host."""
    return context.folds("intake", [TelemetryIntake(), TracesIntake(), RequestsIntake(), ReportsIntake()])


if __name__ == "__main__":
    main("intake")
