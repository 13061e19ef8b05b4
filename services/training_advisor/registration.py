"""The fold that answers training jobs."""

from typing import Final

from homeostat.events.logs import EXPERIENCE
from homeostat.runtime.declarations import FoldEntry

ENTRIES: Final = (
    FoldEntry(
        name="training_advisor",
        make="homeostat.services.training_advisor.fold:TrainingAdvisor",
        topic=EXPERIENCE,
    ),
)
