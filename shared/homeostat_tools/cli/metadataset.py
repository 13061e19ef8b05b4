"""The meta-dataset of a family: what there is to learn from, how complete and how one-sided it is."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.core import Event
from homeostat.events import (
    ActionProposed,
    CandidateEvaluated,
    CandidateTrained,
    EpisodeRecorded,
    FamilyRegistered,
    IncidentRecorded,
    IndicatorComputed,
    OutcomeMeasured,
    ProfileUpdated,
    SourceDistrusted,
    SourceTrusted,
    TaskRecorded,
)
from homeostat.events.sources import rests_on
from homeostat_tools.cli.dataset_reports import Comparison, Coverage, Report, Shares, with_problems
from homeostat_tools.cli.episodes import Episode, episodes

LABEL_LAG: Final = "label_lag_seconds"
"""Indicator of the time from a prediction to its label."""
_SKIP: Final = "skip"


@dataclass(slots=True)
class _Gathered:
    """Everything of a family, as its logs have it; what a source has said before it was distrusted too."""

    registered: FamilyRegistered | None = None
    runs: list[Event] = field(default_factory=list)
    incidents: list[Event] = field(default_factory=list)
    tasks: dict[str, Event] = field(default_factory=dict)
    payoffs: dict[tuple[str, str], Event] = field(default_factory=dict)
    outcomes: dict[str, Event] = field(default_factory=dict)
    profiles: list[Event] = field(default_factory=list)
    governance: list[Event] = field(default_factory=list)
    distrusted: set[str] = field(default_factory=set)
    lags: dict[str, float] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.payoffs or self.outcomes or self.tasks)


def reports(
    experience: Iterable[Event], indicators: Iterable[Event] = (), governance: Iterable[Event] = ()
) -> list[Report]:
    """Summarise every family that has episodes, payoffs, outcomes or few-shot tasks, by name.

    Args:
        experience: Events of the log of that name, oldest first per family.
        indicators: Events of the log of that name, oldest first per model.
        governance: Events of the log of that name.
    """
    families: dict[str, _Gathered] = {}
    family_of: dict[str, str] = {}
    for event in experience:
        found = families.setdefault(event.subject, _Gathered())
        _gather(found, event)
        if model := getattr(event.data, "model", None):
            family_of[model] = event.subject
    for event in indicators:
        data: Any = event.data
        if isinstance(data, IndicatorComputed) and data.name == LABEL_LAG and data.model in family_of:
            families[family_of[data.model]].lags[data.model] = data.value
    for event in governance:
        if isinstance(event.data, ActionProposed | CandidateTrained) and event.data.family in families:
            families[event.data.family].governance.append(event)
    return [_report(name, found) for name, found in sorted(families.items()) if not found.is_empty]


def _gather(found: _Gathered, event: Event) -> None:
    """Take an event; of a task, an arm's payoff and an action's outcome the last counts."""
    data: Any = event.data
    match data:
        case FamilyRegistered():
            found.registered = data
        case EpisodeRecorded():
            found.runs.append(event)
        case IncidentRecorded():
            found.incidents.append(event)
        case TaskRecorded():
            found.tasks[data.task] = event
        case CandidateEvaluated():
            found.payoffs[data.action, data.arm] = event
        case OutcomeMeasured():
            found.outcomes[data.action] = event
        case ProfileUpdated():
            found.profiles.append(event)
        case SourceDistrusted():
            found.distrusted.add(data.source)
        case SourceTrusted():
            found.distrusted.discard(data.source)


def _sources_of(event: Event) -> Sequence[str]:
    """Who an event rests on."""
    data: Any = event.data
    if isinstance(data, CandidateEvaluated):
        return data.sources
    return (data.provenance.source if data.provenance else event.source,)


def _report(family: str, found: _Gathered) -> Report:
    everything = (*found.runs, *found.incidents, *found.tasks.values(), *found.payoffs.values())
    kept = [event for event in everything if not rests_on(_sources_of(event), found.distrusted)]
    outcomes = _believed_outcomes(found)
    whole = list(episodes([*found.profiles, *kept, *outcomes], found.governance))
    jobs, own = ([one for one in whole if (one.action is None) is is_job] for is_job in (True, False))
    tasks = _tasks(jobs, kept)
    report = Report(
        family=family,
        digest=_digest(found, [*kept, *outcomes]),
        n_episodes=len(whole),
        n_held_out=sum(one.held_out for one in whole),
        n_jobs=len(jobs),
        n_own=len(own),
        n_excluded=len(everything) - len(kept) + len(found.outcomes) - len(outcomes),
        n_tasks=len(tasks),
        n_held_out_tasks=sum(True in sides for sides in tasks.values()),
        n_configurations=len({one.configuration for one in whole if one.configuration}),
        n_arms=len(found.registered.arms) if found.registered is not None else 0,
        n_incidents=sum(isinstance(event.data, IncidentRecorded) for event in kept),
        n_outcomes=len(outcomes),
        distrusted=tuple(sorted(found.distrusted)),
        complete=_complete(jobs, own),
        meta_features=_coverage(jobs) | _coverage(own),
        sources=Shares.of(Counter(source for event in _runs(kept) for source in _sources_of(event))),
        models=Shares.of(Counter(one.model for one in whole if one.model)),
        tasks=Shares.of(Counter(one.task for one in whole if one.task)),
        comparison=_comparison(found, kept),
        label_lag_seconds=sum(found.lags.values()) / len(found.lags) if found.lags else None,
        problems=(),
    )
    is_validated = any(one.held_out for one in jobs) or not any(one.task for one in jobs)
    return with_problems(
        report, sorted(name for name, sides in tasks.items() if len(sides) > 1), is_validated=is_validated
    )


def _believed_outcomes(found: _Gathered) -> list[Event]:
    """Outcomes of arms whose payoff rests on nobody who is distrusted."""
    excluded = {arm for arm, event in found.payoffs.items() if rests_on(_sources_of(event), found.distrusted)}
    return [
        event for action, event in found.outcomes.items() if (action, getattr(event.data, "arm", "")) not in excluded
    ]


def believed(experience: Iterable[Event]) -> list[Event]:
    """Return events of experience without those that rest on a source which is distrusted now, in their family."""
    events, distrusted = list(experience), dict[str, set[str]]()
    for event in events:
        if isinstance(event.data, SourceDistrusted):
            distrusted.setdefault(event.subject, set()).add(event.data.source)
        elif isinstance(event.data, SourceTrusted):
            distrusted.get(event.subject, set()).discard(event.data.source)
    return [
        event
        for event in events
        if not isinstance(event.data, EpisodeRecorded | CandidateEvaluated | IncidentRecorded | TaskRecorded)
        or not rests_on(_sources_of(event), distrusted.get(event.subject, ()))
    ]


def _digest(found: _Gathered, kept: Sequence[Event]) -> str:
    """Version of the dataset: everything that is learned from, and from whom nothing is.

    Runs of jobs, payoffs of arms, incidents and tasks, by identity; outcomes as said last; the arms to choose from, by
    content; the sources that are distrusted.
    """
    arms = [] if found.registered is None else [arm.model_dump(mode="json") for arm in found.registered.arms]
    lines = [
        *(f"{event.type} {event.identity}" for event in kept),
        *(f"arm {json.dumps(arm, sort_keys=True)}" for arm in arms),
        *(f"distrusted {source}" for source in found.distrusted),
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _runs(kept: Iterable[Event]) -> Iterator[Event]:
    return (event for event in kept if isinstance(event.data, EpisodeRecorded | CandidateEvaluated))


def _tasks(jobs: Iterable[Episode], kept: Iterable[Event]) -> Mapping[str, set[bool]]:
    """Learning tasks that jobs name and few-shot tasks, each with the sides it is on: held out or not."""
    found: dict[str, set[bool]] = {}
    for one in jobs:
        if one.task:
            found.setdefault(one.task, set()).add(one.held_out)
    for event in kept:
        if isinstance(event.data, TaskRecorded):
            found.setdefault(f"few-shot {event.data.task}", set()).add(event.data.held_out)
    return found


def _complete(jobs: Sequence[Episode], own: Sequence[Episode]) -> dict[str, float]:
    whole = [*jobs, *own]
    n = len(whole)
    if not n:
        return {}
    has = Counter[str]()
    for one in whole:
        has["task"] += one.task is not None
        has["configuration"] += one.configuration is not None
        has["hyperparameters"] += bool(one.hyperparameters)
        has["meta_features"] += bool(one.meta_features)
        has["loss_curve"] += bool(one.loss_curve)
        has["environment"] += bool(one.environment)
        has["seed"] += one.seed is not None
        has["cost"] += one.cost > 0.0
        has["seconds"] += one.seconds > 0.0
    shares = {name: count / n for name, count in has.items()}
    if own:
        shares["code"] = sum(one.code is not None for one in own) / len(own)
        shares["outcome"] = sum(one.outcome is not None for one in own) / len(own)
    return shares


def _coverage(episodes: Sequence[Episode]) -> dict[str, Coverage]:
    values: dict[str, list[float]] = {}
    for episode in episodes:
        for name, value in episode.meta_features.items():
            values.setdefault(name, []).append(value)
    n = len(episodes)
    return {name: Coverage(min(seen), max(seen), 1.0 - len(seen) / n) for name, seen in sorted(values.items())}


def _comparison(found: _Gathered, kept: Iterable[Event]) -> Comparison | None:
    if found.registered is None:
        return None
    baseline = found.registered.baseline
    payoffs: dict[str, dict[str, float]] = {}
    for event in kept:
        if isinstance(event.data, CandidateEvaluated):
            payoffs.setdefault(event.data.action, {_SKIP: 0.0})[event.data.arm] = event.data.payoff
    pairs = []
    for action, said in found.outcomes.items():
        outcome, of_action = said.data, payoffs.get(action, {})
        assert isinstance(outcome, OutcomeMeasured)
        if outcome.arm in of_action and baseline in of_action:
            pairs.append((of_action[outcome.arm], of_action[baseline]))
    if not pairs:
        return None
    n = len(pairs)
    chosen, beside = (sum(pair[i] for pair in pairs) / n for i in (0, 1))
    squares = sum((a - b - chosen + beside) ** 2 for a, b in pairs)
    error = math.sqrt(squares / (n - 1) / n) if n > 1 else 0.0
    return Comparison(baseline, n, chosen, beside, error)
