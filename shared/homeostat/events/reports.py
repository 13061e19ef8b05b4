"""What hands say, through the reports door: facts from then on."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import ActionKind, Band, Data, Digest, Frozen, Name, Ratio, Subject, Text
from homeostat.events.bounds import Amount, Count, Identifier, Number, Seconds, Seed, Single, Size
from homeostat.events.costs import DEFAULT_CURRENCY, DEFAULT_INSTANCE, Currency
from homeostat.events.policy import Rollout

NEVER_BEGUN: Final = frozenset({"braked", "expired", "unsigned"})
"""Reasons of a failure before anything was begun: nothing was spent."""

RETRYABLE: Final = frozenset({"braked", "target_failed"})
"""Reasons of a failure that another attempt may mend; the others stay."""


class Report(Data):
    """What every report carries.

    Args:
        action: The action.
        command: Identity of the command it answers.
        kind: Of the action.
        model: The model, if any.
        family: `scope/family`.
    """

    action: Identifier
    command: Identifier
    kind: ActionKind
    family: Subject
    model: Subject | None = None


class ActionApplied(Report):
    """The effect is there.

    Args:
        rollout: The state of serving that was set, for a rollout.
        rollout_verb: Which command set it.
        band: For a threshold.
    """

    TYPE: ClassVar[str] = "homeostat.action.applied.v1"
    rollout: Rollout | None = None
    rollout_verb: Literal["set", "promote", "abort", "revert"] | None = None
    band: Band | None = None


class ActionProgressed(Report):
    """Work goes on.

    Args:
        done: Share of the work.
        detail: For people.
        tasks_per_second: Of a meta-training: tasks learned from, compiling included.
        loss: Of a meta-training: objective of its last step.
    """

    TYPE: ClassVar[str] = "homeostat.action.progressed.v1"
    done: Ratio
    detail: Text = ""
    tasks_per_second: Size | None = None
    loss: Number | None = None


class ActionFailed(Report):
    """The effect is not there.

    Args:
        reason: Stable code: braked, expired, timed_out, target_failed, no_data, all_arms_failed.
        detail: For people.
    """

    TYPE: ClassVar[str] = "homeostat.action.failed.v1"
    reason: Name
    detail: Text = ""


class ActionReverted(Report):
    """The last known good version serves again.

    Args:
        rollout: The state of serving that was set.
    """

    TYPE: ClassVar[str] = "homeostat.action.reverted.v1"
    rollout: Rollout


class CandidateTrained(Report):
    """One arm of a retrain is ready, or failed.

    Args:
        arm: Which.
        version: Name of the version; None when it failed.
        artifact: Its weights; None when it failed.
        seconds: Training time.
        instance: Kind of machine.
        is_spot: Bought on the spot market.
        price_per_second: Of that machine, by the price list that came with the command.
        currency: Of the price.
        rows: Labelled rows it saw.
        loss_curve: Loss per report.
        error: Why it failed.
        seed: Of every draw of the training.
        environment: Versions of libraries, and machine, that it was trained on.
        code: Digest of the recipe that trained it.
    """

    TYPE: ClassVar[str] = "homeostat.candidate.trained.v1"
    arm: Name
    version: Name | None = None
    artifact: Digest | None = None
    seconds: Seconds = 0.0
    instance: Name = DEFAULT_INSTANCE
    is_spot: bool = False
    price_per_second: Amount = 0.0
    currency: Currency = DEFAULT_CURRENCY
    rows: Count = 0
    loss_curve: tuple[Single, ...] = ()
    error: Text = ""
    seed: Seed | None = None
    environment: dict[Name, Text] | None = Field(default=None, max_length=64)
    code: Digest | None = None


class BrakeConfirmed(Data):
    """A hand holds: it has read its partition up to the brake.

    Args:
        hand: Which.
        log: The policy log.
        partition: Of it.
        freeze: Identity of the freeze.
        scope: Of the brake.
    """

    TYPE: ClassVar[str] = "homeostat.brake.confirmed.v1"
    hand: Name
    log: Identifier
    partition: Count
    freeze: Identifier
    scope: Frozen
