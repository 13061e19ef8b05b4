"""What people ask for, signed: approvals, freezes, budgets, rules, keys, roles."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import Data, Digest, Name, Ratio, Scope, Subject, Text, Tier
from homeostat.events.bounds import MOST_MILLIS, Amount, Count, Identifier, MillisLong, Scalar
from homeostat.events.costs import DEFAULT_CURRENCY, Currency, InstancePrice, RewardWeights

MOST_ACTIONS: Final = 10_000
"""Of a model in a window: the governor remembers when each of them began."""


class RevertRequested(Data):
    """Back to the last known good version.

    Args:
        model: The model.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.revert.requested.v1"
    model: Subject
    reason: Text = ""


class ApprovalGiven(Data):
    """A person approves a held action.

    Args:
        action: The action.
        is_emergency: Second approval lifts a freeze for this action.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.approval.given.v1"
    action: Identifier
    is_emergency: bool = False
    reason: Text = ""


class ApprovalDenied(Data):
    """A person denies a held action.

    Args:
        action: The action.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.approval.denied.v1"
    action: Identifier
    reason: Text = ""


class FreezeSet(Data):
    """No new action in a scope.

    Args:
        scope: A scope, or `*`.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.freeze.set.v1"
    scope: Scope
    reason: Text = ""


class FreezeLifted(Data):
    """Actions go on.

    Args:
        scope: As in the freeze.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.freeze.lifted.v1"
    scope: Scope
    reason: Text = ""


class BudgetSet(Data):
    """Money that automation may spend.

    Args:
        scope: A scope, or `*`.
        money: Per period, in the currency of the prices.
        period_ms: Length of the period.
    """

    TYPE: ClassVar[str] = "homeostat.budget.set.v1"
    scope: Scope
    money: Amount
    period_ms: MillisLong


class RulesSet(Data):
    """Rules, prices and reward weights of a scope; replaces the earlier ones.

    Args:
        scope: A scope, or `*`.
        max_actions: Actions per model and `rate_window_ms`.
        rate_window_ms: Window of the rate.
        cooldown_ms: Wait after an action on a model has settled.
        max_in_flight: Actions at a time in the scope.
        max_rollouts_ratio: Share of the scope's models that may be in a rollout at once.
        training_slots: Trainings at a time.
        approval_tiers: Tiers that wait for a person.
        approval_ttl_ms: A held action expires after this.
        action_ttl_ms: Longest life of an action.
        price_per_training_second: Of kinds of machines that `prices` does not list.
        prices: By kind of machine, as arms name it in the hyperparameter `instance`.
        currency: Of prices, budgets and rewards.
        reward_weights: Weight of each term of the reward, with its unit.
    """

    TYPE: ClassVar[str] = "homeostat.rules.set.v1"
    scope: Scope = "*"
    max_actions: int = Field(default=20, ge=0, le=MOST_ACTIONS)
    rate_window_ms: MillisLong = 3_600_000
    cooldown_ms: int = Field(default=60_000, ge=0, le=MOST_MILLIS)
    max_in_flight: Count = 20
    max_rollouts_ratio: Ratio = 1.0
    training_slots: Count = 4
    approval_tiers: tuple[Tier, ...] = ("high",)
    approval_ttl_ms: MillisLong = 86_400_000
    action_ttl_ms: MillisLong = 3_600_000
    price_per_training_second: Amount = 0.01
    prices: dict[Name, InstancePrice] = Field(default_factory=dict)
    currency: Currency = DEFAULT_CURRENCY
    reward_weights: RewardWeights = RewardWeights()


class ScopeConfigured(Data):
    """Who owns a scope and which settings differ there.

    Args:
        scope: The scope.
        owner: Who answers for it.
        settings: By name.
    """

    TYPE: ClassVar[str] = "homeostat.scope.configured.v1"
    scope: Name
    owner: Text = ""
    settings: dict[Name, Scalar] = Field(default_factory=dict)


class KeyRegistered(Data):
    """A public key that may sign. The first one of a log is its root; later ones are signed by an admin.

    Args:
        key: Its id: the first 16 hex digits of the sha256 of the raw key.
        public_key: 32 bytes in hex, Ed25519.
        principal: Person or service it belongs to.
        roles: What it may do from the start.
    """

    TYPE: ClassVar[str] = "homeostat.key.registered.v1"
    key: Name
    public_key: Digest
    principal: Name
    roles: tuple[Literal["notary", "operator", "approver", "admin"], ...] = ()


class KeyRevoked(Data):
    """A key may no longer sign.

    Args:
        key: Its id.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.key.revoked.v1"
    key: Name
    reason: Text = ""


class RoleGranted(Data):
    """A principal may do more.

    Args:
        principal: Who.
        role: What.
        scope: Where, or `*`.
    """

    TYPE: ClassVar[str] = "homeostat.role.granted.v1"
    principal: Name
    role: Literal["notary", "operator", "approver", "admin"]
    scope: Scope = "*"


class SourceDistrusted(Data):
    """Nothing that came from a source counts any more.

    Args:
        scope: Scope of the source.
        source: `ce_source`.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.source.distrusted.v1"
    scope: Name
    source: Identifier
    reason: Text = ""
