"""What cannot be trained is reported, arm by arm, and leaves the rest."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.unit.retrain_actuator.training_driver import ROWS, arms, run

from homeostat.core import Event, Reject, Retry
from homeostat.events import ActionFailed, Arm, CandidateTrained, Plan
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows

MakeCommand = Callable[..., Event]


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        ("bad", "converge"),
        ("nan", "not finite"),
        ("lost", "no usable weights"),
        ("crash", "ended with"),
        ("slow", "cannot be"),
        ("steep", "cannot be"),
        ("large", "cannot be"),
    ],
)
def test_an_arm_that_fails_leaves_the_others(
    hand: Callable[..., RetrainActuator], command: MakeCommand, arm: str, why: str
) -> None:
    """Whatever one arm does, the others are trained; the action has not failed."""
    reports = run(hand().start(command("first", arm, "last")))

    found = arms(reports)
    assert why in found.pop(arm)
    assert found == {"first": "", "last": ""}
    assert not any(isinstance(report.data, ActionFailed) for report in reports)


def test_a_failed_arm_has_no_version(hand: Callable[..., RetrainActuator], command: MakeCommand) -> None:
    """Neither version nor artifact, so that nobody can roll it out."""
    data = run(hand().start(command("bad", "warm")))[0].data

    assert isinstance(data, CandidateTrained)
    assert (data.version, data.artifact) == (None, None)


@pytest.mark.parametrize(
    ("names", "changes", "answer", "reason"),
    [
        (("bad", "nan"), {}, ROWS, "all_arms_failed"),
        (("warm",), {"plan": Plan(recipe="other")}, ROWS, "all_arms_failed"),
        (("warm",), {"champion_artifact": "0" * 64}, ROWS, "all_arms_failed"),
        ((), {}, ROWS, "all_arms_failed"),
        (("warm",), {}, (np.empty((0, 0), np.float32), np.empty(0)), "no_data"),
        (("warm",), {}, Retry("the end cannot be seen"), "no_data"),
        (("warm",), {}, Reject("id_invalid", "not a range"), "no_data"),
    ],
)
def test_without_any_arm_the_action_has_failed(
    hand: Callable[..., RetrainActuator],
    command: MakeCommand,
    names: tuple[str, ...],
    changes: dict[str, object],
    answer: Rows | Exception,
    reason: str,
) -> None:
    """After the arms comes one `action.failed` with a stable reason."""
    reports = run(hand(answer).start(command(*names, **changes)))

    assert list(arms(reports)) == list(names)
    last = reports[-1].data
    assert isinstance(last, ActionFailed)
    assert last.reason == reason
    assert last.detail


def test_missing_initial_weights_fail_their_arm_only(
    hand: Callable[..., RetrainActuator], command: MakeCommand
) -> None:
    """An arm without weights to start from is no reason to stop the others."""
    reports = run(hand().start(command(Arm(name="maml", initial_weights="0" * 64), "warm")))

    found = arms(reports)
    assert "artifact_missing" in found["maml"]
    assert found["warm"] == ""


def test_data_that_is_late_is_waited_for(hand: Callable[..., RetrainActuator], command: MakeCommand) -> None:
    """A range whose end cannot be seen yet is asked for again."""
    reports = run(hand(Retry("not yet"), Retry("not yet"), ROWS).start(command("warm")))

    assert arms(reports) == {"warm": ""}
