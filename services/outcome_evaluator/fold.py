"""Scores every candidate on the same labelled traffic as the champion, and says what an action did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Emit, Event
from homeostat.events import ActionApplied, ActionFailed, Labels, ModelRegistered, Samples
from homeostat.events.columns import f8
from homeostat.events.logs import GOVERNANCE, TIMELINE
from outcome_evaluator.judgement import assess, judged
from outcome_evaluator.outcome import failed, settle
from outcome_evaluator.settings import EvaluatorSettings
from outcome_evaluator.state import State, Tally, Trial

Floats = NDArray[np.float64]


class OutcomeEvaluator:
    """Canary judgements and measured outcomes, per model."""

    name = "outcome_evaluator"
    log: str = TIMELINE
    is_door = False

    def __init__(self, settings: EvaluatorSettings | None = None) -> None:
        self.settings = settings or EvaluatorSettings()

    def unit(self, subject: str) -> str:
        """One state per model."""
        return subject

    def initial(self, subject: str) -> State:
        """No trial."""
        return State()

    def state_type(self) -> type[State]:
        """State."""
        return State

    def wake_at(self, state: State) -> int | None:
        """Never: only labels end a trial, and the governor ends what gets none."""
        return None

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of the timeline in."""
        data: Any = event.data
        match data:
            case Samples():
                if state.trials and data.role == "canary":
                    for trial in state.trials.values():
                        trial.exposed += data.n_rows if trial.canary == data.version and trial.ended is None else 0
            case Labels():
                if state.trials:
                    return state, self._labelled(state, event, data)
            case ActionApplied():
                return state, self._applied(state, event, data)
            case ActionFailed():
                if data.kind == "retrain":
                    return state, failed(state.trials.pop(data.action, None), data, event)
            case ModelRegistered():
                state.family = f"{event.subject.partition('/')[0]}/{data.family}"
                state.kind = data.kind
            case _:
                pass
        return state, ()

    def _applied(self, state: State, event: Event, data: ActionApplied) -> tuple[Emit, ...]:
        rollout = data.rollout
        if rollout is None:
            return ()
        trial = state.trials.get(data.action)
        if not rollout.candidates:  # cleared: the governor has ended it before the horizon
            if trial is None:
                return ()
            del state.trials[data.action]
            trial.ended = trial.ended or "expired"
            return settle(trial, event.subject, self.settings)
        if trial is None:
            by_version = {c.version: Tally(c.arm, c.seconds) for c in rollout.candidates}
            chosen = by_version[rollout.canary].arm if rollout.canary in by_version else "skip"
            trial = Trial(
                data.action,
                event.story,
                data.family,
                chosen,
                rollout.canary,
                rollout.reference,
                rollout.plan,
                by_version,
                ended=None if rollout.canary else "skipped",
            )
            state.trials[data.action] = trial
        if data.rollout_verb == "promote":
            trial.ended = "promoted"
        elif data.rollout_verb == "abort":
            trial.ended = "aborted"
        elif rollout.step != trial.step:
            trial.step, trial.step_labels, trial.judged = rollout.step, 0, ""
        return ()

    def _labelled(self, state: State, event: Event, data: Labels) -> tuple[Emit, ...]:
        errors = self._errors(state.kind, data)
        emits: list[Emit] = []
        for trial in list(state.trials.values()):
            reference = errors.get(trial.reference)
            if reference is None:
                continue
            known = ~np.isnan(reference)
            trial.n_labels += int(known.sum())
            for version, tally in trial.tallies.items():
                if version in errors:
                    self._score(trial, version, tally, errors[version], reference)
            emits += self._conclude(state, trial, event)
        return tuple(emits)

    @staticmethod
    def _errors(kind: str, data: Labels) -> dict[str, Floats]:
        """Error of each version per row in [0, 1], NaN where it did not answer."""
        label = f8(data.label)
        errors: dict[str, Floats] = {}
        for answer in data.answers:
            prediction = f8(answer.prediction)
            if kind == "classifier":
                error = np.where(np.isnan(prediction), np.nan, (prediction != label).astype(np.float64))
            else:
                error = np.minimum(1.0, np.abs(prediction - label) / (1.0 + np.abs(label)))
            known = errors.get(answer.version)
            errors[answer.version] = error if known is None else np.where(np.isnan(known), error, known)
        return errors

    @staticmethod
    def _score(trial: Trial, version: str, tally: Tally, error: Floats, reference: Floats) -> None:
        both = ~(np.isnan(error) | np.isnan(reference))
        own, other = error[both], reference[both]
        payoff = (other - own).tolist()
        tally.n += len(payoff)
        for value in payoff:  # in order: the sum has the same bits everywhere
            tally.total += value
            tally.squares += value * value
        if version == trial.canary and trial.ended is None:
            wrong, champion_wrong = (own >= 0.5).astype(np.int64), (other >= 0.5).astype(np.int64)
            trial.test = trial.test.observe(wrong, champion_wrong)
            trial.canary_errors += int(wrong.sum())
            trial.reference_errors += int(champion_wrong.sum())
            trial.step_labels += len(payoff)

    def _conclude(self, state: State, trial: Trial, event: Event) -> tuple[Emit, ...]:
        if trial.ended is None:
            judgement = assess(trial, self.settings)
            if judgement is None or judgement == trial.judged:
                return ()
            trial.judged = judgement
            said = judged(trial, event.subject, judgement, self.settings)
            return (Emit(GOVERNANCE, said, event.subject.partition("/")[0], trial.story),)
        if trial.n_labels < trial.plan.horizon_labels:
            return ()
        del state.trials[trial.action]
        return settle(trial, event.subject, self.settings)
