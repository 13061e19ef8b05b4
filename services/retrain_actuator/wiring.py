"""Puts the retrain actuator together."""

from homeostat.core import Hand
from homeostat.recipe_file import read_recipes
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context
from homeostat.runtime.reader import KafkaReader
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import EventHistory
from homeostat.services.retrain_actuator.settings import RetrainActuatorSettings
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher


def retrain_actuator(context: Context) -> Hand:
    """Wire the hand to the timeline, the store and its recipes."""
    settings = settings_of_environment(RetrainActuatorSettings)
    reader = KafkaReader(context.settings, context.cluster)
    return RetrainActuator(
        EventHistory(lambda window: reader.read(window.log, window.subject, window.from_time)),
        context.store,
        SubprocessLauncher(
            lambda: read_recipes(context.settings.data_dir) | settings.recipes, memory_bytes=settings.memory_bytes
        ),
        context.workdir("jobs"),
        retry_timeout_seconds=settings.retry_timeout_seconds,
    )
