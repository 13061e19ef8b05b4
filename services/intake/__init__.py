"""The doors: what comes from outside is checked, deduplicated, joined and passed on with its provenance, or refused."""

from intake.reports import ReportsIntake
from intake.requests import RequestsIntake
from intake.settings import Settings
from intake.telemetry import TelemetryIntake
from intake.traces import TracesIntake

__all__ = ["ReportsIntake", "RequestsIntake", "Settings", "TelemetryIntake", "TracesIntake"]
