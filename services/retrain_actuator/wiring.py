"""Puts the retrain actuator together."""

from pathlib import Path

from homeostat.artifacts import ArtifactStore
from homeostat.core import Hand
from homeostat.recipe_file import read_recipes
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context
from homeostat.runtime.reader import KafkaReader, LogReader, MemoryReader
from homeostat.runtime.rehearsal import Rehearsal
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import EventHistory
from homeostat.services.retrain_actuator.settings import RetrainActuatorSettings
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher


def retrain_actuator(context: Context) -> Hand:
    """Wire the hand to the timeline, the store and its recipes."""
    reader = KafkaReader(context.settings, context.cluster)
    return _wired(reader, context.store, context.workdir("jobs"), context.settings.data_dir)


def rehearsed(rehearsal: Rehearsal) -> Hand:
    """Wire the hand to a system in memory, with the recipes of this machine."""
    return _wired(MemoryReader(rehearsal.log), rehearsal.store, rehearsal.workdir, rehearsal.data_dir)


def _wired(reader: LogReader, store: ArtifactStore, workdir: Path, data_dir: Path) -> Hand:
    settings = settings_of_environment(RetrainActuatorSettings)
    return RetrainActuator(
        EventHistory(lambda window: reader.read(window.log, window.subject, window.from_time)),
        store,
        SubprocessLauncher(lambda: read_recipes(data_dir) | settings.recipes, memory_bytes=settings.memory_bytes),
        workdir,
        retry_timeout_seconds=settings.retry_timeout_seconds,
    )
