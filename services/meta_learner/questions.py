"""Questions of training jobs, answered at once; but not before a new family has heard the rules that are in force.

The first trace of a family announces it to the governor, which tells it rules and prices. What is asked in the same
breath waits for these, for as long as that takes, and no longer than some seconds.
"""

from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import AdviceRequested
from homeostat.events.logs import INDICATORS
from homeostat.services.meta_learner import advice
from homeostat.services.meta_learner.state import Question, State

_PATIENCE_MS: Final = 5_000
_MOST: Final = 64
"""Questions that wait; further ones are answered at once."""

Emits = tuple[Emit, ...]


def announced(state: State, now: int) -> None:
    """The governor has been told of the family: wait for what it says, unless it has spoken before."""
    if not state.has_rules:
        state.rules_until = now + _PATIENCE_MS


def ask(state: State, event: Event, data: AdviceRequested) -> Emits:
    """Answer a question, or keep it until the rules have come."""
    question = Question(event.identity, event.story, data)
    if state.rules_until is not None and len(state.questions) < _MOST:
        state.questions.append(question)
        return ()
    return (_answer(state, question),)


def release(state: State, now: int | None = None) -> Emits:
    """Answer what has waited: the rules have come, or, at a time, they have not come for too long.

    An answer belongs to the story of its question, whatever led to it.
    """
    if now is not None and (state.rules_until is None or state.rules_until > now):
        return ()
    state.rules_until, waiting = None, state.questions
    state.questions = []
    return tuple(_answer(state, question) for question in waiting)


def _answer(state: State, question: Question) -> Emit:
    given = advice.answer(state.advice, question.identity, question.request, state.rules)
    return Emit(INDICATORS, given, story=question.story)
