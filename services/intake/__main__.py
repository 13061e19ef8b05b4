"""`python -m homeostat.services.intake`: guard the doors, or those that HOMEOSTAT_INTAKE_DOORS names."""

from homeostat.events.logs import REQUESTS
from homeostat.runtime.process import Context, Service, main
from homeostat.services.intake import ReportsIntake, RequestsIntake, TelemetryIntake, TracesIntake


def services(context: Context) -> list[Service]:
    """Wire one fold per door; that of requests is a group of its own, whoever else is in the process."""
    doors, salt = context.settings.doors, context.settings.salt
    made = [door(salt=salt) for door in (TelemetryIntake, TracesIntake, ReportsIntake)]
    folds = [fold for fold in made if fold.log in doors]
    machines = context.folds("intake", folds) if folds else []
    return [*machines, *(context.folds("intake-requests", [RequestsIntake(salt=salt)]) if REQUESTS in doors else [])]


if __name__ == "__main__":
    main("intake")
