"""What is in force: the requests on governance that the governor did not refuse."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from homeostat.cli.records import attributes, event_of
from homeostat.client.logs import Logs
from homeostat.client.policies import Once
from homeostat.codec import Record
from homeostat.core import Event, Reject
from homeostat.events import (
    BudgetSet,
    EventRefused,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
)
from homeostat.events.logs import GOVERNANCE, QUARANTINE


@dataclass(slots=True)
class Law:
    """Rules, money and rights by scope; `*` is the organisation.

    Args:
        rules: Rules.
        budgets: Budgets.
        scopes: Owners and settings.
        roles: Principal to `role@scope`.
        keys: Key id to principal, of the keys that are not revoked.
        freezes: Scope to the identity of its freeze.
    """

    rules: dict[str, RulesSet] = field(default_factory=dict)
    budgets: dict[str, BudgetSet] = field(default_factory=dict)
    scopes: dict[str, ScopeConfigured] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    freezes: dict[str, str] = field(default_factory=dict)

    def freeze_of(self, scope: str) -> str | None:
        """Identity of the freeze that covers a scope."""
        return self.freezes.get(scope) or self.freezes.get("*")


def refused_offsets(quarantine: Iterable[Record]) -> set[int]:
    """Offsets of governance that the governor refused."""
    found = set[int]()
    for record in quarantine:
        try:
            data = event_of(record).data
        except Reject:
            continue
        if isinstance(data, EventRefused) and data.log == GOVERNANCE:
            found.add(data.offset)
    return found


def in_force(logs: Logs) -> Law:
    """Read the law from the logs."""
    once, law = Once(), Law()
    records = [record for record in logs.read([GOVERNANCE]) if once.is_new(record)]
    refused = refused_offsets(logs.read([QUARANTINE]))
    for record in records:
        if record.offset in refused or not _is_law(record):
            continue
        try:
            _enact(law, event_of(record))
        except Reject:
            continue  # of a version that this one cannot read
    return law


_LAWS = (
    BudgetSet,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
)


def _is_law(record: Record) -> bool:
    return attributes(record).type in {law.TYPE for law in _LAWS}


def _enact(law: Law, event: Event) -> None:
    match event.data:
        case RulesSet() as rules:
            law.rules[rules.scope] = rules.model_copy(update={"provenance": None})
        case BudgetSet() as budget:
            law.budgets[budget.scope] = budget.model_copy(update={"provenance": None})
        case ScopeConfigured() as scope:
            law.scopes[scope.scope] = scope.model_copy(update={"provenance": None})
        case RoleGranted() as grant:
            law.roles.setdefault(grant.principal, set()).add(f"{grant.role}@{grant.scope}")
        case KeyRegistered() as key:
            law.keys[key.key] = key.principal
            law.roles.setdefault(key.principal, set()).update(f"{role}@*" for role in key.roles)
        case KeyRevoked() as revoked:
            law.keys.pop(revoked.key, None)
        case FreezeSet() as freeze:
            law.freezes[freeze.scope] = event.identity
        case FreezeLifted() as lifted:
            law.freezes.pop(lifted.scope, None)
