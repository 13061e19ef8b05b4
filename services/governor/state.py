"""What the governor knows: one state for the whole log, because money, freezes and keys cross scopes."""

from dataclasses import dataclass, field
from typing import Literal

from homeostat.core import Identity
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, Candidate, RulesSet, ScopeConfigured
from homeostat.events.base import Tier
from homeostat.services.governor.words import Issued, Key, Pending

Phase = Literal["held", "training", "ready", "rolling", "promoting", "measuring", "acting"]


@dataclass(slots=True)
class Model:
    """A model under governance.

    Args:
        family: `scope/family`.
        champion: What serves.
        artifact: Its weights, if known.
        tier: Risk: as the law says, or higher where telemetry says so.
        owner: Who answers for it, by law.
        is_regulated: By law: a person approves whatever changes it.
        last_good: What served before, and its artifact; None after a step back, as what was left is not good.
        starts: Times of the actions started that change what serves, ms, newest last.
        threshold_starts: The same of thresholds.
        settled_at: When the last action that changes what serves ended, ms.
        n_unapproved: Deployments that no approved action made.
    """

    family: str
    champion: str
    artifact: str | None
    tier: Tier
    owner: str = ""
    is_regulated: bool = False
    last_good: str | None = None
    last_good_artifact: str | None = None
    starts: list[int] = field(default_factory=list)
    threshold_starts: list[int] = field(default_factory=list)
    settled_at: int | None = None
    n_unapproved: int = 0


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
        n_failed: Failures of its hand since something last went well.
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
    n_failed: int = 0

    @property
    def scope(self) -> str:
        """Scope of the action."""
        return scope_of(self.proposal.family)

    @property
    def model(self) -> str | None:
        """Model of the action, `scope/model`; None for a family's."""
        return self.proposal.model

    @property
    def reserved(self) -> float:
        """Money that is kept for it: what it asked for, or what it has cost by now if that is more."""
        return max(self.proposal.money, self.cost)

    @property
    def canary(self) -> Candidate | None:
        """The candidate that was drawn at the proposal."""
        return next((c for c in self.candidates if c.arm == self.proposal.chosen), None)


@dataclass(slots=True)
class Waiting:
    """A proposal about a model whose registration is on its way.

    Args:
        proposal: What was asked.
        story: Story of the proposal.
        requester: Who asked, if a person did.
        expires_at: When it is decided without, ms.
    """

    proposal: ActionProposed
    story: Identity
    requester: str
    expires_at: int


@dataclass(slots=True)
class Load:
    """What a scope has in flight; `flight` keeps it.

    Args:
        n: Actions in flight: not those that are held.
        n_canaries: Of which so many may give a model a canary.
        actions: Ids of all, the held ones too, in the order in which they came; the values say nothing.
        n_waiting: Proposals that wait for a registration.
    """

    n: int = 0
    n_canaries: int = 0
    actions: dict[str, bool] = field(default_factory=dict)
    n_waiting: int = 0


@dataclass(slots=True)
class Booked:
    """What an action that is over was charged, until the bill says better."""

    scope: str
    cost: float


@dataclass(slots=True)
class Families:
    """The families of a scope.

    Args:
        names: `scope/family`, in the order they came, and whether a known key has named it.
        n_more: Times that one was named for which there was no place.
    """

    names: dict[str, bool] = field(default_factory=dict)
    n_more: int = 0


@dataclass(slots=True)
class State:
    """All of it; see the classes above.

    Args:
        keys: By key id.
        roles: `role@scope` by principal.
        creators: Principals that have put a key of a principal into the keyring or given it power, by principal.
        pending: Words that wait for a second person's, by digest of what is wanted.
        two_until: Until then power takes two admins though there are no two any more, ms.
        rules: By scope or `*`.
        rules_version: Identity of the event that set them.
        configured: What a scope has said of itself so far, by scope.
        freezes: Identity of the freeze, by scope, `scope/model` or `*`.
        budgets: By scope; that of `*` is the default of the others.
        models: By `scope/model`.
        n_models: How many there are, by scope.
        idle: Models that no action and no signed request was about, the oldest first, by scope.
        n_idle: How many there are in all.
        n_forgotten: Idle models that had to go, by scope.
        actions: In flight and held, by id. `flight` puts them in and takes them out, with all that follows from it.
        loads: What is in flight, by scope; for a scope in which nothing is there is none.
        targets: Ids of the actions that exclude each other, and of holdbacks, by what they are about.
        slots_taken: Training slots in use.
        due: When actions, holdbacks and what waits expire, and which: a heap, in which some have ended before.
        waiting: Proposals whose model is not registered yet, by id.
        awaited: Their ids, by model.
        trainings: Times of the meta-trainings started, ms, by family.
        distrusted: Sources by scope.
        families: That hear of what is set, by scope.
        n_families: How many there are in all.
        n_more_scopes: Times that one was named for whose families there was no place.
        weights: Whom initial weights rest on, by artifact, the newest last.
        booked: The last actions that are over, by id.
        holdbacks: Promotions whose old champion is a shadow until the outcome is final, by id.
        spent: Signed requests that have counted, with their key, by the hour until which they are valid.
        n_spent: How many of them there are, by key.
        issued: Commands that hands may report on, the oldest first, by identity.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    creators: dict[str, list[str]] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    two_until: int = 0
    rules: dict[str, RulesSet] = field(default_factory=dict)
    rules_version: dict[str, str] = field(default_factory=dict)
    configured: dict[str, ScopeConfigured] = field(default_factory=dict)
    freezes: dict[str, str] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    n_models: dict[str, int] = field(default_factory=dict)
    idle: dict[str, dict[str, None]] = field(default_factory=dict)
    n_idle: int = 0
    n_forgotten: dict[str, int] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)
    targets: dict[str, list[str]] = field(default_factory=dict)
    slots_taken: int = 0
    due: list[tuple[int, str]] = field(default_factory=list)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    awaited: dict[str, list[str]] = field(default_factory=dict)
    trainings: dict[str, list[int]] = field(default_factory=dict)
    distrusted: dict[str, list[str]] = field(default_factory=dict)
    families: dict[str, Families] = field(default_factory=dict)
    n_families: int = 0
    n_more_scopes: int = 0
    weights: dict[str, list[str]] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    holdbacks: dict[str, Action] = field(default_factory=dict)
    spent: dict[int, dict[str, str]] = field(default_factory=dict)
    n_spent: dict[str, int] = field(default_factory=dict)
    issued: dict[str, Issued] = field(default_factory=dict)

    def rules_of(self, scope: str) -> tuple[RulesSet, str]:
        """Rules in force in a scope, and the identity of the event that set them (empty: the defaults)."""
        for name in (scope, "*"):
            if name in self.rules:
                return self.rules[name], self.rules_version[name]
        return RulesSet(), ""

    def rules_for(self, family: str) -> RulesSet:
        """Rules in force for a family, `scope/family`."""
        return self.rules_of(scope_of(family))[0].of_family(family)

    def life_ms(self, action: Action) -> int:
        """How long an action may take from now on: as the rules in force say, or less if it asks for less."""
        longest, asked = self.rules_for(action.proposal.family).action_ttl_ms, action.proposal.ttl_ms
        return longest if asked is None else min(asked, longest)

    def is_frozen(self, scope: str, model: str | None = None) -> bool:
        """Whether a freeze covers the scope, or this model of it (`scope/model`)."""
        return any(name in self.freezes for name in ("*", scope, model))
