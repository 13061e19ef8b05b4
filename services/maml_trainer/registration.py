"""The hand that learns initial weights, one run at a time."""

from typing import Final

from homeostat.events.logs import POLICY_META_TRAINING
from homeostat.runtime.declarations import HandEntry

ENTRIES: Final = (
    HandEntry(
        name="maml_trainer",
        make="homeostat.services.maml_trainer.wiring:maml_trainer",
        obeys=(POLICY_META_TRAINING,),
        max_tasks=1,
        settings="homeostat.services.maml_trainer.settings:MamlTrainerSettings",
    ),
)
