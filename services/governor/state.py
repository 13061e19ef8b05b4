"""What the governor knows: one state for the whole log, because money, freezes and keys cross scopes."""

from dataclasses import dataclass, field

from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, RulesSet, ScopeConfigured
from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.events.requests import is_observing
from homeostat.services.governor.answering_hands import hand_of
from homeostat.services.governor.authorization import SpentSignatures
from homeostat.services.governor.budget import Budgets
from homeostat.services.governor.families import Families
from homeostat.services.governor.flight import InFlight
from homeostat.services.governor.issued import IssuedCommands
from homeostat.services.governor.keyring import Keyring
from homeostat.services.governor.registry import Registry
from homeostat.services.governor.rules import Facts
from homeostat.services.governor.weight_sources import WeightSources


@dataclass(slots=True)
class State:
    """What people have set, and the components that keep the rest.

    Args:
        keyring: Keys, roles, and requests that wait for a second person.
        signatures: Signed requests that have counted.
        rules: By scope or `*`.
        rules_version: Identity of the event that set them.
        configured: What a scope has said of itself so far, by scope.
        freezes: Identity of the freeze, by scope, `scope/model` or `*`.
        distrusted: Sources by scope.
        budgets: Money.
        registry: Models.
        flight: Actions, holdbacks and proposals that wait.
        families: That hear of what is set.
        weights: Whom initial weights rest on.
        issued: Commands that hands may report on.
    """

    keyring: Keyring = field(default_factory=Keyring)
    signatures: SpentSignatures = field(default_factory=SpentSignatures)
    rules: dict[str, RulesSet] = field(default_factory=dict)
    rules_version: dict[str, str] = field(default_factory=dict)
    configured: dict[str, ScopeConfigured] = field(default_factory=dict)
    freezes: dict[str, str] = field(default_factory=dict)
    distrusted: dict[str, list[str]] = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    registry: Registry = field(default_factory=Registry)
    flight: InFlight = field(default_factory=InFlight)
    families: Families = field(default_factory=Families)
    weights: WeightSources = field(default_factory=WeightSources)
    issued: IssuedCommands = field(default_factory=IssuedCommands)

    def rules_of(self, scope: str) -> tuple[RulesSet, str]:
        """Rules in force in a scope, and the identity of the event that set them (empty: the defaults)."""
        for name in (scope, "*"):
            if name in self.rules:
                return self.rules[name], self.rules_version[name]
        return RulesSet(), ""

    def rules_for(self, family: str) -> RulesSet:
        """Rules in force for a family, `scope/family`."""
        return self.rules_of(scope_of(family))[0].of_family(family)

    def is_frozen(self, scope: str, model: str | None = None) -> bool:
        """Whether a freeze covers the scope, or this model of it (`scope/model`)."""
        return any(name in self.freezes for name in ("*", scope, model))

    def is_governed(self, scope: str) -> bool:
        """Whether a scope has rules or settings of its own."""
        return scope in self.rules or scope in self.configured

    def facts(self, proposal: ActionProposed, now: int) -> Facts:
        """Gather what the rules look at.

        Args:
            proposal: What is asked; its scope has a budget.
            now: Broker time, ms.
        """
        scope, model = scope_of(proposal.family), proposal.model
        rules, version = self.rules_of(scope)
        distrusted = self.distrusted.get(scope, [])
        competition, budget = self.flight.competition(proposal), self.budgets.by_scope[scope]
        return Facts(
            now=now,
            rules=rules.of_family(proposal.family),
            rules_version=version,
            is_scope_frozen=self.is_frozen(scope),
            is_model_frozen=self.is_frozen(scope, model),
            model=self.registry.models.get(model or ""),
            starts=self.registry.starts_of(proposal),
            n_rivals=competition.n_rivals,
            n_in_flight=competition.load.n,
            n_canaries=competition.load.n_canaries,
            n_models=self.registry.n_kept.get(scope, 0),
            has_canary=competition.has_canary,
            slots_taken=self.flight.slots_taken,
            money=budget.money,
            money_left=max(0.0, budget.money - budget.spent - budget.reserved),
            distrusted=distrusted,
            weight_sources=self.weights.of(proposal) if distrusted else (),
            hand=hand_of(self.keyring, POLICY_ROLLOUT, scope).partition("/")[0],
            is_observing=is_observing(self.configured, scope),
        )
