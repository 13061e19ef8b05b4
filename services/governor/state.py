"""What the governor knows: one state for the whole log, because money, freezes and keys cross scopes."""

from dataclasses import dataclass, field
from typing import Literal

from homeostat.core import Identity
from homeostat.events import ActionProposed, Candidate, RulesSet, ScopeConfigured

Phase = Literal["held", "training", "ready", "rolling", "promoting", "measuring", "acting"]


@dataclass(slots=True)
class Key:
    """A public key: `public` hex, `principal` who owns it."""

    public: str
    principal: str
    is_revoked: bool = False


@dataclass(slots=True)
class Model:
    """A model under governance.

    Args:
        family: `scope/family`.
        champion: What serves.
        artifact: Its weights, if known.
        last_good: What served before, and its artifact; None after a step back, as what was left is not good.
        tier: Risk.
        starts: Times of the actions started, ms, newest last.
        settled_at: When the last action ended, ms.
    """

    family: str
    champion: str
    artifact: str | None
    tier: str
    last_good: str | None = None
    last_good_artifact: str | None = None
    starts: list[int] = field(default_factory=list)
    settled_at: int | None = None


@dataclass(slots=True)
class Budget:
    """Money of a scope in the running period: spent, and reserved by actions in flight.

    `is_default` says that nobody has set it for this scope: it follows the budget of `*`.
    """

    money: float
    period_ms: int
    since: int
    spent: float = 0.0
    reserved: float = 0.0
    is_default: bool = False


@dataclass(slots=True)
class Action:
    """An action in flight.

    Args:
        proposal: What was asked.
        phase: How far it is.
        story: Story of the proposal.
        verdict: Identity of the verdict, once approved.
        expires_at: When it ends if nothing else happens, ms.
        waiting_for: Arms that have not reported.
        candidates: What they trained.
        reference: Champion at the start, and its artifact.
        step: Index of the canary's step, -1 without traffic.
        cost: Money for training so far by the price list, of the arms that failed too.
        judgement: The last one not acted on yet, because of a freeze.
        approvers: Principals that said it is an emergency, while a second one is waited for.
        is_emergency: Two of them did: no freeze holds it.
        requester: Who asked, if a person did.
        was_served: A rollout of it was reported: the evaluator measures it.
    """

    proposal: ActionProposed
    phase: Phase
    story: Identity
    verdict: str = ""
    expires_at: int = 0
    waiting_for: list[str] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    reference: str = ""
    reference_artifact: str | None = None
    step: int = -1
    cost: float = 0.0
    judgement: str = ""
    approvers: list[str] = field(default_factory=list)
    is_emergency: bool = False
    requester: str = ""
    was_served: bool = False

    @property
    def scope(self) -> str:
        """Scope of the action."""
        return self.proposal.family.partition("/")[0]

    @property
    def canary(self) -> Candidate | None:
        """The candidate that was drawn at the proposal."""
        return next((c for c in self.candidates if c.arm == self.proposal.chosen), None)


@dataclass(slots=True)
class Booked:
    """What an action that is over was charged, until the bill says better."""

    scope: str
    cost: float


@dataclass(slots=True)
class State:
    """All of it; see the classes above.

    Args:
        keys: By key id.
        roles: `role@scope` by principal.
        rules: By scope or `*`.
        rules_version: Identity of the event that set them.
        configured: What a scope has said of itself so far, by scope.
        freezes: Identity of the freeze, by scope or `*`.
        budgets: By scope; that of `*` is the default of the others.
        models: By `scope/model`.
        actions: In flight, by id.
        distrusted: Sources by scope.
        booked: The last actions that are over, by id.
        holdbacks: Promotions whose old champion is a shadow until the outcome is final, by id.
        heard: Signed requests that were obeyed, the oldest forgotten: a signature counts once.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, RulesSet] = field(default_factory=dict)
    rules_version: dict[str, str] = field(default_factory=dict)
    configured: dict[str, ScopeConfigured] = field(default_factory=dict)
    freezes: dict[str, str] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    distrusted: dict[str, list[str]] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    holdbacks: dict[str, Action] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)

    def rules_of(self, scope: str) -> tuple[RulesSet, str]:
        """Rules in force in a scope, and the identity of the event that set them (empty: the defaults)."""
        for name in (scope, "*"):
            if name in self.rules:
                return self.rules[name], self.rules_version[name]
        return RulesSet(), ""

    def is_frozen(self, scope: str) -> bool:
        """Whether a freeze covers the scope."""
        return scope in self.freezes or "*" in self.freezes
