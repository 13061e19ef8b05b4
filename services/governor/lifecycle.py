"""An approved action up to its settlement: what happens next, given what is known."""

from collections.abc import Sequence
from typing import Final

from homeostat.core import Emit
from homeostat.events import (
    ActionApplied,
    ActionSettled,
    Arm,
    CanaryJudged,
    Candidate,
    CandidateTrained,
    RuleResult,
    VerdictGiven,
)
from homeostat.events.costs import instance_of, price_of
from homeostat.events.logs import EXPERIENCE, VERDICTS
from homeostat.services.governor import commands, flight, holdback
from homeostat.services.governor.books import book, charge, correct, cost_of, release
from homeostat.services.governor.state import Action, State

Emits = tuple[Emit, ...]

_SERVED: Final = ("rolling", "promoting", "measuring")
"""Phases in which the candidates may lie on the model server."""


def verdict(state: State, action: Action, id_: str, said: str, results: Sequence[RuleResult] = ()) -> Emits:
    """Say it to users and to the family."""
    proposal = action.proposal
    given = VerdictGiven.model_validate(
        {
            "action": id_,
            "kind": proposal.kind,
            "family": proposal.family,
            "model": proposal.model,
            "verdict": said,
            "rules": tuple(results),
            "rules_version": state.rules_of(action.scope)[1],
            "is_emergency": action.is_emergency,
            "expires_at": action.expires_at,
            "was_served": action.was_served,
        }
    )
    return (Emit(VERDICTS, given, action.scope, action.story), Emit(EXPERIENCE, given, proposal.family, action.story))


def trained(state: State, data: CandidateTrained) -> Emits:
    """One arm has reported; when all have, roll out."""
    action = state.actions.get(data.action)
    if action is None or data.arm not in action.waiting_for:
        return ()
    action.waiting_for.remove(data.arm)
    charge(state, action, data.seconds * _price_per_second(state, action, data.arm))
    if data.version is not None and data.artifact is not None:
        action.candidates.append(
            Candidate(arm=data.arm, version=data.version, artifact=data.artifact, seconds=data.seconds)
        )
    if action.waiting_for or not action.candidates:
        return ()  # with no candidate at all the hand's action.failed ends it
    return roll_out(state, data.action, action)


def roll_out(state: State, id_: str, action: Action) -> Emits:
    """Begin with what was trained; what has not reported does not count."""
    action.waiting_for.clear()
    action.candidates.sort(key=lambda candidate: candidate.arm)
    flight.move(state, action, "ready")
    return proceed(state, id_, action)


def resume(state: State, scope: str) -> Emits:
    """Go on where a freeze has held.

    Args:
        state: Changed.
        scope: Of the freeze: a scope, a model of it, or `*`.
    """
    emits: list[Emit] = []
    for id_ in flight.in_scopes(state, scope):
        emits += proceed(state, id_, state.actions[id_])
    return tuple(emits)


def proceed(state: State, id_: str, action: Action) -> Emits:
    """Do what is next, unless a freeze holds it."""
    if state.is_frozen(action.scope, action.model) and not action.is_emergency:
        return ()
    if action.phase == "ready":
        flight.move(state, action, "rolling" if action.canary is not None else "measuring")
        action.step = 0 if action.canary is not None else -1
        holdback.forget(state, action.proposal.model or "")
        return (commands.rollout(state, id_, action, "set"),)
    judgement, action.judgement = action.judgement, ""
    if judgement == "promote" or (judgement == "continue" and action.step + 1 >= len(action.proposal.plan.steps)):
        flight.move(state, action, "promoting")
        return (commands.rollout(state, id_, action, "promote"),)
    if judgement == "continue":
        action.step += 1
        return (commands.rollout(state, id_, action, "set"),)
    return ()


def judged(state: State, data: CanaryJudged) -> Emits:
    """A judgement is answered with a weight; an abort passes every freeze, and no evidence is no reason to go on."""
    action = state.actions.get(data.action)
    if action is None or action.phase != "rolling":
        return ()
    if data.judgement in ("abort", "inconclusive"):
        return abort(state, data.action, action)
    if data.step != action.step:
        return ()  # it speaks of a step that is over
    action.judgement = data.judgement
    return proceed(state, data.action, action)


def applied(state: State, data: ActionApplied, now: int) -> Emits:
    """What a hand has set is so; a threshold's band is the end of its action."""
    action = state.actions.get(data.action)
    if action is not None:
        action.n_failed = 0
    if data.rollout is not None:
        serve(state, data.model or "", data.rollout.champion, data.rollout.champion_artifact)
        if action is not None:
            action.was_served |= bool(data.rollout.candidates)
        if action is not None and action.phase == "promoting" and data.rollout_verb == "promote":
            flight.move(state, action, "measuring")
    elif action is not None and action.phase == "acting" and action.proposal.kind == data.kind == "threshold":
        flight.end(state, data.action)
        release(state, action, 0.0, now)
    return ()


def serve(state: State, subject: str, version: str, artifact: str | None) -> None:
    """Take note of the version that serves now, and of the one to go back to."""
    model = state.models.get(subject)
    if model is None or model.champion == version:
        return
    if version == model.last_good:  # a step back: what it leaves is not good
        model.champion, model.artifact = version, artifact or model.last_good_artifact
        model.last_good = model.last_good_artifact = None
        return
    model.last_good, model.last_good_artifact = model.champion, model.artifact
    model.champion, model.artifact = version, artifact


def abort(state: State, id_: str, action: Action) -> Emits:
    """Take the canary's weight away; it stays as a shadow until the outcome is measured."""
    flight.move(state, action, "measuring")
    action.judgement = ""
    return (commands.rollout(state, id_, action, "abort"),)


def settled(state: State, data: ActionSettled, now: int) -> Emits:
    """Commit or refund the tokens and clear the shadows; what is said later corrects the books."""
    action = state.actions.get(data.action)
    if action is None:
        correct(state, data.action, data.kind, data.cost, now)
        return holdback.drop(state, data.action, now) if data.is_final else ()
    if action.phase == "held":
        return ()
    if data.state == "failed" and action.phase not in ("training", "acting"):
        return ()  # a command read again after a crash may fail though its arms have been trained
    flight.end(state, data.action)
    if data.state == "promoted" and action.canary is not None:  # the report may come after the settlement
        serve(state, action.proposal.model or "", action.canary.version, action.canary.artifact)
    cost = cost_of(state, action.scope, action.proposal.kind, data.cost, action.cost)
    book(state, data.action, action, cost, now)
    if action.phase not in _SERVED:
        return ()
    is_promoted = data.state == "promoted" and action.canary is not None
    if is_promoted and not data.is_final and not state.is_frozen(action.scope, action.model):
        return holdback.keep(state, data.action, action, now)
    action.expires_at = max(action.expires_at, now + state.life_ms(action))
    verb: commands.Verb = "abort" if state.is_frozen(action.scope, action.model) else "set"  # a brake keeps shadows
    return (commands.rollout(state, data.action, action, verb, is_over=True),)


def _price_per_second(state: State, action: Action, arm: str) -> float:
    rules, _ = state.rules_of(action.scope)
    instance, is_spot = instance_of(next((known for known in action.proposal.arms if known.name == arm), Arm(name=arm)))
    return price_of(rules.prices, rules.price_per_training_second, instance, is_spot=is_spot)


def last_good(state: State, subject: str) -> commands.Back | None:
    """Version to go back to: while a promotion is on its way, the one that it replaces."""
    model = state.models.get(subject)
    if model is None:
        return None
    if any(action.phase == "promoting" for _, action in flight.serving(state, subject)):
        return model.champion, model.artifact
    return None if model.last_good is None else (model.last_good, model.last_good_artifact)


def withdraw(state: State, subject: str, id_: str, now: int) -> Emits:
    """End what is in flight on a model that goes back; the revert itself takes the candidates away."""
    emits: list[Emit] = []
    for action_id, action in flight.serving(state, subject):
        why = RuleResult(rule="revert", passed=False, value=id_, limit="", reason="the model was reverted")
        emits += end(state, action_id, action, now, action.cost, (why,), is_cleared=True)
    holdback.forget(state, subject)
    return tuple(emits)


def expire(state: State, id_: str, now: int) -> Emits:
    """End an action that has outlived its time: only the governor does. What it asked for counts as spent, at least."""
    action = state.actions[id_]
    return end(state, id_, action, now, action.reserved)


def end(
    state: State,
    id_: str,
    action: Action,
    now: int,
    cost: float,
    why: tuple[RuleResult, ...] = (),
    *,
    is_cleared: bool = False,
) -> Emits:
    """End an action before its settlement: give the tokens back, say so, leave no candidate on the server."""
    flight.end(state, id_)
    if action.phase != "held":
        book(state, id_, action, cost, now)
    said = verdict(state, action, id_, "expired", why)
    if action.phase not in _SERVED or is_cleared:
        return said
    action.expires_at = now + state.life_ms(action)
    return (*said, commands.rollout(state, id_, action, "abort", is_over=True))
