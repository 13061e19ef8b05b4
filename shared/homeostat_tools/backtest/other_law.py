"""What shall hold instead of what held: rules, budgets and settings of scopes, from a file or from `--set`."""

import tomllib
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from homeostat.codec.decode import first_error
from homeostat.core import Fold
from homeostat.core.identity import scope_of
from homeostat.events import BudgetSet, Data, ModelConfigured, RoleGranted, RulesSet, ScopeConfigured
from homeostat_tools.cli.exit_codes import usage
from homeostat_tools.cli.times import duration_ms

_EVERYWHERE: Final = "*"
_DAY_MS: Final = 86_400_000


class OtherLaw:
    """Replaces parts of the law in a governor's state, and keeps recorded requests from undoing it.

    Args:
        law: What holds instead, as a law file says it; roles are not replaced.
    """

    def __init__(self, law: Sequence[Data]) -> None:
        self._law = [data for data in law if not isinstance(data, RoleGranted)]
        self._replaced = {(type(data), _about(data)) for data in self._law}

    def replaces(self, data: object) -> bool:
        """Whether a recorded request is about something that holds otherwise."""
        return isinstance(data, Data) and (type(data), _about(data)) in self._replaced

    def impose(self, state: Any, now: int) -> None:
        """Put it into the state of a governor, as if it had been applied.

        Args:
            state: As `Governor.initial` makes it; changed.
            now: Broker time, ms.
        """
        for data in self._law:
            match data:
                case RulesSet():
                    state.rules[data.scope], state.rules_version[data.scope] = data, "backtest"
                case BudgetSet():
                    state.budgets.set(data.scope, data.money, data.period_ms, now)
                case ScopeConfigured():
                    state.configured[data.scope] = data.after(state.configured.get(data.scope))
                case ModelConfigured():
                    state.registry.configure(data)


def read_settings(settings: Sequence[str], allowed: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read `section.name=value` as TOML values by section.

    Args:
        settings: As on the command line.
        allowed: Sections.

    Raises:
        CommandFailed: It is none of these.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in settings:
        path, sign, value = text.partition("=")
        section, _, name = path.strip().partition(".")
        if not sign or not name or section not in allowed:
            raise usage(f"--set {text!r}: write one of {', '.join(f'{one}.NAME=VALUE' for one in allowed)}")
        try:
            found.setdefault(section, {})[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found.setdefault(section, {})[name] = value.strip()
    return found


def changed_law(state: Any, family: str, settings: dict[str, dict[str, Any]]) -> list[Data]:
    """Return the rules and the budget of a family's scope as they were, but for what is set.

    Args:
        state: Of a governor.
        family: `scope/family`.
        settings: By section `rules` and `budget`.

    Raises:
        CommandFailed: No rule or budget has such a field or value.
    """
    scope, law = scope_of(family), list[Data]()
    try:
        if "rules" in settings:
            before = state.rules_of(scope)[0].model_dump(exclude={"provenance"})
            law.append(RulesSet.model_validate(before | settings["rules"] | {"scope": scope}))
        if "budget" in settings:
            budget = dict(settings["budget"])
            period = duration_ms(str(budget.pop("period"))) if "period" in budget else _DAY_MS
            law.append(BudgetSet.model_validate({"scope": scope, "period_ms": period} | budget))
    except ValidationError as error:
        raise usage(f"--set: {error.title}: {first_error(error)}") from None
    return law


def with_settings(fold: Fold[Any], settings: dict[str, Any]) -> Fold[Any]:
    """Make a fold of the same kind with other settings.

    Raises:
        CommandFailed: It has no such setting.
    """
    from dataclasses import fields, replace

    before: Any = fold.settings
    known = {one.name for one in fields(before)}
    if unknown := sorted(set(settings) - known):
        raise usage(f"--set {fold.name}.{unknown[0]}: no such setting; there are {', '.join(sorted(known))}")
    made: Fold[Any] = type(fold)(replace(before, **settings))  # type: ignore[call-arg] # folds of ours take settings
    return made


def _about(data: Data) -> str:
    return str(getattr(data, "model", None) or getattr(data, "scope", _EVERYWHERE))
