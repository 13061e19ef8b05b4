"""The hand that moves alert thresholds, inside the bands that were approved."""

from homeostat.services.threshold_actuator.hand import ThresholdActuator

__all__ = ["ThresholdActuator"]
