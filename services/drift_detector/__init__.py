"""Notices when a model's inputs or errors move, and describes the change for the learner."""

from drift_detector.fold import DriftDetector
from drift_detector.settings import Settings
from drift_detector.state import State

__all__ = ["DriftDetector", "Settings", "State"]
