"""The meta-dataset of a family: what there is to learn from, how complete and how one-sided it is."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.cli.dataset_reports import Comparison, Coverage, Report, Shares, with_problems
from homeostat.cli.episodes import episodes
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
)

LABEL_LAG: Final = "label_lag_seconds"
"""Indicator of the time from a prediction to its label."""
_SKIP: Final = "skip"


@dataclass(slots=True)
class _Gathered:
    registered: FamilyRegistered | None = None
    episodes: list[tuple[Event, EpisodeRecorded]] = field(default_factory=list)
    n_incidents: int = 0
    payoffs: dict[str, dict[str, float]] = field(default_factory=dict)
    outcomes: dict[str, OutcomeMeasured] = field(default_factory=dict)
    experience: list[Event] = field(default_factory=list)
    governance: list[Event] = field(default_factory=list)
    lags: dict[str, float] = field(default_factory=dict)


def reports(
    experience: Iterable[Event], indicators: Iterable[Event] = (), governance: Iterable[Event] = ()
) -> list[Report]:
    """Summarise every family that has episodes, payoffs or outcomes, by name.

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
    return [
        _report(name, found)
        for name, found in sorted(families.items())
        if found.episodes or found.payoffs or found.outcomes
    ]


def _gather(found: _Gathered, event: Event) -> None:
    data: Any = event.data
    if isinstance(data, EpisodeRecorded | CandidateEvaluated | OutcomeMeasured | ProfileUpdated):
        found.experience.append(event)
    match data:
        case FamilyRegistered():
            found.registered = data
        case EpisodeRecorded():
            found.episodes.append((event, data))
        case IncidentRecorded():
            found.n_incidents += 1
        case CandidateEvaluated():
            found.payoffs.setdefault(data.action, {_SKIP: 0.0})[data.arm] = data.payoff
        case OutcomeMeasured():  # a revised one takes its place
            found.outcomes[data.action] = data


def _report(family: str, found: _Gathered) -> Report:
    episodes = [data for _, data in found.episodes]
    held_out = {data.task for data in episodes if data.held_out and data.task}
    learned = {data.task for data in episodes if not data.held_out and data.task}
    identities = "\n".join(sorted(event.identity for event, _ in found.episodes))
    sources = Counter(data.provenance.source if data.provenance else event.source for event, data in found.episodes)
    report = Report(
        family=family,
        digest=hashlib.sha256(identities.encode()).hexdigest(),
        n_episodes=len(episodes),
        n_held_out=sum(data.held_out for data in episodes),
        n_own=sum(isinstance(event.data, CandidateEvaluated) for event in found.experience),
        n_tasks=len(held_out | learned),
        n_held_out_tasks=len(held_out),
        n_configurations=len({data.configuration for data in episodes if data.configuration}),
        n_incidents=found.n_incidents,
        n_outcomes=len(found.outcomes),
        complete=_complete(found),
        meta_features=_coverage(episodes),
        sources=Shares.of(sources),
        models=Shares.of(Counter(data.model for data in episodes if data.model)),
        tasks=Shares.of(Counter(data.task for data in episodes if data.task)),
        comparison=_comparison(found),
        label_lag_seconds=sum(found.lags.values()) / len(found.lags) if found.lags else None,
        problems=(),
    )
    return with_problems(report, sorted(held_out & learned))


def _complete(found: _Gathered) -> dict[str, float]:
    whole = list(episodes(found.experience, found.governance))
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
        has["cost"] += one.cost > 0.0
        has["seconds"] += one.seconds > 0.0
    shares = {name: count / n for name, count in has.items()}
    jobs, own = [one for one in whole if one.action is None], [one for one in whole if one.action is not None]
    if jobs:
        shares["seed"] = sum(one.seed is not None for one in jobs) / len(jobs)
    if own:
        shares["outcome"] = sum(one.outcome is not None for one in own) / len(own)
    return shares


def _coverage(episodes: list[EpisodeRecorded]) -> dict[str, Coverage]:
    values: dict[str, list[float]] = {}
    for episode in episodes:
        for name, value in episode.meta_features.items():
            values.setdefault(name, []).append(value)
    n = len(episodes)
    return {name: Coverage(min(seen), max(seen), 1.0 - len(seen) / n) for name, seen in sorted(values.items())}


def _comparison(found: _Gathered) -> Comparison | None:
    if found.registered is None:
        return None
    baseline = found.registered.baseline
    pairs = []
    for action, outcome in found.outcomes.items():
        payoffs = found.payoffs.get(action, {})
        if outcome.arm in payoffs and baseline in payoffs:
            pairs.append((payoffs[outcome.arm], payoffs[baseline]))
    if not pairs:
        return None
    n = len(pairs)
    chosen, beside = (sum(pair[i] for pair in pairs) / n for i in (0, 1))
    squares = sum((a - b - chosen + beside) ** 2 for a, b in pairs)
    error = math.sqrt(squares / (n - 1) / n) if n > 1 else 0.0
    return Comparison(baseline, n, chosen, beside, error)
