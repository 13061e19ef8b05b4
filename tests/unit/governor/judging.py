"""A state of one scope, and what the rules say in it."""

from typing import Any

from tests.unit.governor.driver import FAMILY, MODEL, SCOPE, START_MS, proposal

from homeostat.events import (
    ActionProposed,
    Range,
    RuleResult,
    RulesSet,
)
from homeostat.services.governor.budget import Budget
from homeostat.services.governor.registry import Model
from homeostat.services.governor.rules import judge
from homeostat.services.governor.state import State

NOW = START_MS
WINDOW = Range(log="l", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=80)


def state_of(rules: RulesSet | None = None, *, n_models: int = 1) -> State:
    """A scope with models and money."""
    state = State()
    state.registry.models = {f"acme/camera-{n}": Model(FAMILY, "v0", None, "low") for n in range(1, n_models + 1)}
    state.registry.n_kept[SCOPE] = n_models
    state.budgets.by_scope[SCOPE] = Budget(10.0, 1000, NOW)
    if rules is not None:
        state.rules[SCOPE], state.rules_version[SCOPE] = rules, "r"
    return state


def rule(name: str, state: State, **changes: Any) -> RuleResult:
    """What one rule says of a proposal."""
    return next(result for result in judged(state, proposal(**changes)) if result.rule == name)


def judged(state: State, asked: ActionProposed) -> tuple[RuleResult, ...]:
    """What all rules say of a proposal."""
    return judge(state.facts(asked, NOW), asked)
