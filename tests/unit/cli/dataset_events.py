"""Events that a data set of training runs is made of."""

from typing import Any

from homeostat.core import Event, Payload, Position
from homeostat.core.identity import emit_id, identity
from homeostat.events import (
    Arm,
    CandidateEvaluated,
    CandidateTrained,
    EpisodeRecorded,
    FamilyRegistered,
    IncidentRecorded,
    OutcomeMeasured,
    OutcomeRevised,
    ProfileUpdated,
    Provenance,
    Range,
    RetrainProposed,
    TaskRecorded,
)
from homeostat.events.logs import EXPERIENCE

FAMILY = "team/f"


WINDOW = Range(log="l", subject="team/m", source="/s", first="1.0", last="2.0", from_time=0, rows=80)


def event(n: int, data: Payload, subject: str = FAMILY) -> Event:
    """The n-th event of the log."""
    source = "/homeostat/intake.traces/homeostat.traces/t/0"
    return Event(
        id=emit_id(n),
        source=source,
        type=data.TYPE,
        subject=subject,
        time=1000 * n,
        data=data,
        position=Position(EXPERIENCE, "t", 0, n),
        story=identity(source, emit_id(n)),
        emitter="",
    )


def episode(source: str = "/jobs", **changes: Any) -> EpisodeRecorded:
    """A complete run."""
    fields: dict[str, Any] = {
        "provenance": Provenance(scope="team", source=source, id="1"),
        "episode": "e",
        "task": "a",
        "configuration": "c",
        "model": "team/m",
        "meta_features": {"rows": 10.0},
        "result": 0.9,
        "seconds": 1.0,
        "cost": 0.1,
        "seed": 1,
        "environment": {"python": "3.11"},
    }
    return EpisodeRecorded.model_validate(fields | changes)


def outcome(action: str, arm: str) -> OutcomeMeasured:
    """What came of an action."""
    fields = {"action": action, "kind": "retrain", "model": "team/m", "arm": arm, "state": "promoted"}
    numbers = {"gain": 0.0, "gain_low": 0.0, "gain_high": 0.0, "cost": 0.0, "n_labels": 100}
    return OutcomeMeasured.model_validate(fields | numbers | {"verdict": "gain"})


def payoff(action: str, arm: str, value: float) -> CandidateEvaluated:
    """What an arm was worth."""
    return CandidateEvaluated(
        action=action, model="team/m", arm=arm, version="v", payoff=value, standard_error=0.01, n_labels=100
    )


def registered(*arms: str) -> FamilyRegistered:
    """A family with these arms."""
    return FamilyRegistered(arms=tuple(Arm(name=arm) for arm in arms), baseline=arms[0])


def few_shot(task: str, *, held_out: bool, source: str = "/jobs") -> TaskRecorded:
    """A few-shot task, as it lies on the log of experience."""
    said = Provenance(scope="team", source=source, id="1")
    return TaskRecorded(task=task, n_classes=0, held_out=held_out, provenance=said)


def incident(source: str) -> IncidentRecorded:
    """Something went wrong."""
    return IncidentRecorded(
        incident="i", symptoms=("slow",), provenance=Provenance(scope="team", source=source, id="1")
    )


def action() -> tuple[list[Event], list[Event]]:
    """One from its profile to its revised outcome, and what the governor hears of it."""
    profile = ProfileUpdated(
        model="team/m", version="v0", meta_features={"rise": 0.2}, labels_since_onset=80, window=WINDOW
    )
    described = event(1, profile)
    proposal = RetrainProposed(
        family=FAMILY,
        model="team/m",
        chosen="warm",
        arms=(Arm(name="warm", hyperparameters={"epochs": 3}, propensity=1.0),),
        window=WINDOW,
        evidence=("gone", described.identity),
    )
    proposed = event(2, proposal, "team")
    about: dict[str, Any] = {"action": proposed.identity, "kind": "retrain", "family": FAMILY, "model": "team/m"}
    trained = CandidateTrained(**about, command="c", arm="warm", version="v", loss_curve=(0.5, 0.2), rows=80)
    said = outcome(proposed.identity, "warm")
    revised = OutcomeRevised(**(dict(said) | {"gain": 0.04}))
    experience = [described, event(4, payoff(proposed.identity, "warm", 0.05)), event(5, said), event(6, revised)]
    return experience, [proposed, event(3, trained, "team")]
