"""Scores every candidate on the same labelled traffic as the champion, and says what an action did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    BillReceived,
    CandidateTrained,
    DeploymentObserved,
    Labels,
    ModelRegistered,
    Rollout,
    Samples,
    SliObserved,
)
from homeostat.events.columns import f8
from homeostat.events.logs import GOVERNANCE, TIMELINE
from outcome_evaluator.following import conclude, look
from outcome_evaluator.inline import join
from outcome_evaluator.judgement import assess, judged
from outcome_evaluator.latency import pair
from outcome_evaluator.settings import EvaluatorSettings
from outcome_evaluator.settling import billed, failed, indicator, saved, settle
from outcome_evaluator.state import Ended, State, Tally, Trial

Floats = NDArray[np.float64]


class OutcomeEvaluator:
    """Canary judgements and measured outcomes, per model.

    A candidate is compared on the rows that it and the reference answered, by request. Labels come with
    `labels.observed`, which has all answers; or inside samples, and then the last requests are remembered
    until every version has answered. Of each request one label counts, the first.
    """

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
                _hear(state, data)
                return state, self._samples(state, event, data)
            case Labels():
                if state.trials or state.followed is not None:
                    _hear(state, data)
                    answers = [(answer.version, f8(answer.prediction)) for answer in data.answers]
                    return state, self._compare(state, event, f8(data.label), answers)
            case ActionApplied():
                return state, self._applied(state, event, data)
            case ActionReverted():
                return state, self._reverted(state, event, data)
            case ActionFailed():
                return state, failed(state, event, data)
            case CandidateTrained():
                state.ledger.trained(data, event)
                return state, (indicator(event, "cost_per_model_day", state.ledger.spent),)
            case BillReceived():
                return state, billed(state, event, data, self.settings)
            case SliObserved():
                if not state.ledger.observe(data, event.time):
                    state.production.observe(data)
            case DeploymentObserved():
                state.production.change()
            case ModelRegistered():
                state.kind, state.hourly_value = data.kind, data.hourly_value
            case _:
                pass
        return state, ()

    def _samples(self, state: State, event: Event, data: Samples) -> tuple[Emit, ...]:
        state.is_inline |= bool(data.label)
        emits: list[Emit] = []
        for trial in list(state.trials.values()):
            if data.role == "canary" and trial.canary == data.version and trial.ended is None:
                trial.exposed += data.n_rows
        measured = [*state.trials.values(), *([state.followed.trial] if state.followed is not None else [])]
        for trial in measured[:1]:  # what is rolling out before what is followed
            if data.latency_seconds:
                seconds = pair(state.latencies, data, trial.reference, self.settings.inline_requests)
                for version, differences in seconds.items():
                    if (tally := trial.tallies.get(version)) is not None:
                        tally.add_latency(differences)
            if state.is_inline:
                found = join(state.rows, data, trial.reference, self.settings.inline_requests)
                if found is not None:
                    emits += self._compare(state, event, found.label, [*found.predictions.items()], found.is_new)
        return tuple(emits)

    def _applied(self, state: State, event: Event, data: ActionApplied) -> tuple[Emit, ...]:
        rollout = data.rollout
        if rollout is None:
            return () if data.band is None else (saved(state, event, self.settings.threshold_minutes, 1),)
        followed = state.followed.trial if state.followed is not None else None
        if not rollout.candidates:  # cleared: the governor has ended it before the horizon
            over = followed is not None and followed.action == data.action
            return self._end_all(state, event) + (conclude(state, event.subject, self.settings) if over else ())
        if all(candidate.version == rollout.champion for candidate in rollout.candidates) and (
            data.action not in state.trials
        ):
            return ()  # only the old champion is left beside it: what is held back is no trial
        emits: tuple[Emit, ...] = ()
        trial = state.trials.get(data.action)
        if trial is None:
            emits = self._end_all(state, event)  # a model serves the candidates of one action at a time
            trial = state.trials[data.action] = _trial_of(data, rollout, event)
        if data.rollout_verb == "promote":
            trial.change = trial.change or state.production.change()
            trial.ended = "promoted"
        elif data.rollout_verb == "abort":
            trial.ended = "aborted"
        elif rollout.step != trial.step:
            trial.step, trial.step_labels, trial.judged = rollout.step, 0, ""
        return emits

    def _reverted(self, state: State, event: Event, data: ActionReverted) -> tuple[Emit, ...]:
        """What was on its way is off; so is a promotion that is still measured, unless it is what one went back to."""
        is_kept = state.followed is not None and state.followed.trial.canary == data.rollout.champion
        ended = () if is_kept else conclude(state, event.subject, self.settings, "aborted")
        state.production.change()
        ended += self._end_all(state, event, "aborted")
        return (*ended, saved(state, event, self.settings.rollback_minutes, 1))

    def _end_all(self, state: State, event: Event, ended: Ended | None = None) -> tuple[Emit, ...]:
        """Settle what is not served any more; a reverted promotion was none."""
        emits: list[Emit] = []
        for trial in list(state.trials.values()):
            if ended is not None and trial.ended != "skipped":
                trial.ended = ended
            emits += settle(state, event, trial, self.settings, is_measured=False)
        return tuple(emits)

    def _compare(
        self,
        state: State,
        event: Event,
        label: Floats,
        answers: list[tuple[str, Floats]],
        is_new: NDArray[np.bool_] | None = None,
    ) -> tuple[Emit, ...]:
        """Score every candidate on rows that the reference answered too.

        Args:
            state: With a trial.
            event: What brought them.
            label: (n,).
            answers: Version and prediction, (n,), NaN where it did not answer; a version may stand there twice.
            is_new: (n,) rows that count for the horizon; all of them if nothing is said.
        """
        errors: dict[str, Floats] = {}
        for version, prediction in answers:
            error, known = error_of(state.kind, prediction, label), errors.get(version)
            errors[version] = error if known is None else np.where(np.isnan(known), error, known)
        emits = [
            *self._follow(state, event, errors)
        ]  # first: a trial that ends with these rows is not followed on them
        for trial in list(state.trials.values()):
            reference = errors.get(trial.reference)
            candidates = [(version, errors[version]) for version in trial.tallies if version in errors]
            if reference is None or not candidates:
                continue
            is_pair = ~np.isnan(reference) & np.any([~np.isnan(error) for _, error in candidates], axis=0)
            trial.n_labels += int((is_pair if is_new is None else is_pair & is_new).sum())
            for version, error in candidates:
                self._score(trial, version, trial.tallies[version], error, reference)
            emits += self._conclude(state, trial, event)
        return tuple(emits)

    def _follow(self, state: State, event: Event, errors: dict[str, Floats]) -> tuple[Emit, ...]:
        """Score a settled promotion on rows that it and the old champion answered."""
        if state.followed is None:
            return ()
        trial = state.followed.trial
        own, other = errors.get(trial.canary or ""), errors.get(trial.reference)
        if own is None or other is None:
            return ()
        both = ~(np.isnan(own) | np.isnan(other))
        trial.after.add((other - own)[both].tolist())
        state.followed.n_left -= int(both.sum())
        return look(state, event.subject, self.settings)

    @staticmethod
    def _score(trial: Trial, version: str, tally: Tally, error: Floats, reference: Floats) -> None:
        both = ~(np.isnan(error) | np.isnan(reference))
        own, other = error[both], reference[both]
        payoff = (other - own).tolist()
        tally.add(payoff)
        if version == trial.canary and trial.ended == "promoted":
            trial.after.add(payoff)
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
        return settle(state, event, trial, self.settings, is_measured=True)


def _hear(state: State, data: Samples | Labels) -> None:
    """Remember who published what is scored."""
    if data.provenance is not None:
        for trial in state.trials.values():
            trial.hear(data.provenance.source)


def error_of(kind: str, prediction: Floats, label: Floats) -> Floats:
    """Error per row in [0, 1]: 0 or 1 of a classifier, relative and capped of a regressor; NaN where one is missing."""
    if kind == "classifier":
        missing = np.isnan(prediction) | np.isnan(label)
        return np.where(missing, np.nan, (prediction != label).astype(np.float64))
    return np.minimum(1.0, np.abs(prediction - label) / (1.0 + np.abs(label)))


def _trial_of(data: ActionApplied, rollout: Rollout, event: Event) -> Trial:
    tallies = {c.version: Tally(c.arm, c.seconds) for c in rollout.candidates}
    arm = tallies[rollout.canary].arm if rollout.canary in tallies else rollout.chosen or "skip"
    return Trial(
        data.action,
        event.story,
        data.family,
        arm,
        rollout.canary,
        rollout.reference,
        rollout.plan,
        tallies,
        rollout.reward_weights,
        rollout.currency,
        Tally(arm, 0.0),
        ended=None if rollout.canary else "skipped",
    )
