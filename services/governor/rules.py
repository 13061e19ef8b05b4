"""The rules, one by one: each a pure function of facts and proposal that says why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, RuleResult, RulesSet
from homeostat.events.base import Scalar
from homeostat.events.logs import HAND_OF, POLICY_ROLLOUT
from homeostat.events.sources import rests_on
from homeostat.services.governor.action import SERVING
from homeostat.services.governor.registry import Model

MAX_FIRST_STEP: Final = 0.5
"""A first step above this is not a canary."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at beside the proposal, as it is when they are asked.

    Args:
        now: Broker time, ms.
        rules: In force for the family.
        rules_version: Identity of the event that set them; empty: the defaults.
        is_scope_frozen: A freeze covers the scope.
        is_model_frozen: A freeze covers the model alone.
        model: The model, if it is registered.
        starts: Of actions of the kind on the model, or in the family, ms.
        n_rivals: Actions in flight that exclude what is proposed.
        n_in_flight: Actions in flight in the scope.
        n_canaries: Of which so many may give a model a canary.
        n_models: Models of the scope that something but a registration was about.
        has_canary: The proposal may give a version traffic.
        slots_taken: Training slots in use.
        money: Budget of the scope in the running period.
        money_left: What is neither spent nor reserved, >= 0.
        distrusted: Sources in the scope.
        weight_sources: Whom the weights rest on that the action would start from; empty if nobody is distrusted.
        hand: Service that changes what the models of the scope serve.
        is_observing: The scope only looks on.
    """

    now: int
    rules: RulesSet
    rules_version: str
    is_scope_frozen: bool
    is_model_frozen: bool
    model: Model | None
    starts: Sequence[int]
    n_rivals: int
    n_in_flight: int
    n_canaries: int
    n_models: int
    has_canary: bool
    slots_taken: int
    money: float
    money_left: float
    distrusted: Sequence[str]
    weight_sources: Sequence[str]
    hand: str
    is_observing: bool


Rule = Callable[[Facts, ActionProposed], RuleResult]


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


def freeze(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """No action in a frozen scope, or on a frozen model."""
    frozen = facts.is_scope_frozen or facts.is_model_frozen
    what = "scope" if facts.is_scope_frozen else "model"
    return _result("freeze", frozen, False, f"the {what} is frozen" if frozen else "no freeze", passed=not frozen)


def known_model(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """The model is registered in the family, and its champion is the one that the proposal speaks of."""
    model = facts.model
    if proposal.model is None:
        return _result("known_model", "", "", "the action is about a family", passed=True)
    if model is not None and model.family != proposal.family:
        reason = f"the model is of family {model.family}"
        return _result("known_model", proposal.family, model.family, reason, passed=False)
    champion = model.champion if model else ""
    reason = f"champion is {champion}" if model else "the model is not registered"
    return _result("known_model", proposal.champion or "", champion, reason, passed=champion == proposal.champion)


def one_at_a_time(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """One action at a time that changes what a model serves, or one of its signals, or the weights of a family."""
    n, target = facts.n_rivals, proposal.subject
    return _result("one_at_a_time", n, 0, f"{n} in flight for {target}", passed=n == 0)


def concurrency(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """Actions in flight in the scope."""
    scope, n, limit = scope_of(proposal.family), facts.n_in_flight, facts.rules.max_in_flight
    return _result("concurrency", n, limit, f"{n} in flight in {scope}", passed=n < limit, nearest=max(0, limit - 1))


def rate(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """Actions of the kind started on the model, or in the family, in the window."""
    window_ms, limit = facts.rules.rate_window_ms, facts.rules.max_starts(proposal.kind)
    n = sum(start > facts.now - window_ms for start in facts.starts)
    return _result(
        "rate", n, limit, f"{n} actions in {window_ms / 1000:.0f} s", passed=n < limit, nearest=max(0, limit - 1)
    )


def cooldown(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """What changes what a model serves waits after the last such action on it has settled."""
    model, wait = facts.model if proposal.kind in SERVING else None, facts.rules.cooldown_ms
    since = None if model is None or model.settled_at is None else facts.now - model.settled_at
    if since is None:
        return _result("cooldown", 0, wait, "nothing settled before", passed=True)
    return _result("cooldown", since, wait, f"{since} ms since", passed=since >= wait)


def money(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """What is asked fits into what is left of the period's budget; what is free always does."""
    left, reason = facts.money_left, f"{facts.money_left:.4g} left of {facts.money:.4g}"
    return _result("money", proposal.money, left, reason, passed=proposal.money <= left)


def slots(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """Trainings at a time."""
    taken, n = facts.slots_taken, facts.rules.training_slots
    left = max(0, n - taken)
    return _result("slots", proposal.slots, left, f"{taken} of {n} taken", passed=proposal.slots <= left)


def blast_radius(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """Share of the scope's models that may get a canary at once, from approval to settlement; one always may.

    Models that were only registered do not count: anybody can register them.
    """
    n, n_models = facts.n_canaries, max(1, facts.n_models)
    share = (n + 1) / n_models if facts.has_canary else 0.0
    limit = max(facts.rules.max_rollouts_ratio, 1 / n_models)
    nearest = int(limit * n_models) / n_models
    reason = f"{n} of {n_models} models under way are in a rollout"
    return _result("blast_radius", share, limit, reason, passed=share <= limit, nearest=nearest)


def canary_first(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """No full-traffic switch: a retrain's first step is a small one."""
    if not facts.has_canary:
        return _result("canary_first", 0.0, MAX_FIRST_STEP, "nothing is rolled out", passed=True)
    first = proposal.plan.steps[0] if proposal.plan.steps else 1.0
    return _result("canary_first", first, MAX_FIRST_STEP, f"first step {first:.0%}", passed=first <= MAX_FIRST_STEP)


def data_window(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """What is trained names a closed range of its own history; a retrain's has labelled rows in it."""
    window = proposal.meta_training.window if proposal.meta_training else proposal.window
    if window is not None and window.subject != (own := proposal.subject):
        return _result("data_window", window.subject, own, f"the data is of {window.subject}", passed=False)
    rows = window.rows if window else 0
    needed = 1 if proposal.kind == "retrain" else 0
    return _result("data_window", rows, needed, f"{rows} labelled rows", passed=rows >= needed)


def trust(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """Nothing rests on a source that is distrusted in the scope: what it said, what somebody emitted, weights."""
    named = [*proposal.sources, *(item.rpartition("#")[0] for item in proposal.evidence)]
    named += facts.weight_sources
    named += [proposal.window.source] if proposal.window else []
    bad = next((source for source in facts.distrusted if rests_on(named, [source])), "")
    return _result("trust", bad, "", f"rests on {bad}" if bad else "no distrusted source", passed=not bad)


def applied_by(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """What a model serves is changed by the hand that its registration names; asked where that names one."""
    wanted = (facts.model.rollout if facts.model else None) or facts.hand
    is_there = facts.hand != HAND_OF[POLICY_ROLLOUT] if wanted == "self" else facts.hand == wanted
    name = "NAME" if wanted == "self" else wanted
    why = f"the model is changed by {wanted}, and the law of the scope names {facts.hand}: grant hand:{name}/rollout"
    return _result("applied_by", facts.hand, wanted, facts.hand if is_there else why, passed=is_there)


def observe(facts: Facts, proposal: ActionProposed) -> RuleResult:
    """What a scope that observes would do is said, not done; asked there alone, and of nothing that a person asks."""
    mode, scope = "observe" if facts.is_observing else "act", scope_of(proposal.family)
    why = f"{scope} observes: `homeostat act {scope}` lets it act"
    return _result("observe", mode, "act", why if facts.is_observing else mode, passed=not facts.is_observing)


RULES: Final[tuple[Rule, ...]] = (
    freeze,
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
    applied_by,
    observe,
)


_OF_WHAT_IS_STARTED: Final[frozenset[Rule]] = frozenset(
    {one_at_a_time, concurrency, rate, cooldown, slots, blast_radius, canary_first, data_window, applied_by, observe}
)
"""They are not asked of a skip: it starts nothing, and what it says may be that there is no data."""


def judge(
    facts: Facts, proposal: ActionProposed, *, through_freeze: bool = False, is_persons: bool = False
) -> tuple[RuleResult, ...]:
    """Ask every rule that the proposal is about.

    Args:
        facts: What is known.
        proposal: What is asked.
        through_freeze: Two people said it is an emergency.
        is_persons: A person asks for it, or has approved it.
    """
    left_out = set(_OF_WHAT_IS_STARTED) if proposal.is_idle else set[Rule]()
    if through_freeze:
        left_out.add(freeze)
    if proposal.kind not in SERVING or facts.model is None or facts.model.rollout is None:
        left_out.add(applied_by)
    if is_persons or proposal.kind == "threshold" or not facts.is_observing:
        left_out.add(observe)
    return tuple(rule(facts, proposal) for rule in RULES if rule not in left_out)
