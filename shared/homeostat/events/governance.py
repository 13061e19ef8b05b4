"""What is wanted and what came of it: proposals, judgements, settlements."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import ActionKind, Data, Name, Ratio, Subject, Text
from homeostat.events.bounds import (
    Identifier,
    Millis,
)


class FamilyObserved(Data):
    """A family of a scope has been heard of for the first time: it is told what was set before it came.

    Args:
        family: `scope/family`.
    """

    TYPE: ClassVar[str] = "homeostat.family.observed.v1"
    family: Subject


class RequestHeld(Data):
    """A request that one person may not make alone waits for a second one, who signs the same.

    Args:
        request: Identity of the request.
        principal: Who asked first.
        needs: Who may be the second.
        expires_at: Until then, ms.
    """

    TYPE: ClassVar[str] = "homeostat.request.held.v1"
    request: Identifier
    principal: Name
    needs: Text
    expires_at: Millis


class CanaryJudged(Data):
    """What the sequential test says of a canary; emitted when it changes.

    Args:
        action: The action.
        model: The model.
        version: The canary.
        step: Index of the step it speaks of.
        judgement: abort, promote, continue (the step's soak has passed) or inconclusive.
        log2_e_worse: Base-2 logarithm of the e-value for "worse".
        log2_e_better: The same for "better".
        n_labels: Labelled rows answered by both.
        n_discordant: Rows on which their errors differ.
        canary_error: Mean error of the canary: of a classifier the share of wrong answers, of a regressor its
            distance in units of a scale of the model's own.
        champion_error: Mean error of the champion on the same rows.
        exposed: Requests the canary answered.
        alpha: Level of the test.
    """

    TYPE: ClassVar[str] = "homeostat.canary.judged.v1"
    action: str
    model: Subject
    version: Name
    step: int = Field(ge=0)
    judgement: Literal["abort", "promote", "continue", "inconclusive"]
    log2_e_worse: float
    log2_e_better: float
    n_labels: int = Field(ge=0)
    n_discordant: int = Field(ge=0)
    canary_error: Ratio
    champion_error: Ratio
    exposed: int = Field(ge=0)
    alpha: Ratio


class ActionSettled(Data):
    """The end of an action: its tokens are committed or refunded.

    Said again when a late bill changes the cost, and when the outcome is final.

    Args:
        action: The action.
        kind: Its kind.
        model: The model, if any.
        state: How it ended.
        cost: Money that it cost; None leaves it to the governor's own books.
        gain: What it brought.
        is_final: Nothing will be revised but the cost; until then the old champion is held back.
    """

    TYPE: ClassVar[str] = "homeostat.action.settled.v1"
    action: str
    kind: ActionKind
    model: Subject | None = None
    state: Literal["promoted", "aborted", "skipped", "failed", "expired", "done"]
    cost: float | None = Field(default=None, ge=0.0)
    gain: float = 0.0
    is_final: bool = True


class BurnReported(Data):
    """Error budget burnt in a window.

    Args:
        window_seconds: Length.
        burn: Multiple of the sustainable rate.
    """

    TYPE: ClassVar[str] = "homeostat.burn.reported.v1"
    window_seconds: float = Field(gt=0.0)
    burn: float = Field(ge=0.0)


PASSING_RULES: Final = frozenset(
    {
        "freeze",
        "one_at_a_time",
        "concurrency",
        "rate",
        "cooldown",
        "money",
        "slots",
        "blast_radius",
        "applied_by",
        "observe",
    }
)
"""Rules that deny for the time being: what only they deny is proposed again."""
