"""What `homeostat dataset report` says of a family, and what in it should worry a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

_ONE_SIDED: Final = 0.5
"""Share of the episodes that nothing single should exceed."""
_INCOMPLETE: Final = 0.5
"""Least share of episodes that should carry a field."""
_MISSING: Final = 0.2
"""Share of the episodes that a meta-feature may be missing in."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How something is spread.

    Args:
        n: Different ones.
        effective: How many equally frequent ones would be as diverse (inverse Simpson index); 0 for none.
        most: The most frequent.
        most_ratio: Its share.
    """

    n: int
    effective: float
    most: str
    most_ratio: float

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Shares":
        """Return the spread of counts by name."""
        total = sum(counts.values())
        if not total:
            return cls(0, 0.0, "", 0.0)
        most = min(counts, key=lambda name: (-counts[name], name))
        return cls(len(counts), total * total / sum(n * n for n in counts.values()), most, counts[most] / total)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where a meta-feature has been: smallest and largest value, and the share of episodes without it."""

    low: float
    high: float
    missing_ratio: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was chosen beside the family's non-meta baseline, on the actions in which both have a payoff.

    Args:
        baseline: Name of its arm.
        n_actions: Actions compared.
        chosen: Mean payoff of the arms chosen.
        beside: Mean payoff of the baseline.
        standard_error: Of the difference; 0 for fewer than two.
    """

    baseline: str
    n_actions: int
    chosen: float
    beside: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Report:
    """Of one family.

    Args:
        family: `scope/family`.
        digest: Version of the dataset: sha256 over all that is learned from: runs, arms and their payoffs, outcomes,
            incidents, few-shot tasks, and who is distrusted.
        n_episodes: Training runs that are learned from or held out: of jobs, and arms of actions.
        n_held_out: Of these, reserved for meta-validation.
        n_jobs: Of these, runs of jobs.
        n_own: Of these, arms of actions that were trained and measured: the loop's own episodes.
        n_excluded: Runs, arms, incidents, few-shot tasks and outcomes that rest on a distrusted source.
        n_tasks: Learning tasks that jobs name, and few-shot tasks.
        n_held_out_tasks: Of these, reserved.
        n_configurations: Configurations and arms that were run.
        n_arms: Arms that the family has to choose from.
        n_incidents: Incidents recorded.
        n_outcomes: Actions whose outcome was measured.
        distrusted: Sources, sorted.
        complete: By field: share of the episodes that have it, arms of actions included. `outcome`, `code`: of those
            arms, how many have the outcome of their action, and the digest of what trained them.
        meta_features: By name.
        sources: Of the episodes.
        models: Of the episodes that name one.
        tasks: Of the episodes that name one.
        comparison: With the baseline; None where nothing can be compared.
        label_lag_seconds: Mean over the models of the newest figures; None where unknown.
        problems: What a person should look at, in sentences.
    """

    family: str
    digest: str
    n_episodes: int
    n_held_out: int
    n_jobs: int
    n_own: int
    n_excluded: int
    n_tasks: int
    n_held_out_tasks: int
    n_configurations: int
    n_arms: int
    n_incidents: int
    n_outcomes: int
    distrusted: tuple[str, ...]
    complete: dict[str, float]
    meta_features: dict[str, Coverage]
    sources: Shares
    models: Shares
    tasks: Shares
    comparison: Comparison | None
    label_lag_seconds: float | None
    problems: tuple[str, ...]


def with_problems(report: Report, leaking: Sequence[str], *, is_validated: bool) -> Report:
    """Add what a person should look at.

    Args:
        report: Without problems.
        leaking: Tasks that are both held out and learned from, sorted.
        is_validated: Some learning task is held out, or there is none. Of few-shot tasks the trainer holds some out.
    """
    problems = []
    if leaking:
        problems.append(f"{len(leaking)} tasks are both held out and learned from, for example {leaking[0]}")
    if not is_validated:
        problems.append("no task is held out: nothing can be validated on new tasks")
    for what, spread in (("source", report.sources), ("model", report.models), ("task", report.tasks)):
        if spread.n > 1 and spread.most_ratio > _ONE_SIDED:
            problems.append(f"{spread.most_ratio:.0%} of the episodes come from one {what}, {spread.most}")
    shares = ((name, report.complete.get(name, 1.0)) for name in ("seed", "environment", "code", "cost", "outcome"))
    problems += [f"only {share:.0%} of the episodes have {name}" for name, share in shares if share < _INCOMPLETE]
    gaps = [name for name, coverage in report.meta_features.items() if coverage.missing_ratio > _MISSING]
    if gaps:
        problems.append(f"{len(gaps)} meta-features are often missing, for example {gaps[0]}")
    beside = report.comparison
    if beside is not None and beside.chosen < beside.beside:
        problems.append(
            f"what was chosen paid {beside.chosen:+.4f}, the baseline {beside.baseline} {beside.beside:+.4f}"
        )
    return replace(report, problems=tuple(problems))
