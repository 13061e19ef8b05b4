"""The rules, one by one: each a pure function of state, proposal and time that says why."""

from collections.abc import Callable
from typing import Final

from governor.state import Budget, State
from homeostat.events import ActionProposed, RuleResult, RulesSet
from homeostat.events.base import Scalar

MAX_FIRST_STEP: Final = 0.5
"""A first step above this is not a canary."""

_SERVING: Final = ("retrain", "rollout")

Rule = Callable[[State, ActionProposed, RulesSet, int], RuleResult]


def _result(
    rule: str,
    value: Scalar,
    limit: Scalar,
    reason: str,
    *,
    passed: bool,
    nearest: Scalar | None = None,
) -> RuleResult:
    """Put a rule's word together; the nearest value that would have passed is the limit if nothing is said."""
    near = None if passed else limit if nearest is None else nearest
    return RuleResult(rule=rule, passed=passed, value=value, limit=limit, reason=reason, nearest=near)


def complete(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """The proposal carries what an action of its kind needs."""
    missing = _missing(proposal)
    reason = f"{missing} is missing or wrong" if missing else "all there"
    return _result("complete", missing, "", reason, passed=not missing)


def _missing(proposal: ActionProposed) -> str:
    arms = [arm.name for arm in proposal.arms]
    is_choice = proposal.chosen in (*arms, "skip") and len(set(arms)) == len(arms)
    about_model = {"model": proposal.model is not None}
    needs: dict[str, dict[str, bool]] = {
        "retrain": about_model | {"window": proposal.window is not None, "chosen": is_choice},
        "rollout": about_model | {"chosen": proposal.chosen in [c.arm for c in proposal.candidates]},
        "threshold": about_model | {"band": proposal.band is not None},
        "meta_training": {"model": proposal.model is None, "meta_training": proposal.meta_training is not None},
    }
    return next((name for name, is_there in needs[proposal.kind].items() if not is_there), "")


def freeze(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """No action in a frozen scope."""
    frozen = state.is_frozen(proposal.family.partition("/")[0])
    return _result("freeze", frozen, False, "the scope is frozen" if frozen else "no freeze", passed=not frozen)


def known_model(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """The model is registered in the family, and its champion is the one that the proposal speaks of."""
    model = state.models.get(proposal.model or "")
    if proposal.model is None:
        return _result("known_model", "", "", "the action is about a family", passed=True)
    if model is not None and model.family != proposal.family:
        reason = f"the model is of family {model.family}"
        return _result("known_model", proposal.family, model.family, reason, passed=False)
    champion = model.champion if model else ""
    reason = f"champion is {champion}" if model else "the model is not registered"
    return _result("known_model", proposal.champion or "", champion, reason, passed=champion == proposal.champion)


def one_at_a_time(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """One action at a time that changes what a model serves; and one of each other kind."""
    target = proposal.model or proposal.family
    rivals = _SERVING if proposal.kind in _SERVING else (proposal.kind,)
    n = sum(
        (a.proposal.model or a.proposal.family) == target and a.proposal.kind in rivals for a in state.actions.values()
    )
    return _result("one_at_a_time", n, 0, f"{n} in flight for {target}", passed=n == 0)


def concurrency(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Actions in flight in the scope."""
    scope = proposal.family.partition("/")[0]
    n = sum(action.scope == scope for action in state.actions.values())
    limit = rules.max_in_flight
    return _result("concurrency", n, limit, f"{n} in flight in {scope}", passed=n < limit, nearest=max(0, limit - 1))


def rate(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Actions started on the model in the window."""
    model = state.models.get(proposal.model or "")
    n = sum(start > now - rules.rate_window_ms for start in model.starts) if model else 0
    window, limit = rules.rate_window_ms / 1000, rules.max_actions
    return _result("rate", n, limit, f"{n} actions in {window:.0f} s", passed=n < limit, nearest=max(0, limit - 1))


def cooldown(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Wait after the last action on the model has settled."""
    model = state.models.get(proposal.model or "")
    since = None if model is None or model.settled_at is None else now - model.settled_at
    if since is None:
        return _result("cooldown", 0, rules.cooldown_ms, "nothing settled before", passed=True)
    return _result("cooldown", since, rules.cooldown_ms, f"{since} ms since", passed=since >= rules.cooldown_ms)


def money(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """What is asked fits into what is left of the period's budget; what is free always does."""
    budget = state.budgets[proposal.family.partition("/")[0]]
    left = max(0.0, budget.money - budget.spent - budget.reserved)
    return _result(
        "money", proposal.money, left, f"{left:.4g} left of {budget.money:.4g}", passed=proposal.money <= left
    )


def slots(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Trainings at a time."""
    taken = sum(action.proposal.slots for action in state.actions.values() if action.phase in ("training", "acting"))
    left = max(0, rules.training_slots - taken)
    return _result(
        "slots", proposal.slots, left, f"{taken} of {rules.training_slots} taken", passed=proposal.slots <= left
    )


def blast_radius(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Share of the scope's models that may get a canary at once, from approval to settlement; one always may."""
    scope = proposal.family.partition("/")[0]
    n_models = max(1, sum(subject.startswith(f"{scope}/") for subject in state.models))
    n = sum(a.scope == scope and a.phase != "held" and _has_canary(a.proposal) for a in state.actions.values())
    share = (n + 1) / n_models if _has_canary(proposal) else 0.0
    limit = max(rules.max_rollouts_ratio, 1 / n_models)
    nearest = int(limit * n_models) / n_models
    reason = f"{n} of {n_models} in a rollout"
    return _result("blast_radius", share, limit, reason, passed=share <= limit, nearest=nearest)


def _has_canary(proposal: ActionProposed) -> bool:
    return proposal.kind in _SERVING and proposal.chosen != "skip"


def canary_first(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """No full-traffic switch: a retrain's first step is a small one."""
    if not _has_canary(proposal):
        return _result("canary_first", 0.0, MAX_FIRST_STEP, "nothing is rolled out", passed=True)
    first = proposal.plan.steps[0] if proposal.plan.steps else 1.0
    return _result("canary_first", first, MAX_FIRST_STEP, f"first step {first:.0%}", passed=first <= MAX_FIRST_STEP)


def data_window(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """What is trained names a closed range of its own history; a retrain's has labelled rows in it."""
    window = proposal.meta_training.window if proposal.meta_training else proposal.window
    if window is not None and window.subject != (own := proposal.model or proposal.family):
        return _result("data_window", window.subject, own, f"the data is of {window.subject}", passed=False)
    rows = window.rows if window else 0
    needed = 1 if proposal.kind == "retrain" else 0
    return _result("data_window", rows, needed, f"{rows} labelled rows", passed=rows >= needed)


def trust(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Nothing rests on a source that is distrusted in the scope: neither what it said nor what somebody emitted."""
    named = [*proposal.sources, *(item.rpartition("#")[0] for item in proposal.evidence)]
    named += [proposal.window.source] if proposal.window else []
    distrusted = state.distrusted.get(proposal.family.partition("/")[0], [])
    bad = next((source for source in named if source in distrusted), "")
    return _result("trust", bad, "", f"rests on {bad}" if bad else "no distrusted source", passed=not bad)


RULES: Final[tuple[Rule, ...]] = (
    freeze,
    complete,
    known_model,
    one_at_a_time,
    concurrency,
    rate,
    cooldown,
    money,
    slots,
    blast_radius,
    canary_first,
    data_window,
    trust,
)


def judge(state: State, proposal: ActionProposed, now: int, *, through_freeze: bool = False) -> tuple[RuleResult, ...]:
    """Ask every rule.

    Args:
        state: What is known.
        proposal: What is asked.
        now: Broker time, ms.
        through_freeze: Two people said it is an emergency.
    """
    scope = proposal.family.partition("/")[0]
    rules, _ = state.rules_of(scope)
    return tuple(rule(state, proposal, rules, now) for rule in RULES if not (through_freeze and rule is freeze))


def roll_over(budget: Budget, now: int) -> None:
    """Begin a new period when the old one is over; what is reserved stays reserved."""
    if now >= budget.since + budget.period_ms:
        budget.since += (now - budget.since) // budget.period_ms * budget.period_ms
        budget.spent = 0.0
