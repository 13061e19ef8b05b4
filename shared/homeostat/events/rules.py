"""Rules, times and prices of a scope, and what a family of it has otherwise."""

from typing import ClassVar, Final, Self

from pydantic import Field

from homeostat.events.base import Name, Ratio, Scope, Tier, Value
from homeostat.events.bounds import (
    MOST_LABELS,
    MOST_MILLIS,
    Amount,
    Count,
    Duration,
    Labels,
    MillisLong,
    Seconds,
)
from homeostat.events.costs import DEFAULT_CURRENCY, Currency, InstancePrice, RewardWeights
from homeostat.events.requests import Request

MOST_ACTIONS: Final = 10_000
"""Of a model in a window: the governor remembers when each of them began."""

_MOST_FAMILIES: Final = 1_000


class FamilyRules(Value):
    """What is otherwise in one family; what is not named is as in the scope.

    Args:
        max_actions: Actions of a kind per model and `rate_window_ms`.
        max_meta_trainings: Meta-trainings of the family in `rate_window_ms`.
        rate_window_ms: Window of the rates.
        cooldown_ms: Wait after an action on a model has settled.
        approval_ttl_ms: A held action expires after this.
        action_ttl_ms: Longest life of an action.
        arm_timeout_seconds: Training time of one arm.
        meta_training_timeout_seconds: The same of a meta-training.
        soak_labels: Labelled rows that a step of a canary lasts at least.
        soak_seconds: Time that it lasts at least.
        horizon_labels: Labelled rows over which a payoff is measured.
    """

    max_actions: int | None = Field(default=None, ge=0, le=MOST_ACTIONS)
    max_meta_trainings: int | None = Field(default=None, ge=0, le=MOST_ACTIONS)
    rate_window_ms: MillisLong | None = None
    cooldown_ms: int | None = Field(default=None, ge=0, le=MOST_MILLIS)
    approval_ttl_ms: MillisLong | None = None
    action_ttl_ms: MillisLong | None = None
    arm_timeout_seconds: Duration | None = None
    meta_training_timeout_seconds: Duration | None = None
    soak_labels: Labels | None = None
    soak_seconds: Seconds | None = None
    horizon_labels: int | None = Field(default=None, ge=10, le=MOST_LABELS)


class RulesSet(Request):
    """Rules, prices and reward weights of a scope; replaces the earlier ones.

    Args:
        scope: A scope, or `*`.
        max_actions: Actions per model and `rate_window_ms`: so many that change what it serves, and so many thresholds.
        max_meta_trainings: Meta-trainings per family and `rate_window_ms`.
        rate_window_ms: Window of the rates.
        cooldown_ms: Wait after an action on a model has settled.
        max_in_flight: Actions at a time in the scope; what waits for approval is not in flight.
        max_rollouts_ratio: Share of the scope's models that may be in a rollout at once.
        training_slots: Trainings at a time.
        approval_tiers: Tiers that wait for a person.
        approval_ttl_ms: A held action expires after this.
        action_ttl_ms: Longest life of an action; it may ask for less. A week: what judges a canary may be days late.
        arm_timeout_seconds: Training time of one arm after which the hand stops it.
        meta_training_timeout_seconds: The same of a meta-training.
        soak_labels: Labelled rows that a step of a canary lasts at least; None: as the proposal says.
        soak_seconds: Time that it lasts at least, whatever the proposal says.
        horizon_labels: Labelled rows over which a payoff is measured; None: as the proposal says.
        price_per_training_second: Of kinds of machines that `prices` does not list.
        prices: By kind of machine, as arms name it in the hyperparameter `instance`.
        currency: Of prices, budgets and rewards.
        reward_weights: Weight of each term of the reward, with its unit.
        families: What is otherwise in a family, by its name without the scope.
    """

    TYPE: ClassVar[str] = "homeostat.rules.set.v1"
    scope: Scope = "*"
    max_actions: int = Field(default=20, ge=0, le=MOST_ACTIONS)
    max_meta_trainings: int = Field(default=10, ge=0, le=MOST_ACTIONS)
    rate_window_ms: MillisLong = 3_600_000
    cooldown_ms: int = Field(default=60_000, ge=0, le=MOST_MILLIS)
    max_in_flight: Count = 20
    max_rollouts_ratio: Ratio = 1.0
    training_slots: Count = 4
    approval_tiers: tuple[Tier, ...] = ("high",)
    approval_ttl_ms: MillisLong = 86_400_000
    action_ttl_ms: MillisLong = 604_800_000
    arm_timeout_seconds: Duration = 14_400.0
    meta_training_timeout_seconds: Duration = 14_400.0
    soak_labels: Labels | None = None
    soak_seconds: Seconds = 0.0
    horizon_labels: int | None = Field(default=None, ge=10, le=MOST_LABELS)
    price_per_training_second: Amount = 0.01
    prices: dict[Name, InstancePrice] = Field(default_factory=dict)
    currency: Currency = DEFAULT_CURRENCY
    reward_weights: RewardWeights = RewardWeights()
    families: dict[Name, FamilyRules] = Field(default_factory=dict, max_length=_MOST_FAMILIES)

    def max_starts(self, kind: str) -> int:
        """Starts of a kind of action that are allowed in `rate_window_ms`."""
        return self.max_meta_trainings if kind == "meta_training" else self.max_actions

    def of_family(self, family: str) -> Self:
        """Return the rules as they are for a family, `scope/family`."""
        own = self.families.get(family.partition("/")[2])
        return self if own is None else self.model_copy(update=own.model_dump(exclude_none=True))
