"""The hand that trains: every arm of a retrain command on one closed range of the timeline."""

from retrain_actuator.hand import RetrainActuator
from retrain_actuator.history import EventHistory, History, LabelledRows

__all__ = ["EventHistory", "History", "LabelledRows", "RetrainActuator"]
