"""Puts the MAML trainer together."""

from homeostat.core import Hand
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context
from homeostat.runtime.reader import KafkaReader
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.maml_trainer.meta.selfcheck import self_check
from homeostat.services.maml_trainer.settings import MamlTrainerSettings


def maml_trainer(context: Context) -> Hand:
    """Check the engine, then wire the hand to the logs, the store and its settings."""
    self_check()
    reader = KafkaReader(context.settings, context.cluster)
    settings = settings_of_environment(MamlTrainerSettings)
    return MamlTrainer(reader, context.store, settings, context.workdir("meta-training"))
