"""The ingress folds: one per topic that the world outside writes to."""

from typing import Final

from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime.declarations import FoldEntry

_MODULE: Final = "homeostat.services.intake"

ENTRIES: Final = (
    FoldEntry(
        name="intake.telemetry",
        service="intake",
        make=f"{_MODULE}.telemetry:TelemetryIntake",
        topic=TELEMETRY,
        needs_salt=True,
    ),
    FoldEntry(
        name="intake.traces",
        service="intake",
        make=f"{_MODULE}.traces:TracesIntake",
        topic=TRACES,
        needs_salt=True,
    ),
    FoldEntry(
        name="intake.requests",
        service="intake",
        make=f"{_MODULE}.requests:RequestsIntake",
        topic=REQUESTS,
        group="intake-requests",  # a rebalance of the others does not stop what people ask for
        needs_salt=True,
    ),
    FoldEntry(
        name="intake.reports",
        service="intake",
        make=f"{_MODULE}.reports:ReportsIntake",
        topic=REPORTS,
        needs_salt=True,
    ),
)
