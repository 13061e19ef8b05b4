"""The rules, one by one: each a pure function of state, proposal and time that says why."""

from collections.abc import Callable
from typing import Final

from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, RuleResult, RulesSet
from homeostat.events.base import Scalar
from homeostat.events.sources import rests_on
from homeostat.services.governor import flight, weights
from homeostat.services.governor.flight import has_canary
from homeostat.services.governor.registry import n_kept
from homeostat.services.governor.state import Budget, State

MAX_FIRST_STEP: Final = 0.5
"""A first step above this is not a canary."""

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
    """No action in a frozen scope, or on a frozen model."""
    scope = scope_of(proposal.family)
    frozen = state.is_frozen(scope, proposal.model)
    what = "scope" if state.is_frozen(scope) else "model"
    return _result("freeze", frozen, False, f"the {what} is frozen" if frozen else "no freeze", passed=not frozen)


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
    """One action at a time that changes what a model serves, or one of its signals, or the weights of a family."""
    n, target = flight.rivals(state, proposal), proposal.model or proposal.family
    return _result("one_at_a_time", n, 0, f"{n} in flight for {target}", passed=n == 0)


def concurrency(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Actions in flight in the scope."""
    scope = scope_of(proposal.family)
    n = state.loads[scope].n if scope in state.loads else 0
    limit = rules.max_in_flight
    return _result("concurrency", n, limit, f"{n} in flight in {scope}", passed=n < limit, nearest=max(0, limit - 1))


def starts_of(state: State, proposal: ActionProposed) -> list[int]:
    """Times at which actions of this kind were started on the same model, or in the same family, ms."""
    if proposal.kind == "meta_training":
        return state.trainings.get(proposal.family, [])
    model = state.models.get(proposal.model or "")
    if model is None:
        return []
    return model.threshold_starts if proposal.kind == "threshold" else model.starts


def limit_of(proposal: ActionProposed, rules: RulesSet) -> int:
    """Starts of a kind that are allowed in the window."""
    return rules.max_meta_trainings if proposal.kind == "meta_training" else rules.max_actions


def rate(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Actions of the kind started on the model, or in the family, in the window."""
    starts = starts_of(state, proposal)
    n = sum(start > now - rules.rate_window_ms for start in starts)
    window, limit = rules.rate_window_ms / 1000, limit_of(proposal, rules)
    return _result("rate", n, limit, f"{n} actions in {window:.0f} s", passed=n < limit, nearest=max(0, limit - 1))


def cooldown(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """What changes what a model serves waits after the last such action on it has settled."""
    model = state.models.get(proposal.model or "") if proposal.kind in flight.SERVING else None
    since = None if model is None or model.settled_at is None else now - model.settled_at
    if since is None:
        return _result("cooldown", 0, rules.cooldown_ms, "nothing settled before", passed=True)
    return _result("cooldown", since, rules.cooldown_ms, f"{since} ms since", passed=since >= rules.cooldown_ms)


def money(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """What is asked fits into what is left of the period's budget; what is free always does."""
    budget = state.budgets[scope_of(proposal.family)]
    left = max(0.0, budget.money - budget.spent - budget.reserved)
    return _result(
        "money", proposal.money, left, f"{left:.4g} left of {budget.money:.4g}", passed=proposal.money <= left
    )


def slots(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Trainings at a time."""
    taken = state.slots_taken
    left = max(0, rules.training_slots - taken)
    return _result(
        "slots", proposal.slots, left, f"{taken} of {rules.training_slots} taken", passed=proposal.slots <= left
    )


def blast_radius(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """Share of the scope's models that may get a canary at once, from approval to settlement; one always may.

    Models that were only registered do not count: anybody can register them.
    """
    scope = scope_of(proposal.family)
    n_models = max(1, n_kept(state, scope))
    n = state.loads[scope].n_canaries if scope in state.loads else 0
    share = (n + 1) / n_models if has_canary(proposal) else 0.0
    limit = max(rules.max_rollouts_ratio, 1 / n_models)
    nearest = int(limit * n_models) / n_models
    reason = f"{n} of {n_models} models under way are in a rollout"
    return _result("blast_radius", share, limit, reason, passed=share <= limit, nearest=nearest)


def canary_first(state: State, proposal: ActionProposed, rules: RulesSet, now: int) -> RuleResult:
    """No full-traffic switch: a retrain's first step is a small one."""
    if not has_canary(proposal):
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
    """Nothing rests on a source that is distrusted in the scope: what it said, what somebody emitted, weights."""
    named = [*proposal.sources, *(item.rpartition("#")[0] for item in proposal.evidence)]
    named += weights.sources_of(state, proposal)
    named += [proposal.window.source] if proposal.window else []
    distrusted = state.distrusted.get(scope_of(proposal.family), [])
    bad = next((source for source in distrusted if rests_on(named, [source])), "")
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


_OF_WHAT_IS_STARTED: Final[frozenset[Rule]] = frozenset(
    {one_at_a_time, concurrency, rate, cooldown, slots, blast_radius, canary_first, data_window}
)
"""They are not asked of a skip: it starts nothing, and what it says may be that there is no data."""


def judge(state: State, proposal: ActionProposed, now: int, *, through_freeze: bool = False) -> tuple[RuleResult, ...]:
    """Ask every rule that the proposal is about.

    Args:
        state: What is known.
        proposal: What is asked.
        now: Broker time, ms.
        through_freeze: Two people said it is an emergency.
    """
    rules = state.rules_for(proposal.family)
    left_out = (_OF_WHAT_IS_STARTED if proposal.is_idle else frozenset()) | (
        {freeze} if through_freeze else frozenset()
    )
    return tuple(rule(state, proposal, rules, now) for rule in RULES if rule not in left_out)


def roll_over(budget: Budget, now: int) -> None:
    """Begin a new period when the old one is over; what is reserved stays reserved."""
    if now >= budget.since + budget.period_ms:
        budget.since += (now - budget.since) // budget.period_ms * budget.period_ms
        budget.spent = 0.0
