"""`homeostat.toml` as the requests it means, and what they would change."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from homeostat.codec.decode import first_error
from homeostat.core.identity import scope_of
from homeostat.events import BudgetSet, Data, ModelConfigured, RoleGranted, RulesSet, ScopeConfigured, short
from homeostat.events.policy_state import PolicyState
from homeostat_tools.cli.exit_codes import not_found, usage
from homeostat_tools.cli.times import duration_ms

LAW: Final = ("rules", "budget", "scopes", "roles", "models")
REGISTERED: Final = ("contracts", "families", "recipes")
"""Sections that are no requests: see `registrations`."""

_IN_SCOPE: Final = ("owner", "settings", "rules", "budget")
_OF_MODEL: Final = ("tier", "owner", "is_regulated", "rollout")
_EVERYWHERE: Final = "*"


@dataclass(frozen=True, slots=True)
class Change:
    """One request that is needed.

    Args:
        data: The request.
        scope: It is about.
        lines: What differs: `- name = old`, `+ name = new`.
    """

    data: Data
    scope: str
    lines: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people."""
        return f"{short(self.data.TYPE)} {self.scope}"


def read_body(path: Path) -> dict[str, Any]:
    """Read a file for `homeostat apply`.

    Raises:
        CommandFailed: There is no file, or it has a section that is not known.
    """
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise not_found(f"no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage(f"{path} is not TOML: {error}") from None
    _check_names(path, "", body, (*LAW, *REGISTERED))
    return body


def read_law(path: Path) -> list[Data]:
    """Read what a file says of the law as requests, in the order in which they are to be sent.

    Raises:
        CommandFailed: There is no file, or it says something that is not known.
    """
    body = read_body(path)
    try:
        return list(_requests(path, body))
    except ValidationError as error:
        raise usage(f"{path}: {error.title}: {first_error(error)}") from None


def _requests(path: Path, body: Mapping[str, Any]) -> Iterator[Data]:
    yield from _of_scope(body, _EVERYWHERE)
    for scope, section in body.get("scopes", {}).items():
        _check_names(path, f"scopes.{scope}.", section, _IN_SCOPE)
        if "owner" in section or "settings" in section:
            yield ScopeConfigured(scope=scope, owner=section.get("owner", ""), settings=section.get("settings", {}))
        yield from _of_scope(section, scope)
    for model, said in body.get("models", {}).items():
        _check_names(path, f"models.{model}.", said, _OF_MODEL)
        yield ModelConfigured.model_validate({"model": model} | said)
    for principal, granted in body.get("roles", {}).items():
        for entry in granted:
            role, _, scope = entry.partition("@")
            yield RoleGranted.model_validate({"principal": principal, "role": role, "scope": scope or _EVERYWHERE})


def _of_scope(section: Mapping[str, Any], scope: str) -> Iterator[Data]:
    if "rules" in section:
        yield RulesSet.model_validate({"scope": scope} | section["rules"])
    if "budget" in section:
        budget = dict(section["budget"])
        period = duration_ms(str(budget.pop("period", "1d")))
        yield BudgetSet.model_validate({"scope": scope, "period_ms": period} | budget)


def _check_names(path: Path, where: str, section: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(section) - set(known))
    if unknown:
        raise usage(f"{path}: {where}{unknown[0]} is not known here; there are {', '.join(known)}")


def changes(law: PolicyState, wanted: list[Data]) -> list[Change]:
    """Return what is not in force yet."""
    found = []
    for data in wanted:
        before, scope = _before(law, data)
        after = _fields(data.after(law.scopes.get(scope)) if isinstance(data, ScopeConfigured) else data)
        if lines := differing(before, after):
            found.append(Change(data, scope, lines))
    return found


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which fields another value is wanted of: `- name = old`, `+ name = new`."""
    lines = []
    for name in sorted(after):
        if before.get(name) != after[name]:
            lines += [f"- {name} = {before[name]}"] if name in before else []
            lines.append(f"+ {name} = {after[name]}")
    return tuple(lines)


def _before(law: PolicyState, data: Data) -> tuple[dict[str, Any], str]:
    match data:
        case RulesSet():
            return _fields(law.rules.get(data.scope)), data.scope
        case BudgetSet():
            return _fields(law.budgets.get(data.scope)), data.scope
        case ScopeConfigured():
            return _fields(law.scopes.get(data.scope)), data.scope
        case ModelConfigured():
            return _fields(law.models.get(data.model)), scope_of(data.model)
        case RoleGranted():
            has = f"{data.role}@{data.scope}" in law.roles.get(data.principal, ())
            return (_fields(data) if has else {}), data.scope
    raise TypeError(f"{data.TYPE} is not in a law file")


def _fields(data: Data | None) -> dict[str, Any]:
    if data is None:
        return {}
    unsaid = {"provenance", "scope", "valid_until", "reason"}
    return data.model_dump(mode="json", exclude=unsaid, exclude_none=isinstance(data, ModelConfigured))
