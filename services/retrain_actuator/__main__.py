"""`python -m homeostat.services.retrain_actuator`: train on command."""

from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context, Service, main
from homeostat.runtime.reader import KafkaReader
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import EventHistory
from homeostat.services.retrain_actuator.settings import RetrainActuatorSettings
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher


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
