"""`python -m maml_trainer`: train initial weights on command."""

from homeostat.host.environment import settings_of_environment
from homeostat.host.process import Context, Service, main
from homeostat.host.reader import KafkaReader
from maml_trainer.hand import MamlTrainer
from maml_trainer.selfcheck import self_check
from maml_trainer.settings import MamlTrainerSettings


def services(context: Context) -> list[Service]:
    """Check the engine, wire the hand to its host: one run at a time."""
    self_check()
    reader = KafkaReader(context.settings, context.cluster)
    settings = settings_of_environment(MamlTrainerSettings)
    hand = MamlTrainer(reader, context.store, settings, context.workdir("meta-training"))
    return context.hand("maml-trainer", hand, max_tasks=1)


if __name__ == "__main__":
    main("maml_trainer")
