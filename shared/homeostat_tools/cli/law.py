"""What is in force: the requests on governance that the governor did not refuse."""

from dataclasses import dataclass, field

from homeostat.audit.keyring import held_requests, refused_offsets
from homeostat.client.logs import Logs
from homeostat.client.policies import Once
from homeostat.codec import Record
from homeostat.core import Event, Reject
from homeostat.events import (
    BudgetSet,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    ModelConfigured,
    RoleGranted,
    RoleRevoked,
    RulesSet,
    ScopeConfigured,
)
from homeostat.events.logs import GOVERNANCE, QUARANTINE, VERDICTS
from homeostat_tools.cli.records import attributes, event_of


@dataclass(slots=True)
class Law:
    """Rules, money and rights by scope; `*` is the organisation.

    Args:
        rules: Rules.
        budgets: Budgets.
        scopes: Owners and settings.
        roles: Principal to `role@scope`.
        keys: Key id to principal, of the keys that are not revoked.
        freezes: Scope, model or `*` to the identity of its freeze.
        models: What was said of a model.
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
        return next((name for name in ("*", model.partition("/")[0], model) if name in self.freezes), None)


def in_force(logs: Logs) -> Law:
    """Read the law from the logs."""
    once, law = Once(), Law()
    records = [record for record in logs.read([GOVERNANCE]) if once.is_new(record)]
    refused, held = refused_offsets(logs.read([QUARANTINE])), held_requests(logs.read([VERDICTS]))
    for record in records:
        if record.offset in refused or not _is_law(record) or attributes(record).identity in held:
            continue
        try:
            _enact(law, event_of(record))
        except Reject:
            continue  # of a version that this one cannot read
    return law


def freezes(logs: Logs) -> set[str]:
    """Scopes, models and `*` that are frozen: `in_force`, and nothing else of it."""
    said = list[tuple[int, FreezeSet | FreezeLifted]]()
    for record in logs.read([GOVERNANCE]):
        if attributes(record).type not in (FreezeSet.TYPE, FreezeLifted.TYPE):
            continue
        try:
            data = event_of(record).data
        except Reject:
            continue
        if isinstance(data, FreezeSet | FreezeLifted):
            said.append((record.offset, data))
    refused = refused_offsets(logs.read([QUARANTINE])) if said else set[int]()
    found = set[str]()
    for offset, data in said:
        if offset not in refused:
            (found.add if isinstance(data, FreezeSet) else found.discard)(data.scope)
    return found


_OF_MODEL = {"tier", "owner", "is_regulated"}

_LAWS = (
    BudgetSet,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    ModelConfigured,
    RoleGranted,
    RoleRevoked,
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
            law.scopes[scope.scope] = scope.after(law.scopes.get(scope.scope))
        case RoleGranted() as grant:
            law.roles.setdefault(grant.principal, set()).add(f"{grant.role}@{grant.scope}")
        case KeyRegistered() as key:
            law.keys[key.key] = key.principal
            law.roles.setdefault(key.principal, set()).update(f"{role}@*" for role in key.roles)
        case RoleRevoked() as taken:
            law.roles.get(taken.principal, set()).discard(f"{taken.role}@{taken.scope}")
        case ModelConfigured() as said:
            known = law.models.get(said.model, said).model_dump(include=_OF_MODEL)
            known |= said.model_dump(include=_OF_MODEL, exclude_none=True)
            law.models[said.model] = ModelConfigured(model=said.model, **known)
        case KeyRevoked() as revoked:
            law.keys.pop(revoked.key, None)
        case FreezeSet() as freeze:
            law.freezes[freeze.scope] = event.identity
        case FreezeLifted() as lifted:
            law.freezes.pop(lifted.scope, None)
