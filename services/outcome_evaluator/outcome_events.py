"""An outcome as its readers get it: the family that learns, the governor that settles."""

from typing import Final

from homeostat.core import Emit, Identity
from homeostat.core.identity import scope_of
from homeostat.events import ActionSettled, OutcomeMeasured, OutcomeRevised
from homeostat.events.logs import EXPERIENCE, GOVERNANCE

NO_ARM: Final = "none"
"""Arm of an action of which no candidate came about."""


def measured(outcome: OutcomeMeasured, family: str, story: Identity) -> Emit:
    """Emit an outcome to the family.

    Args:
        outcome: For the first time.
        family: `scope/family`.
        story: Of the action.
    """
    return Emit(EXPERIENCE, outcome, family, story)


def revised(outcome: OutcomeMeasured, family: str, story: Identity) -> Emit:
    """Emit an outcome again.

    Args:
        outcome: Another one than before, or final.
        family: `scope/family`.
        story: Of the action.
    """
    return Emit(EXPERIENCE, OutcomeRevised(**dict(outcome)), family, story)


def settled(outcome: OutcomeMeasured, story: Identity) -> Emit:
    """Emit to the governor that an action is over, and what it has cost; again when a bill changes that.

    Of a chosen arm that could not be trained it hears `skipped`: a rollout without a canary is over, no training.

    Args:
        outcome: Of the action.
        story: Of the action.
    """
    is_untrained = outcome.state == "failed" and outcome.arm != NO_ARM
    data = ActionSettled(
        action=outcome.action,
        kind=outcome.kind,
        model=outcome.model,
        state="skipped" if is_untrained else outcome.state,
        cost=outcome.money if outcome.items or outcome.is_billed else None,
        gain=outcome.gain,
        is_final=outcome.is_final,
    )
    return Emit(GOVERNANCE, data, scope_of(outcome.model), story)
