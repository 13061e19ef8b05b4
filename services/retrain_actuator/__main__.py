"""`python -m retrain_actuator`: train on command."""

from homeostat.host.environment import settings_of_environment
from homeostat.host.process import Context, Service, main
from homeostat.host.reader import KafkaReader
from retrain_actuator.hand import RetrainActuator
from retrain_actuator.history import EventHistory
from retrain_actuator.settings import RetrainActuatorSettings
from retrain_actuator.targets.subprocess import SubprocessLauncher


def services(context: Context) -> list[Service]:
    """Wire the hand to the timeline, the store, its recipes and its host."""
    settings = settings_of_environment(RetrainActuatorSettings)
    reader = KafkaReader(context.settings, context.cluster)
    hand = RetrainActuator(
        EventHistory(lambda window: reader.read(window.log, window.subject, window.from_time)),
        context.store,
        SubprocessLauncher(settings.recipes, memory_bytes=settings.memory_bytes),
        context.workdir("jobs"),
        patience_seconds=settings.patience_seconds,
    )
    return context.hand("retrain-actuator", hand)


if __name__ == "__main__":
    main("retrain_actuator")
