"""The fold that judges canaries and measures outcomes."""

from typing import Final

from homeostat.events.logs import TIMELINE
from homeostat.runtime.declarations import FoldEntry

ENTRIES: Final = (
    FoldEntry(
        name="outcome_evaluator",
        make="homeostat.services.outcome_evaluator.fold:OutcomeEvaluator",
        topic=TIMELINE,
    ),
)
