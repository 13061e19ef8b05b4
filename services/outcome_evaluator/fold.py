"""Scores every candidate on the same labelled traffic as the champion, and says what an action did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    BillReceived,
    CandidateTrained,
    ClockTicked,
    DeploymentObserved,
    Labels,
    ModelRegistered,
    Rollout,
    Samples,
    SliObserved,
)
from homeostat.events.columns import f8
from homeostat.events.logs import GOVERNANCE, TIMELINE
from homeostat.services.outcome_evaluator.following import conclude, look
from homeostat.services.outcome_evaluator.inline import join
from homeostat.services.outcome_evaluator.judgement import assess, judged
from homeostat.services.outcome_evaluator.latency import pair
from homeostat.services.outcome_evaluator.origins import remember, said_by
from homeostat.services.outcome_evaluator.scoring import score
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.settling import billed, failed, saved, settle, trained
from homeostat.services.outcome_evaluator.state import Ended, State, Tally, Trial
from homeostat.stats.error import ErrorScale, Unit, error_of

Floats = NDArray[np.float64]


class OutcomeEvaluator:
    """Canary judgements and measured outcomes, per model.

    A candidate is compared on the rows that it and the reference answered, by request. Labels come with
    `labels.observed`, which has all answers; or inside samples, and then the last requests are remembered
    until every version has answered. Each request counts once: a label that is corrected later corrects the payoffs,
    and is no new evidence for or against the canary. Synthetic rows are not compared.
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
        """When a canary that has its labels has soaked for long enough; the governor ends what gets no labels."""
        return state.soaked_at

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of the timeline in."""
        data: Any = event.data
        match data:
            case Samples():
                return state, self._samples(state, event, data)
            case Labels():
                unit = state.unit_of(data)
                if state.measured:
                    answers = [(answer.version, f8(answer.prediction)) for answer in data.answers]
                    by = said_by(data.provenance)
                    return state, self._compare(state, event, data.request, f8(data.label), unit, answers, by)
            case ActionApplied():
                return state, self._applied(state, event, data)
            case ActionReverted():
                return state, self._reverted(state, event, data)
            case ActionFailed():
                return state, failed(state, event, data)
            case CandidateTrained():
                return state, trained(state, event, data)
            case BillReceived():
                return state, billed(state, event, data, self.settings)
            case SliObserved():
                if not state.ledger.observe(data, event.time):
                    state.production.observe(data)
            case ClockTicked():
                return state, self._soaked(state, event)
            case DeploymentObserved():
                state.production.serve(data.version)
            case ModelRegistered():
                if data.kind != state.kind:
                    state.error_scale = ErrorScale()
                state.kind, state.hourly_value = data.kind, data.hourly_value
                state.production.serving = state.production.serving or data.champion
            case _:
                pass
        return state, ()

    def _samples(self, state: State, event: Event, data: Samples) -> tuple[Emit, ...]:
        state.is_inline |= bool(data.label)
        if data.label:
            state.unit_of(data)
        measured = state.measured
        if measured:
            remember(state.origins, data, self.settings.scored_requests)
        if data.is_synthetic:
            return ()
        emits: list[Emit] = []
        for trial in state.trials.values():
            if data.role == "canary" and trial.canary == data.version and trial.ended is None:
                trial.exposed += data.n_rows
        for trial in measured[:1]:  # what is rolling out before what is followed
            if data.latency_seconds:
                seconds = pair(state.latencies, data, trial.reference, self.settings.inline_requests)
                for version, differences in seconds.items():
                    if (tally := trial.tallies.get(version)) is not None:
                        tally.add_latency(differences)
            if state.is_inline:
                found = join(state.rows, data, trial.reference, self.settings.inline_requests)
                if found is not None:
                    answers = [*found.predictions.items()]
                    emits += self._compare(state, event, found.request, found.label, state.unit, answers)
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
            trial.change = trial.change or state.production.serve(rollout.champion)
            trial.ended = "promoted"
        elif data.rollout_verb == "abort":
            trial.ended = "aborted"
        elif rollout.step != trial.step:
            trial.step, trial.step_labels, trial.judged = rollout.step, 0, ""
            trial.step_at, trial.is_soaked = event.time, False
        return emits

    def _reverted(self, state: State, event: Event, data: ActionReverted) -> tuple[Emit, ...]:
        """What was on its way is off; so is a promotion that is still measured, unless it is what one went back to."""
        is_kept = state.followed is not None and state.followed.trial.canary == data.rollout.champion
        ended = () if is_kept else conclude(state, event.subject, self.settings, "aborted")
        state.production.serve(data.rollout.champion)
        # A canary that is still out goes back by this revert: its action counts it.
        is_counted = any(trial.canary and trial.ended != "aborted" for trial in state.trials.values())
        ended += self._end_all(state, event, "aborted")
        return ended if is_counted else (*ended, saved(state, event, self.settings.rollback_minutes, 1))

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
        requests: list[str],
        label: Floats,
        unit: Unit,
        answers: list[tuple[str, Floats]],
        source: str = "",
    ) -> tuple[Emit, ...]:
        """Score every candidate on rows that the reference answered too.

        Args:
            state: With a trial.
            event: What brought them.
            requests: Ids of the rows, n.
            label: (n,).
            unit: Of their errors; rows without one are not scored.
            answers: Version and prediction, (n,), NaN where it did not answer; a version may stand there twice.
            source: Who published the labels, if not the answers' own publisher.
        """
        errors: dict[str, Floats] = {}
        for version, prediction in answers:
            error, known = error_of(prediction, label, unit), errors.get(version)
            errors[version] = error if known is None else np.where(np.isnan(known), error, known)
        limit = max(self.settings.scored_requests, 2 * len(state.rows))  # a version may still answer those
        emits: list[Emit] = []
        if state.followed is not None:  # first: a trial that ends with these rows is not followed on them
            trial, n_before = state.followed.trial, state.followed.trial.after.n
            both = {version: errors[version] for version in (trial.canary, trial.reference) if version in errors}
            score(trial, requests, both, state.origins, source, limit)
            state.followed.n_left -= trial.after.n - n_before
            if trial.after.n > n_before:
                emits += look(state, event.subject, self.settings)
        for trial in list(state.trials.values()):
            n_new = score(trial, requests, errors, state.origins, source, limit)
            if n_new is not None:
                trial.n_labels += n_new
                emits += self._conclude(state, trial, event)
        return tuple(emits)

    def _soaked(self, state: State, event: Event) -> tuple[Emit, ...]:
        """Time has passed: judge what waited for nothing else."""
        emits: list[Emit] = []
        for trial in list(state.trials.values()):
            if trial.soaked_at is not None and trial.soaked_at <= event.time:
                trial.is_soaked = True
                emits += self._conclude(state, trial, event)
        return tuple(emits)

    def _conclude(self, state: State, trial: Trial, event: Event) -> tuple[Emit, ...]:
        if trial.ended is None:
            judgement = assess(trial, self.settings, event.time)
            if judgement is None or judgement == trial.judged:
                return ()
            trial.judged = judgement
            said = judged(trial, event.subject, judgement, self.settings)
            return (Emit(GOVERNANCE, said, scope_of(event.subject), trial.story),)
        if trial.n_labels < trial.plan.horizon_labels:
            return ()
        return settle(state, event, trial, self.settings, is_measured=True)


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
        kind=rollout.kind,
    )
