"""What people ask for, signed: approvals, freezes, budgets, keys, roles; rules are in `rules`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, StringConstraints, model_validator

from homeostat.events.base import Data, Digest, Frozen, Name, Scope, Subject, Text, Tier
from homeostat.events.bounds import Amount, Identifier, Millis, MillisLong, Scalar
from homeostat.events.logs import POLICIES, policy_name

LONGEST_VALIDITY_MS: Final = 7 * 86_400_000
"""Of a signature: a freeze that was signed without a broker waits in its file for a week."""

MODE: Final = "mode"
"""Setting of a scope."""

OBSERVE: Final = "observe"
ACT: Final = "act"
"""Its values; a scope that the law says nothing of acts."""

_HAND: Final = rf"hand:[a-z][a-z0-9_]{{0,63}}(/({'|'.join(map(policy_name, POLICIES))}))?"

Role = Annotated[str, StringConstraints(pattern=rf"^(notary|operator|approver|admin|source|auditor|{_HAND})$")]
"""What a principal may do; `hand:<service>` may report as that service, and `hand:<service>/<policy name>` on the
commands of that policy topic, which no other service answers then."""


class Request(Data):
    """What every request carries: its signature covers it, so nobody else can make it last.

    Args:
        valid_until: The signature counts once, until then (ms since the epoch, by the broker's clock), and not beyond
            seven days. The client sets an hour; the governor refuses a request that does not say.
    """

    valid_until: Millis | None = None


class RevertRequested(Request):
    """Back to the last known good version.

    Args:
        model: The model.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.revert.requested.v1"
    model: Subject
    reason: Text = ""


class ApprovalGiven(Request):
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


class ApprovalDenied(Request):
    """A person denies a held action.

    Args:
        action: The action.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.approval.denied.v1"
    action: Identifier
    reason: Text = ""


class FreezeSet(Request):
    """No new action in a scope, or on one model.

    Args:
        scope: A scope, one model of it as `scope/model`, or `*`.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.freeze.set.v1"
    scope: Frozen
    reason: Text = ""


class FreezeLifted(Request):
    """Actions go on.

    Args:
        scope: As in the freeze.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.freeze.lifted.v1"
    scope: Frozen
    reason: Text = ""


class BudgetSet(Request):
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


class ScopeConfigured(Request):
    """Who owns a scope and which settings differ there.

    Args:
        scope: The scope; `*` for all that do not say otherwise, as far as `mode` is concerned.
        owner: Who answers for it.
        settings: By name. `mode` is `observe` or `act`: what a scope that observes would do is proposed and denied.
    """

    TYPE: ClassVar[str] = "homeostat.scope.configured.v1"
    scope: Scope
    owner: Text = ""
    settings: dict[Name, Scalar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_mode(self) -> Self:
        if self.settings.get(MODE, ACT) not in (OBSERVE, ACT):
            raise ValueError(f"{MODE} is {OBSERVE} or {ACT}, not {self.settings[MODE]!r}")
        return self

    def after(self, known: "ScopeConfigured | None") -> "ScopeConfigured":
        """Return what is known of the scope from here on: what this one does not name stays as it was."""
        if known is None:
            return ScopeConfigured(scope=self.scope, owner=self.owner, settings=self.settings)
        settings = {**known.settings, **self.settings}
        return ScopeConfigured(scope=self.scope, owner=self.owner or known.owner, settings=settings)


def is_observing(configured: Mapping[str, ScopeConfigured], scope: str) -> bool:
    """Whether the law lets a scope only look on: it says so of the scope, or of all and nothing of the scope.

    Args:
        configured: By scope, `*` among them.
        scope: A scope.
    """
    modes = (configured[name].settings.get(MODE) for name in (scope, "*") if name in configured)
    return next((mode for mode in modes if mode is not None), ACT) == OBSERVE


class KeyRegistered(Request):
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
    roles: tuple[Role, ...] = Field(default=(), max_length=32)


class KeyRevoked(Request):
    """A key may no longer sign.

    Args:
        key: Its id.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.key.revoked.v1"
    key: Name
    reason: Text = ""


class RoleGranted(Request):
    """A principal may do more.

    Args:
        principal: Who.
        role: What.
        scope: Where, or `*`.
    """

    TYPE: ClassVar[str] = "homeostat.role.granted.v1"
    principal: Name
    role: Role
    scope: Scope = "*"


class RoleRevoked(Request):
    """A principal may do less.

    Args:
        principal: Who.
        role: What was granted.
        scope: Where it was granted, or `*`.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.role.revoked.v1"
    principal: Name
    role: Role
    scope: Scope = "*"
    reason: Text = ""


class ModelConfigured(Request):
    """What the law says of a model; telemetry may raise its tier, and nothing else. What is None stays as it was.

    Args:
        model: The model.
        tier: Risk; a lower one than in force weakens approval.
        owner: Who answers for it.
        is_regulated: A person approves whatever changes it, at any tier.
        rollout: Hand that changes what it serves, as `model.registered` says it.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.model.configured.v1"
    model: Subject
    tier: Tier | None = None
    owner: Text | None = None
    is_regulated: bool | None = None
    rollout: Name | None = None
    reason: Text = ""


class SourceDistrusted(Request):
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


class SourceTrusted(Request):
    """A source that was distrusted counts again: what it had said before comes back as it was.

    What it said while it was distrusted stays unheard.

    Args:
        scope: Scope of the source.
        source: `ce_source`.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.source.trusted.v1"
    scope: Name
    source: Identifier
    reason: Text = ""
