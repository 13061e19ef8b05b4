"""The reports door."""

from collections.abc import Callable
from typing import Any

import pytest

from homeostat.core import Payload, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    BrakeConfirmed,
    CandidateTrained,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import GOVERNANCE
from homeostat.services.intake.reports import ReportsIntake

OF_MODEL: dict[str, Any] = {
    "action": "a",
    "command": "c",
    "kind": "retrain",
    "family": "acme/digits",
    "model": "acme/m1",
}
OF_FAMILY: dict[str, Any] = OF_MODEL | {"kind": "meta_training", "model": None}


PUBLISHED = WeightsPublished(
    action="a", family="acme/digits", artifact="0" * 64, algorithm="maml", loss=1, gain=1, gain_low=0.5, n_tasks=1
)


@pytest.mark.parametrize(
    ("subject", "data"),
    [
        ("acme/m1", ActionApplied(**OF_MODEL)),
        ("acme/m1", CandidateTrained(**OF_MODEL, arm="cold")),
        ("acme/m1", ActionFailed(**OF_MODEL, reason="braked")),
        ("acme/m1", ActionProgressed(**OF_MODEL, done=0.5)),
        ("acme/digits", ActionFailed(**OF_FAMILY, reason="no_data")),
        ("acme/digits", ActionProgressed(**OF_FAMILY, done=0.5, loss=1.5, tasks_per_second=90)),
        ("acme/digits", WeightsRejected(action="a", family="acme/digits", reason="worse")),
        ("acme/digits", PUBLISHED),
        ("*", BrakeConfirmed(hand="h", log="l", partition=0, freeze="f", scope="*")),
        ("acme/m1", BrakeConfirmed(hand="h", log="l", partition=0, freeze="f", scope="*")),
    ],
)
def test_reports_reach_the_governor_alone(knock: Callable[..., Any], subject: str, data: Payload) -> None:
    """Whoever can write to the door has no say: the governor knows whose signature counts."""
    emits = knock(ReportsIntake, subject).send(data)

    assert [(emit.log, emit.subject or subject) for emit in emits] == [(GOVERNANCE, scope_of(subject))]


@pytest.mark.parametrize(
    ("subject", "data", "reason"),
    [
        ("acme/m2", ActionApplied(**OF_MODEL), "subject_mismatch"),
        ("acme/m1", ActionApplied(**OF_FAMILY), "subject_mismatch"),
        ("acme/other", WeightsRejected(action="a", family="acme/digits", reason="worse"), "subject_mismatch"),
        ("acme/m1", ActionApplied(**OF_MODEL | {"family": "other/digits"}), "scope_mismatch"),
        ("acme", ActionApplied(**OF_MODEL), "subject_invalid"),
    ],
)
def test_report_under_another_key_is_refused(
    knock: Callable[..., Any], subject: str, data: Payload, reason: str
) -> None:
    """A report's key is its target."""
    with pytest.raises(Reject) as refusal:
        knock(ReportsIntake, subject).send(data)

    assert refusal.value.reason == reason
