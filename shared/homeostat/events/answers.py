"""What a hand may report of a command."""

from collections.abc import Mapping
from typing import Final

from homeostat.events.initial_weights import WeightsPublished, WeightsRejected
from homeostat.events.policy import (
    MetaTrainingStart,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdRevert,
    ThresholdSet,
)
from homeostat.events.reports import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    ActionReverted,
    CandidateTrained,
    Report,
)

Answer = type[Report] | type[WeightsPublished] | type[WeightsRejected]
ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    RetrainStart.TYPE: (CandidateTrained, ActionProgressed, ActionFailed),
    MetaTrainingStart.TYPE: (WeightsPublished, WeightsRejected, ActionProgressed, ActionFailed),
    ThresholdSet.TYPE: (ActionApplied, ActionFailed),
    ThresholdRevert.TYPE: (ActionApplied, ActionFailed),
    RolloutRevert.TYPE: (ActionReverted, ActionFailed),
} | dict.fromkeys((RolloutSet.TYPE, RolloutPromote.TYPE, RolloutAbort.TYPE), (ActionApplied, ActionFailed))
"""What a command may be answered by."""

CLOSING: Final = (ActionApplied, ActionReverted, ActionFailed, WeightsPublished, WeightsRejected)
"""What ends a command, and the report of the last arm of a retrain."""
