"""The reports door."""

from collections.abc import Callable
from typing import Any

import pytest

from homeostat.core import Payload, Reject
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    BrakeConfirmed,
    CandidateTrained,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TIMELINE
from intake import ReportsIntake

OF_MODEL: dict[str, Any] = {
    "action": "a",
    "command": "c",
    "kind": "retrain",
    "family": "acme/digits",
    "model": "acme/m1",
}
OF_FAMILY: dict[str, Any] = OF_MODEL | {"kind": "meta_training", "model": None}


@pytest.mark.parametrize(
    ("subject", "data", "logs"),
    [
        ("acme/m1", ActionApplied(**OF_MODEL), [(TIMELINE, None), (GOVERNANCE, "acme")]),
        ("acme/m1", CandidateTrained(**OF_MODEL, arm="cold"), [(TIMELINE, None), (GOVERNANCE, "acme")]),
        ("acme/m1", ActionFailed(**OF_MODEL, reason="braked"), [(TIMELINE, None), (GOVERNANCE, "acme")]),
        ("acme/m1", ActionProgressed(**OF_MODEL, done=0.5), [(TIMELINE, None)]),
        ("acme/digits", ActionFailed(**OF_FAMILY, reason="no_data"), [(GOVERNANCE, "acme")]),
        ("acme/digits", ActionProgressed(**OF_FAMILY, done=0.5, loss=1.5, tasks_per_second=90), [(EXPERIENCE, None)]),
        ("acme/digits", WeightsRejected(action="a", family="acme/digits", reason="worse"), [(EXPERIENCE, None)]),
        (
            "acme/digits",
            WeightsPublished(
                action="a",
                family="acme/digits",
                artifact="0" * 64,
                algorithm="maml",
                loss=1,
                gain=1,
                gain_low=0.5,
                n_tasks=1,
            ),
            [(EXPERIENCE, None)],
        ),
        ("*", BrakeConfirmed(hand="h", log="l", partition=0, freeze="f", scope="*"), [(GOVERNANCE, "*")]),
        ("acme/m1", BrakeConfirmed(hand="h", log="l", partition=0, freeze="f", scope="*"), [(GOVERNANCE, "acme")]),
    ],
)
def test_reports_reach_their_logs(
    knock: Callable[..., Any], subject: str, data: Payload, logs: list[tuple[str, str | None]]
) -> None:
    """Effects go to the model's timeline, all but progress to governance, weights and progress to the family."""
    emits = knock(ReportsIntake, subject).send(data)

    assert [(emit.log, emit.subject) for emit in emits] == logs


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
