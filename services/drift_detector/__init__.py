"""Notices when a model's inputs or errors move, and describes the change for the learner."""

from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State

__all__ = ["DriftDetector", "Settings", "State"]
