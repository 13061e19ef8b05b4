"""Approved commands: what shall be done, and the brake."""

from typing import ClassVar, Literal

from pydantic import Field

from homeostat.events.base import (
    Arm,
    Band,
    Data,
    Digest,
    Layer,
    MaybeName,
    Name,
    Range,
    Ratio,
    Scalar,
    SliLayer,
    Subject,
)
from homeostat.events.bounds import MOST_ARMS, Identifier, Millis
from homeostat.events.costs import DEFAULT_CURRENCY, Currency, InstancePrice, RewardWeights
from homeostat.events.plans import Candidate, MetaTraining, Plan


class Command(Data):
    """What every command carries.

    Args:
        action: The action it belongs to.
        verdict: Identity of the verdict that allows it.
        family: `scope/family`.
        model: `scope/model`; None for a meta-training.
        rules_version: Rules, prices and reward weights in force.
        expires_at: A hand does not start it later.
        is_emergency: Approved by two people, through a freeze: a brake does not stop it.
        revert_to: Last known good version.
        hand: Who alone obeys it, where signed law names a hand of somebody's own; None: ours.
    """

    action: Identifier
    verdict: Identifier
    family: Subject
    model: Subject | None = None
    rules_version: Identifier = ""
    expires_at: Millis
    is_emergency: bool = False
    revert_to: Name | None = None
    hand: Name | None = None


class ModelCommand(Command):
    """A command about one model."""

    model: Subject


class RetrainStart(ModelCommand):
    """Train every arm on a closed range.

    Args:
        arms: What to train.
        champion: Version that serves, for warm starts.
        champion_artifact: Its weights.
        window: Data.
        plan: How.
        chosen: Arm that will be canaried; `skip` for none.
        timeout_seconds: For each arm.
        price_per_second: In force for kinds of machines that `prices` does not list.
        prices: In force, by kind of machine.
        currency: Of the prices.
    """

    TYPE: ClassVar[str] = "homeostat.retrain.start.v1"
    arms: tuple[Arm, ...]
    champion: Name
    champion_artifact: Digest | None = None
    window: Range
    plan: Plan
    chosen: Name
    timeout_seconds: float = Field(default=60.0, gt=0.0)
    price_per_second: float = Field(default=0.0, ge=0.0)
    prices: dict[Name, InstancePrice] = Field(default_factory=dict)
    currency: Currency = DEFAULT_CURRENCY


class Rollout(ModelCommand):
    """The state of serving that a rollout command asks for: whole, so that it can be set again.

    Args:
        kind: Of the action.
        champion: Version that is served with the rest of the weight and mirrored to for pairs.
        champion_artifact: Its weights.
        canary: Candidate with weight, or None.
        weight: Share of the requests that the canary answers.
        candidates: All trained versions; those without weight are shadows.
        step: Index in the plan's steps; -1 while only shadows are scored.
        plan: Soak, limits, horizon.
        reference: Champion of the action's start: the reference of every payoff.
        reference_artifact: Its weights, kept as a shadow after a promotion (holdback).
        chosen: Arm drawn at the proposal, whether it could be trained or not; empty where nobody said.
        reward_weights: In force.
        currency: Of the prices in force.
    """

    kind: Literal["retrain", "rollout"] = "retrain"
    champion: Name
    champion_artifact: Digest | None = None
    canary: Name | None = None
    weight: Ratio = 0.0
    candidates: tuple[Candidate, ...] = Field(default=(), max_length=MOST_ARMS)
    step: int = Field(default=-1, ge=-1, le=MOST_ARMS)
    plan: Plan = Plan()
    reference: Name
    reference_artifact: Digest | None = None
    chosen: MaybeName = ""
    reward_weights: RewardWeights = RewardWeights()
    currency: Currency = DEFAULT_CURRENCY


class RolloutSet(Rollout):
    """Give a canary a weight, mirror to shadows; or, without candidates, clear up."""

    TYPE: ClassVar[str] = "homeostat.rollout.set.v1"


class RolloutPromote(Rollout):
    """The canary becomes the champion; the old one stays as a shadow until the outcome is measured."""

    TYPE: ClassVar[str] = "homeostat.rollout.promote.v1"


class RolloutAbort(Rollout):
    """The canary loses its weight and stays as a shadow until the outcome is measured."""

    TYPE: ClassVar[str] = "homeostat.rollout.abort.v1"


class RolloutRevert(Rollout):
    """The last known good version serves again."""

    TYPE: ClassVar[str] = "homeostat.rollout.revert.v1"


class ThresholdSet(ModelCommand):
    """An alert threshold may be tracked inside a band.

    Args:
        band: Settings and band.
    """

    TYPE: ClassVar[str] = "homeostat.threshold.set.v1"
    band: Band


class ThresholdRevert(ModelCommand):
    """Back to a fixed threshold.

    Args:
        signal: Which.
        threshold: The fixed value.
        layer: Of a band that says it.
        attributes: Of a band that says them.
    """

    TYPE: ClassVar[str] = "homeostat.threshold.revert.v1"
    signal: Name
    threshold: float
    layer: Layer | SliLayer | None = None
    attributes: dict[Name, Scalar] | None = Field(default=None, max_length=16)

    def pinned(self) -> Band:
        """Return a band without width: whoever tracks the threshold inside it keeps it where it is."""
        return Band(
            signal=self.signal,
            layer=self.layer,
            attributes=self.attributes,
            rate=0.0,
            low=self.threshold,
            high=self.threshold,
            eta=1.0,
        )


class MetaTrainingStart(Command):
    """Learn initial weights.

    Args:
        meta_training: What.
        timeout_seconds: Of the run.
    """

    TYPE: ClassVar[str] = "homeostat.meta-training.start.v1"
    model: None = None
    meta_training: MetaTraining
    timeout_seconds: float = Field(default=600.0, gt=0.0)


class BrakeSet(Data):
    """Hands start nothing in a scope, or for one model; broadcast to every partition.

    Args:
        scope: A scope, one model of it as `scope/model`, or `*`.
        freeze: Identity of the freeze.
    """

    TYPE: ClassVar[str] = "homeostat.brake.set.v1"
    scope: str
    freeze: str


class BrakeReleased(Data):
    """Hands go on.

    Args:
        scope: As in the brake.
        freeze: Identity of what lifted it.
    """

    TYPE: ClassVar[str] = "homeostat.brake.released.v1"
    scope: str
    freeze: str
