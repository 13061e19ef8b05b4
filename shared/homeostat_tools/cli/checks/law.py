"""What people have ruled: limits, prices, owners, approvals."""

from collections.abc import Iterator
from typing import Final

from homeostat.events import RulesSet
from homeostat.events.base import TIERS
from homeostat.events.logs import policy_name
from homeostat.runtime import registry
from homeostat_tools.cli.checks.check import Check, Context, ok, warn

_APPROVING: Final = ("approver", "admin")
_UNLIMITED: Final = 1000
"""Actions on a model and window: whoever allows more has no limit."""


def _rules(context: Context) -> Iterator[tuple[str, RulesSet]]:
    """Rules of every scope that has a model, with the name they are set under."""
    for name in dict.fromkeys(s if s in context.law.rules else "*" for s in context.scopes):
        yield name, context.law.rules.get(name, RulesSet())


def _apply(name: str, lines: str) -> str:
    section = "rules" if name == "*" else f"scopes.{name}.rules"
    return f"homeostat apply homeostat.toml, with [{section}] {lines}"


def rate_limit(context: Context) -> Iterator[Check]:
    """Actions on a model are limited, with a wait between two."""
    for name, rules in _rules(context):
        if rules.cooldown_ms == 0 or rules.max_actions >= _UNLIMITED:
            detail = f"rules of {name}: {rules.max_actions} actions a window, {rules.cooldown_ms} ms between two"
            yield warn("rate limit", detail, _apply(name, "max_actions = 20, cooldown_ms = 60000"))
        else:
            yield ok("rate limit", f"rules of {name}: {rules.max_actions} actions a window")


def objective(context: Context) -> Iterator[Check]:
    """What is aimed at counts time and money too."""
    for name, rules in _rules(context):
        unweighted = [term for term in ("latency", "cost") if getattr(rules.reward_weights, term) == 0.0]
        if unweighted:
            detail = f"rules of {name}: {' and '.join(unweighted)} have no weight in the reward"
            lines = ", ".join(f"reward_weights.{term} = …" for term in unweighted)
            yield warn("objective", detail, f"{_apply(name, lines)} (docs/costs.md)")


def tiers(context: Context) -> Iterator[Check]:
    """Some changes wait for people, and some do not."""
    for name, rules in _rules(context):
        waiting = set(rules.approval_tiers)
        if waiting >= set(TIERS):
            detail = f"rules of {name}: every tier waits for a person"
            yield warn("tiers", detail, _apply(name, 'approval_tiers = ["high"]'))
        elif "high" not in waiting:
            detail = f"rules of {name}: not even tier high waits for a person"
            yield warn("tiers", detail, _apply(name, 'approval_tiers = ["high"]'))


def owners(context: Context) -> Iterator[Check]:
    """Somebody answers for every model."""
    for scope in context.scopes:
        configured = context.law.scopes.get(scope)
        orphans = [name for name, data in context.models.items() if name.startswith(f"{scope}/") and not data.owner]
        if orphans and not (configured and configured.owner):
            detail = f"nobody answers for {len(orphans)} models of {scope}, for example {orphans[0]}"
            yield warn("owner", detail, f"homeostat apply homeostat.toml, with [scopes.{scope}] owner = …")


def approvers(context: Context) -> Iterator[Check]:
    """Four eyes need two people."""
    for scope in context.scopes:
        who = sorted(
            {
                principal
                for principal, granted in context.law.roles.items()
                for role, _, where in (entry.partition("@") for entry in granted)
                if role in _APPROVING and where in (scope, "*") and principal in context.law.keys.values()
            }
        )
        if len(who) < 2:
            detail = (
                f"{len(who)} may approve in {scope} ({', '.join(who) or 'nobody'}): nobody approves his own request"
            )
            yield warn("approvers", detail, "homeostat keys create NAME --role approver --by operator")


def hands(context: Context) -> Iterator[Check]:
    """A hand of another package is believed where the law names it."""
    granted = {entry for roles in context.law.roles.values() for entry in roles}
    for name, entry in registry.hands().items():
        if not entry.is_ours and not any(role.startswith(f"hand:{name}/") for role in granted):
            detail = f"{name} of {entry.distribution} acts, and is named for no topic: what it reports is refused"
            role = f"hand:{name}/{policy_name(entry.obeys[0])}"
            yield warn("installed hands", detail, f"homeostat roles grant {name} {role}@SCOPE, or pip uninstall it")


def prices(context: Context) -> Iterator[Check]:
    """A training costs something."""
    for name, rules in _rules(context):
        if rules.price_per_training_second == 0.0 and not rules.prices:
            detail = f"rules of {name}: a training costs nothing, so no budget ever stops one"
            yield warn("prices", detail, _apply(name, "price_per_training_second = … (docs/costs.md)"))


def training_slots(context: Context) -> Iterator[Check]:
    """Training is not starved."""
    for name, rules in _rules(context):
        if rules.training_slots == 0 or rules.max_in_flight == 0:
            detail = f"rules of {name}: no training may run"
            yield warn("training slots", detail, _apply(name, "training_slots = 4, max_in_flight = 20"))
