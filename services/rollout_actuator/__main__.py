"""`python -m homeostat.services.rollout_actuator`: set what serves, on command."""

from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context, Service, main
from homeostat.services.rollout_actuator import RolloutActuator
from homeostat.services.rollout_actuator.settings import RolloutActuatorSettings
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget


def services(context: Context) -> list[Service]:
    """Wire the hand to the model server and to its host."""
    settings = settings_of_environment(RolloutActuatorSettings)
    token_file = settings.token_file or context.settings.token_file
    target = EmbeddedTarget(settings.url, token_file=token_file, timeout_seconds=settings.timeout_seconds)
    return context.hand("rollout-actuator", RolloutActuator(target, patience_seconds=settings.patience_seconds))


if __name__ == "__main__":
    main("rollout_actuator")
