"""What is in force: rules, money, rights, freezes, as the governor's state has them."""

from dataclasses import dataclass, field

from homeostat.core.identity import scope_of
from homeostat.events.base import Tier
from homeostat.events.requests import BudgetSet, ModelConfigured, ScopeConfigured
from homeostat.events.rules import RulesSet


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What people have set, by scope; `*` is the organisation.

    Args:
        rules: Rules that were set.
        budgets: Budgets that were set; a scope that follows the budget of `*` has none.
        scopes: Owners and settings.
        roles: Principal to `role@scope`.
        keys: Key id to principal, of the keys that are not revoked.
        freezes: Scope, `scope/model` or `*` to the identity of the event that froze it.
        models: Tier (as it counts: telemetry may have raised it), owner and regulation by `scope/model`.
    """

    rules: dict[str, RulesSet] = field(default_factory=dict)
    budgets: dict[str, BudgetSet] = field(default_factory=dict)
    scopes: dict[str, ScopeConfigured] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    freezes: dict[str, str] = field(default_factory=dict)
    models: dict[str, ModelConfigured] = field(default_factory=dict)

    def freeze_of(self, model: str) -> str | None:
        """Scope, model or `*` of the widest freeze that covers a model (`scope/model`)."""
        return next((name for name in ("*", scope_of(model), model) if name in self.freezes), None)

    def add_budget(self, scope: str, money: float, period_ms: int) -> None:
        """Enter the budget of a scope, or of `*`.

        Args:
            scope: A scope, or `*`.
            money: Per period.
            period_ms: Length of the period.
        """
        self.budgets[scope] = BudgetSet(scope=scope, money=money, period_ms=period_ms)

    def add_model(self, model: str, tier: Tier, owner: str, *, is_regulated: bool, rollout: str | None = None) -> None:
        """Enter what is said of a model, `scope/model`; an empty owner is none.

        Args:
            model: `scope/model`.
            tier: As it counts.
            owner: Empty for none.
            is_regulated: Whether a person approves whatever changes it.
            rollout: Hand that changes what it serves; None for whoever the law names.
        """
        self.models[model] = ModelConfigured(
            model=model, tier=tier, owner=owner or None, is_regulated=is_regulated, rollout=rollout
        )
