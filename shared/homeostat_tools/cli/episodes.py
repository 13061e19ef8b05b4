"""Whole episodes: one for each run of a training job, and one for each arm that an action of ours has trained.

The log holds an episode in pieces, because each is said by whoever knows it: the proposal has the settings, the hand
the curve and the time, the evaluator the payoff, and later the outcome, as often as it is revised. Here they are put
together by action and arm.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from homeostat.core import Event
from homeostat.events import (
    ActionProposed,
    CandidateEvaluated,
    CandidateTrained,
    EpisodeRecorded,
    OutcomeMeasured,
    ProfileUpdated,
)
from homeostat.events.base import Range, Scalar
from homeostat.stats.held_out import is_held_out


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the action, as said last.

    Args:
        state: How it ended.
        verdict: In business terms.
        gain: Per labelled row, of what serves since.
        gain_low: Lower end of the 90 % interval.
        gain_high: Upper end.
        is_chosen: This arm was the one rolled out.
        is_final: Nothing but a bill will revise it.
    """

    state: str
    verdict: str
    gain: float
    gain_low: float
    gain_high: float
    is_chosen: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """One training run with all that is known of it.

    Args:
        episode: Id: of the job's run, or action and arm.
        family: `scope/family`.
        action: Action of ours that it was part of; None for a job's run.
        task: Learning task: of the job, or the story of the drift.
        model: That it trained, if known.
        configuration: What was run, or the arm.
        hyperparameters: As run.
        initial_weights: Artifact it started from.
        window: Rows that an arm was trained on.
        meta_features: Of the task.
        rows: Number of rows it was trained on.
        loss_curve: Loss per report.
        metric: Of `result`.
        result: Of a job's run; an arm's payoff against the champion, per labelled row.
        seconds: Training time.
        cost: Money.
        environment: Versions of code, libraries and hardware.
        code: Digest of the recipe that trained an arm; a job says it in its environment, if it does.
        seed: Of the run.
        held_out: Reserved for meta-validation: a job says so, of an action of ours its identity does (as long as the
            learner's share of them is the default).
        outcome: What came of it where it was deployed; None until then.
    """

    episode: str
    family: str
    action: str | None
    task: str | None
    model: str | None
    configuration: str | None
    hyperparameters: dict[str, Scalar]
    initial_weights: str | None
    window: Range | None
    meta_features: dict[str, float]
    rows: int
    loss_curve: tuple[float, ...]
    metric: str
    result: float
    seconds: float
    cost: float
    environment: dict[str, str]
    code: str | None
    seed: int | None
    held_out: bool
    outcome: Outcome | None


@dataclass(slots=True)
class _Pieces:
    proposed: dict[str, tuple[Event, ActionProposed]] = field(default_factory=dict)
    trained: dict[tuple[str, str], CandidateTrained] = field(default_factory=dict)
    profiles: dict[str, dict[str, float]] = field(default_factory=dict)
    evaluated: list[tuple[Event, CandidateEvaluated]] = field(default_factory=list)
    recorded: list[tuple[Event, EpisodeRecorded]] = field(default_factory=list)
    outcomes: dict[str, OutcomeMeasured] = field(default_factory=dict)


def episodes(experience: Iterable[Event], governance: Iterable[Event]) -> Iterator[Episode]:
    """Put the episodes together: those of jobs in the order of the log, then those of our actions.

    Args:
        experience: Events of the log of that name, oldest first per family.
        governance: Events of the log of that name.
    """
    pieces = _Pieces()
    for event in (*governance, *experience):
        data: Any = event.data
        match data:
            case ActionProposed():
                pieces.proposed[event.identity] = (event, data)
            case CandidateTrained():
                pieces.trained[data.action, data.arm] = data
            case ProfileUpdated():
                pieces.profiles[event.identity] = data.meta_features
            case CandidateEvaluated():
                pieces.evaluated.append((event, data))
            case EpisodeRecorded():
                pieces.recorded.append((event, data))
            case OutcomeMeasured():  # a revised one takes its place
                pieces.outcomes[data.action] = data
    for event, run in pieces.recorded:
        yield _of_job(event, run)
    for event, payoff in pieces.evaluated:
        yield _of_action(event, payoff, pieces)


def _of_job(event: Event, run: EpisodeRecorded) -> Episode:
    return Episode(
        episode=run.episode,
        family=event.subject,
        action=None,
        task=run.task,
        model=run.model,
        configuration=run.configuration,
        hyperparameters=run.hyperparameters,
        initial_weights=run.initial_weights,
        window=None,
        meta_features=run.meta_features,
        rows=run.rows,
        loss_curve=run.loss_curve,
        metric=run.metric,
        result=run.result,
        seconds=run.seconds,
        cost=run.cost,
        environment=run.environment,
        code=None,
        seed=run.seed,
        held_out=run.held_out,
        outcome=None,
    )


def _of_action(event: Event, payoff: CandidateEvaluated, pieces: _Pieces) -> Episode:
    _, proposal = pieces.proposed.get(payoff.action, (None, None))
    arm = next((arm for arm in proposal.arms if arm.name == payoff.arm), None) if proposal is not None else None
    evidence = proposal.evidence if proposal is not None else ()
    trained = pieces.trained.get((payoff.action, payoff.arm))
    said = pieces.outcomes.get(payoff.action)
    return Episode(
        episode=f"{payoff.action} {payoff.arm}",
        family=event.subject,
        action=payoff.action,
        task=str(event.story),
        model=payoff.model,
        configuration=payoff.arm,
        hyperparameters=arm.hyperparameters if arm is not None else {},
        initial_weights=arm.initial_weights if arm is not None else None,
        window=proposal.window if proposal is not None else None,
        meta_features=next((pieces.profiles[e] for e in reversed(evidence) if e in pieces.profiles), {}),
        rows=trained.rows if trained is not None else 0,
        loss_curve=trained.loss_curve if trained is not None else (),
        metric="payoff",
        result=payoff.payoff,
        seconds=payoff.seconds,
        cost=payoff.money,
        environment={} if trained is None else {"instance": trained.instance, **(trained.environment or {})},
        code=None if trained is None else trained.code,
        seed=None if trained is None else trained.seed,
        held_out=is_held_out(payoff.action),
        outcome=None if said is None else _outcome(said, payoff.arm),
    )


def _outcome(said: OutcomeMeasured, arm: str) -> Outcome:
    return Outcome(
        said.state, said.verdict, said.gain, said.gain_low, said.gain_high, said.arm == arm, is_final=said.is_final
    )
