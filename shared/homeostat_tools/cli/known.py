"""Which scopes, families and models anybody has spoken of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from homeostat.client.logs import Logs
from homeostat.core import Reject
from homeostat.events import (
    ActionProposed,
    BudgetSet,
    ModelRegistered,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import GOVERNANCE
from homeostat_tools.cli.rendering import attributes, event_of

_SPEAKING: Final = {cls.TYPE for cls in (ActionProposed, BudgetSet, ModelRegistered, RulesSet, ScopeConfigured)}
"""What is said on governance of a scope that there is; a freeze is not: it may have been mistyped."""


@dataclass(slots=True)
class Known:
    """Names, as far as governance was read.

    Args:
        scopes: Without `*`.
        models: `scope/model`.
        families: `scope/family`, of the models.
    """

    scopes: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    families: set[str] = field(default_factory=set)


def spoken_of(logs: Logs, known: Known, is_enough: Callable[[], bool]) -> None:
    """Read governance, headers and keys where they say enough.

    Args:
        logs: Where.
        known: Filled.
        is_enough: Asked after each record that has added something.
    """
    for record in logs.read([GOVERNANCE]):
        type_ = attributes(record).type
        if type_ not in _SPEAKING:
            continue
        scope = (record.key or b"").decode(errors="replace")
        if scope != "*":
            known.scopes.add(scope)
        if type_ == ModelRegistered.TYPE:
            try:
                data = event_of(record).data
            except Reject:
                continue
            if isinstance(data, ModelRegistered) and data.model is not None:
                known.models.add(data.model)
                known.families.add(f"{scope}/{data.family}")
        if is_enough():
            return


def distrusted_among(logs: Logs, is_enough: Callable[[], bool]) -> set[str]:
    """Read which sources are distrusted, in whatever scope.

    Args:
        logs: Where.
        is_enough: Asked after each record that says so.
    """
    found = set[str]()
    for record in logs.read([GOVERNANCE]):
        if attributes(record).type not in (SourceDistrusted.TYPE, SourceTrusted.TYPE):
            continue
        try:
            data = event_of(record).data
        except Reject:
            continue
        if isinstance(data, SourceDistrusted):
            found.add(data.source)
        elif isinstance(data, SourceTrusted):
            found.discard(data.source)
        if is_enough():
            break
    return found


def unknown_among(logs: Logs, name: str) -> set[str] | None:
    """Look whether a scope, or a model as `scope/model`, is known; reads until it is found.

    Returns:
        None if it is known; else the models of its scope, or all scopes where it is none or its scope has none.
    """
    if name == "*":
        return None
    known = Known()
    spoken_of(logs, known, lambda: name in known.scopes or name in known.models)
    if name in known.scopes | known.models:
        return None
    beside = {model for model in known.models if "/" in name and model.startswith(f"{name.partition('/')[0]}/")}
    return beside or known.scopes
