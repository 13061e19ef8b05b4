"""Puts the threshold actuator together."""

from homeostat.core import Hand
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.settings import ThresholdActuatorSettings
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds


def threshold_actuator(context: Context) -> Hand:
    """Wire the hand to its file, and show its series on the process's port."""
    settings = settings_of_environment(ThresholdActuatorSettings)
    target = PrometheusThresholds(settings.state or context.workdir("thresholds") / "thresholds.json")
    context.collectors.append(target)
    return ThresholdActuator(target)
