"""The doors: what comes from outside is checked, deduplicated, joined and passed on with its provenance, or refused."""

from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake

__all__ = ["ReportsIntake", "RequestsIntake", "Settings", "TelemetryIntake", "TracesIntake"]
