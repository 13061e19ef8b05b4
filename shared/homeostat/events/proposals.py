"""What the learner or a person wants to have done: one event type each, and a class for every kind of action.

`ActionProposed` and `ActionRequested` are read by their `kind`: `model_validate` of either, and everything that reads a
log, returns one of the classes of its kinds, which have what an action of the kind needs. Neither can be made itself.
"""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema

from homeostat.events.base import ActionKind, Arm, Band, Data, Name, Range, Subject, Text, Tier
from homeostat.events.bounds import MOST_ARMS, Count, Identifier, Millis, MillisLong, Size
from homeostat.events.plans import Candidate, MetaTraining, Plan

_KINDS: Final[dict[type[Data], Any]] = {}
"""The classes of the kinds, of each of the two types; empty until they are defined."""


class ActionProposed(Data):
    """What the learner wants, with its alternatives. Its identity is the action's id.

    Args:
        kind: What to do.
        family: `scope/family`.
        model: `scope/model`; None for a meta-training.
        champion: Version that serves now and is the reference of every payoff.
        chosen: Arm that was drawn; `skip` does nothing.
        baseline: Arm that the rule would have taken.
        arms: All alternatives.
        shadows: Arms trained and scored without traffic.
        window: Data to train on.
        candidates: For a rollout: versions that were trained elsewhere; the chosen one becomes the canary.
        plan: How.
        band: For a threshold.
        meta_training: For initial weights.
        money: Asked of the budget.
        slots: Training slots asked for.
        tier: Risk.
        ttl_ms: After this it expires, if the rules do not say sooner; None: as the rules say.
        evidence: Identities of the events behind it.
        sources: Whose telemetry and traces it rests on, `ce_source` each; with a distrusted one it is denied.
        reason: One sentence for people.
    """

    TYPE: ClassVar[str] = "homeostat.action.proposed.v1"
    kind: ActionKind
    family: Subject
    model: Subject | None = None
    champion: Name | None = None
    chosen: Name
    baseline: Name | None = None
    arms: tuple[Arm, ...] = Field(default=(), max_length=MOST_ARMS + 1)
    shadows: tuple[Name, ...] = ()
    window: Range | None = None
    candidates: tuple[Candidate, ...] = Field(default=(), max_length=MOST_ARMS)
    plan: Plan = Plan()
    band: Band | None = None
    meta_training: MetaTraining | None = None
    money: Size = 0.0
    slots: Count = 0
    tier: Tier = "low"
    ttl_ms: MillisLong | None = None
    evidence: tuple[Identifier, ...] = ()
    sources: tuple[Identifier, ...] = ()
    reason: Text = ""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the action is about: `scope/model`, or `scope/family` for a meta-training."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is trained or served by it: its verdict is its end."""
        return False

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read what is only known to be proposed as one of its kinds."""
        kinds = _KINDS.get(cls)
        return handler.generate_schema(kinds) if kinds else super().__get_pydantic_core_schema__(source, handler)


class _OfModel(ActionProposed):
    """An action on one model."""

    model: Subject

    @property
    def subject(self) -> str:
        """The model, `scope/model`."""
        return self.model


class RetrainProposed(_OfModel):
    """Train arms on a closed range of labelled rows and roll the chosen one out, or state that nothing is done."""

    kind: Literal["retrain"] = "retrain"
    window: Range
    band: None = None
    meta_training: None = None

    @property
    def trained_arms(self) -> list[str]:
        """Names of the arms that it trains: the chosen one and the shadows, but nothing to skip it."""
        asked = {self.chosen, *self.shadows} - {"skip"}
        return [arm.name for arm in self.arms if arm.name in asked]

    @property
    def is_idle(self) -> bool:
        """Whether no arm is trained, not even for comparison: its verdict is its end."""
        return not self.trained_arms

    @model_validator(mode="after")
    def _has_its_arm(self) -> Self:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError("arms: two of one name")
        if self.chosen not in (*names, "skip"):
            raise ValueError("chosen: none of the arms, and not `skip`")
        return self


class RolloutProposed(_OfModel):
    """Roll a version out that was trained elsewhere."""

    kind: Literal["rollout"] = "rollout"
    candidates: tuple[Candidate, ...] = Field(min_length=1, max_length=MOST_ARMS)
    band: None = None
    meta_training: None = None

    @model_validator(mode="after")
    def _has_its_candidate(self) -> Self:
        if self.chosen not in [candidate.arm for candidate in self.candidates]:
            raise ValueError("chosen: no arm of the candidates")
        return self


class ThresholdProposed(_OfModel):
    """Track an alert threshold inside a band."""

    kind: Literal["threshold"] = "threshold"
    band: Band
    meta_training: None = None


class MetaTrainingProposed(ActionProposed):
    """Learn the initial weights of a family."""

    kind: Literal["meta_training"] = "meta_training"
    model: None = None
    band: None = None
    meta_training: MetaTraining

    @property
    def subject(self) -> str:
        """The family, `scope/family`."""
        return self.family


class ActionRequested(ActionProposed):
    """What a person wants; the same form, signed.

    Args:
        valid_until: As of every request: the signature counts once, until then.
    """

    TYPE: ClassVar[str] = "homeostat.action.requested.v1"
    valid_until: Millis | None = None

    def plain(self) -> "Proposal":
        """The same as a proposal."""
        return of_kind(ActionProposed.model_validate(self.model_dump(exclude={"valid_until"})))


class RetrainRequested(RetrainProposed, ActionRequested):
    """A retrain that a person asks for."""


class RolloutRequested(RolloutProposed, ActionRequested):
    """A rollout that a person asks for."""


class ThresholdRequested(ThresholdProposed, ActionRequested):
    """A tracked threshold that a person asks for."""


class MetaTrainingRequested(MetaTrainingProposed, ActionRequested):
    """A meta-training that a person asks for."""


Proposal = RetrainProposed | RolloutProposed | ThresholdProposed | MetaTrainingProposed
"""All kinds there are, for a `match` that forgets none."""

_Requested = RetrainRequested | RolloutRequested | ThresholdRequested | MetaTrainingRequested


def of_kind(proposal: ActionProposed) -> Proposal:
    """Return the same proposal, typed as one of its kinds: there are no others.

    A state keeps an `ActionProposed`: a decoder of states takes one class of payload at a place, and no union.
    """
    assert isinstance(proposal, Proposal)
    return proposal


def _read_by_kind() -> None:
    """Let the two types be read as their kinds, now that these are there."""
    _KINDS[ActionProposed] = Annotated[Proposal, Field(discriminator="kind")]
    _KINDS[ActionRequested] = Annotated[_Requested, Field(discriminator="kind")]
    ActionProposed.model_rebuild(force=True)
    ActionRequested.model_rebuild(force=True)


_read_by_kind()
