"""`python -m rollout_actuator`: set what serves, on command."""

from homeostat.host.process import Context, Service, main
from rollout_actuator import RolloutActuator
from rollout_actuator.settings import RolloutActuatorSettings
from rollout_actuator.targets.embedded import EmbeddedTarget


def services(context: Context) -> list[Service]:
    """Wire the hand to the model server and to its host."""
    settings = RolloutActuatorSettings()
    target = EmbeddedTarget(settings.url, timeout_seconds=settings.timeout_seconds)
    return context.hand("rollout-actuator", RolloutActuator(target, patience_seconds=settings.patience_seconds))


if __name__ == "__main__":
    main("rollout_actuator")
