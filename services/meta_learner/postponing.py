"""A proposal that a rule denies for the time being is postponed: it is made again, with what is known by then.

A cooldown says itself how long it lasts. For what may end any time (a freeze, a slot, a budget) it is asked again with
the next profile, or after a minute, and at ever longer intervals up to an hour, as long as the drift is open; and at
once when the rules change.
"""

from typing import Final

from homeostat.core import Event
from homeostat.events import RuleResult, VerdictGiven
from homeostat.events.governance import PASSING_RULES
from homeostat.services.meta_learner.state import Postponed, State

_COOLDOWN: Final = "cooldown"
_OF_A_MOMENT: Final = frozenset({"known_model", "data_window"})
"""Rules that the next profile answers: it speaks of the champion of then, and of more rows."""

_FIRST_MS: Final = 60_000
_LONGEST_MS: Final = 3_600_000


def failing(verdict: VerdictGiven) -> dict[str, RuleResult]:
    """Return the rules that have denied it, by name."""
    return {result.rule: result for result in verdict.rules if not result.passed}


def wait_ms(verdict: VerdictGiven, n_denied: int) -> int | None:
    """Return after how long it is to be asked again; None if time alone changes nothing, or if a person said no.

    Args:
        verdict: That denied it.
        n_denied: How often it was denied before.
    """
    denied_by = failing(verdict)
    if not denied_by or not denied_by.keys() <= PASSING_RULES:
        return None
    is_only_cooling = denied_by.keys() == {_COOLDOWN}
    return max(cooling_ms(verdict), 0 if is_only_cooling else min(_FIRST_MS << min(n_denied, 6), _LONGEST_MS))


def cooling_ms(verdict: VerdictGiven) -> int:
    """Return what is left of the cooldown: before that it is denied for certain."""
    result = failing(verdict).get(_COOLDOWN)
    return 0 if result is None else max(0, int(result.limit) - int(result.value))


def is_of_the_moment(verdict: VerdictGiven) -> bool:
    """Say whether the same question may be asked with the next profile, without twice the labels."""
    denied_by = failing(verdict).keys()
    return bool(denied_by) and denied_by <= PASSING_RULES | _OF_A_MOMENT


def denied(state: State, event: Event, verdict: VerdictGiven) -> None:
    """Take a retrain back that was denied: the model is asked about again when the rules may let it pass."""
    model = state.models.get(verdict.model or "")
    if model is None or model.look is None or verdict.action != model.asked:
        return
    look, model.look = model.look, None
    if not is_of_the_moment(verdict) or look.story != model.drift:
        return
    model.decided_labels = model.decided_before
    wait = wait_ms(verdict, model.n_denied)
    model.n_denied += 1
    if wait is not None:
        cooled_at = event.time + cooling_ms(verdict)
        state.postponed[verdict.model or ""] = Postponed(look, event.time + wait, cooled_at)


def denied_training(state: State, event: Event, verdict: VerdictGiven) -> None:
    """Take a meta-training back that was denied: its tasks count again."""
    tasks = state.tasks
    if verdict.action != tasks.open_action:
        return
    tasks.open_action = ""
    wait = wait_ms(verdict, tasks.n_denied) if verdict.verdict == "denied" else None
    if wait is not None:
        tasks.ask_again()
        tasks.again_at = event.time + wait
        tasks.n_denied += 1


def release(state: State, now: int) -> None:
    """Let everything be asked again that waits: the rules have changed."""
    for postponed in state.postponed.values():
        postponed.until = postponed.cooled_at = min(postponed.until, now)
    if state.tasks.again_at is not None:
        state.tasks.again_at = min(state.tasks.again_at, now)


def next_at(state: State) -> int | None:
    """Return when the first of them is due, ms; None if nothing waits."""
    times = [postponed.until for postponed in state.postponed.values()]
    if state.tasks.again_at is not None:
        times.append(state.tasks.again_at)
    return min(times, default=None)
