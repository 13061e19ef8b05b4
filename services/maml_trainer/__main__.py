"""`python -m homeostat.services.maml_trainer`: train initial weights on command."""

from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context, Service, main
from homeostat.runtime.reader import KafkaReader
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.maml_trainer.selfcheck import self_check
from homeostat.services.maml_trainer.settings import MamlTrainerSettings


def services(context: Context) -> list[Service]:
    """Check the engine, wire the hand to its host: one run at a time."""
    self_check()
    reader = KafkaReader(context.settings, context.cluster)
    settings = settings_of_environment(MamlTrainerSettings)
    hand = MamlTrainer(reader, context.store, settings, context.workdir("meta-training"))
    return context.hand("maml-trainer", hand, max_tasks=1)


if __name__ == "__main__":
    main("maml_trainer")
