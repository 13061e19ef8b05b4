"""`python -m homeostat.services.threshold_actuator`: move alert thresholds, on command."""

from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context, Service, main
from homeostat.services.threshold_actuator import ThresholdActuator
from homeostat.services.threshold_actuator.settings import ThresholdActuatorSettings
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds


def services(context: Context) -> list[Service]:
    """Wire the hand to its file and series, and to its host."""
    settings = settings_of_environment(ThresholdActuatorSettings)
    state = settings.state or context.workdir("thresholds") / "thresholds.json"
    target = PrometheusThresholds(state)
    return context.hand("threshold-actuator", ThresholdActuator(target), collectors=[target])


if __name__ == "__main__":
    main("threshold_actuator")
