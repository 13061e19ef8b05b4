"""What a report holds: models, policies, actions, and what cannot be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeostat_tools.cli.times import iso
from homeostat_tools.value.actions import Action
from homeostat_tools.value.intervals import Estimate
from homeostat_tools.value.rows import Floats


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the history does not say.

    Args:
        what: That cannot be told.
        why: Not.
        todo: What would make it known; empty where nothing would.
    """

    what: str
    why: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """One policy over all rows.

    Args:
        name: Of the policy.
        title: For people.
        error: Mean error per labelled row.
        avoided: Errors avoided per labelled row against the baseline, over all rows that it could answer.
        n_actions: That changed what serves.
        n_gains: Of them, those that paid for certain.
        n_losses: Those that hurt for certain.
        n_trained: Trainings.
        cost: Of the trainings.
        beside: Errors per labelled row that Homeostat avoids against this policy; None of itself, or without it.
        worth: What the avoided errors are worth, with an interval; None where nobody has said what a point is worth.
    """

    name: str
    title: str
    error: float
    avoided: Estimate
    n_actions: int
    n_gains: int
    n_losses: int
    n_trained: int
    cost: float
    worth: tuple[float, float, float] | None
    beside: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        worth = self.worth or (None, None, None)
        return {
            "policy": self.name,
            "title": self.title,
            "error": self.error,
            "judgement": self.avoided.judgement,
            "cannot_tell": self.avoided.reason or None,
            "errors_avoided": self.avoided.mean,
            "errors_avoided_low": self.avoided.low,
            "errors_avoided_high": self.avoided.high,
            "n_labels": self.avoided.n,
            "homeostat_avoids": None if self.beside is None else self.beside.mean,
            "homeostat_avoids_low": None if self.beside is None else self.beside.low,
            "homeostat_avoids_high": None if self.beside is None else self.beside.high,
            "actions": self.n_actions,
            "gains": self.n_gains,
            "losses": self.n_losses,
            "trainings": self.n_trained,
            "cost": self.cost,
            "worth": worth[0],
            "worth_low": worth[1],
            "worth_high": worth[2],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What is drawn of a model; all of (k,).

    Args:
        time: Seconds since the epoch.
        avoided: Errors avoided so far against the baseline, by policy.
        error: Mean error of the labelled rows around, by policy.
    """

    time: Floats
    avoided: Mapping[str, Floats]
    error: Mapping[str, Floats]


@dataclass(slots=True)
class ModelValue:
    """One model.

    Args:
        model: `scope/model`.
        kind: What it answers.
        n_rows: Rows.
        n_labels: Labelled ones.
        first: Seconds of the first row.
        last: Seconds of the last one.
        baseline: Title of the policy that the others are compared with.
        policies: The baseline first.
        actions: Of all policies, in order of time.
        curves: None where no policy could be played.
        unknowns: What cannot be told.
    """

    model: str
    kind: str
    n_rows: int
    n_labels: int
    first: float
    last: float
    baseline: str = ""
    currency: str = ""
    policies: list[PolicySummary] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    curves: Curves | None = None
    unknowns: list[Unknown] = field(default_factory=list)

    def policy(self, name: str) -> PolicySummary | None:
        """Look a policy up."""
        return next((policy for policy in self.policies if policy.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "model": self.model,
            "kind": self.kind,
            "rows": self.n_rows,
            "labels": self.n_labels,
            "from": iso(int(self.first * 1000)),
            "to": iso(int(self.last * 1000)),
            "baseline": self.baseline,
            "currency": self.currency,
            "policies": [policy.as_json() for policy in self.policies],
            "actions": [action.as_json() for action in self.actions],
            "cannot_tell": [{"what": u.what, "why": u.why, "todo": u.todo or None} for u in self.unknowns],
        }


@dataclass(frozen=True, slots=True)
class ValueReport:
    """All of it.

    Args:
        source: Where the history lies.
        models: In order of their names.
        assumptions: What the estimates rest on, sentence by sentence.
        command: That makes the report again.
    """

    source: str
    models: Sequence[ModelValue]
    assumptions: Sequence[str]
    command: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "source": self.source,
            "command": self.command,
            "assumptions": list(self.assumptions),
            "models": [model.as_json() for model in self.models],
        }
