"""From a rollout command to its report."""

from collections.abc import Callable

import pytest

from homeostat.core import Event, Reject, Report, Retry
from homeostat.core.hand import CommandExecution
from homeostat.core.identity import sequence_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    Candidate,
    Command,
    RetrainStart,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
)
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.services.rollout_actuator.targets.base import deployment_of
from homeostat.serving import Deployment

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
CommandEvent = Callable[..., Event]


class Recorded:
    """A target that remembers, or raises what it is told to."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers, self.seen = list(answers), list[tuple[str, Deployment]]()

    def apply(self, model: str, deployment: Deployment) -> bool:
        self.seen.append((model, deployment))
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """Time that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def rollout(class_: type[Rollout], **changes: object) -> Rollout:
    fields: dict[str, object] = {
        "action": "/homeostat/meta_learner/x#1.0",
        "verdict": "v",
        "family": "dock/cameras",
        "model": "dock/camera-1",
        "expires_at": 10_000,
        "champion": "old",
        "champion_artifact": A,
        "reference": "old",
        "reference_artifact": A,
        "canary": "warm-1",
        "weight": 0.1,
        "candidates": (
            Candidate(arm="warm", version="warm-1", artifact=B),
            Candidate(arm="scratch", version="scratch-1", artifact=C),
        ),
        "step": 0,
    }
    return class_.model_validate(fields | changes)


def reports(task: CommandExecution | None) -> list[Report]:
    assert task is not None
    return list(task.poll())


@pytest.mark.parametrize(
    ("class_", "verb"), [(RolloutSet, "set"), (RolloutPromote, "promote"), (RolloutAbort, "abort")]
)
def test_an_effect_is_reported_with_the_whole_state(
    command_event: CommandEvent, class_: type[Rollout], verb: str
) -> None:
    """`action.applied` names action, command and verb and carries the state that was set."""
    sent = rollout(class_)
    command = command_event(sent)

    task = RolloutActuator(Recorded()).start(command)

    (report,) = reports(task)
    assert isinstance(report.data, ActionApplied)
    assert (report.stage, report.data.rollout_verb, report.data.command) == ("applied", verb, command.identity)
    assert report.data.rollout is not None
    assert dict(report.data.rollout) == dict(sent)
    assert task is not None
    assert task.is_done
    assert reports(task) == []


def test_a_revert_is_reported_as_reverted(command_event: CommandEvent) -> None:
    """`action.reverted` carries the state that was set."""
    (report,) = reports(RolloutActuator(Recorded()).start(command_event(rollout(RolloutRevert, canary=None, weight=0))))

    assert isinstance(report.data, ActionReverted)
    assert report.stage == "reverted"
    assert report.data.rollout.champion == "old"


def test_a_later_command_has_acted(command_event: CommandEvent) -> None:
    """The fence's no is no report: the later command's report says what serves."""
    assert RolloutActuator(Recorded(False)).start(command_event(rollout(RolloutSet))) is None


def test_other_commands_are_not_for_this_hand(command_event: CommandEvent) -> None:
    """A type it does not know is nobody's."""

    class Other(Command):
        TYPE = RetrainStart.TYPE

    other = Other(action="a", verdict="v", family="dock/cameras", model="dock/camera-1", expires_at=1)

    assert RolloutActuator(Recorded()).start(command_event(other)) is None


def test_a_refusal_fails_the_command(command_event: CommandEvent) -> None:
    """What the target cannot do is `target_failed`, with its words."""
    hand = RolloutActuator(Recorded(Reject("artifact_unknown", "no digest for warm-1")))

    (report,) = reports(hand.start(command_event(rollout(RolloutSet))))

    assert isinstance(report.data, ActionFailed)
    assert (report.stage, report.data.reason) == ("failed", "target_failed")
    assert "no digest for warm-1" in report.data.detail


def test_an_unreachable_target_is_asked_again(command_event: CommandEvent) -> None:
    """The command is applied when the target comes back, not more often than the pause allows."""
    clock, target = Clock(), Recorded(Retry("away"), Retry("away"))
    task = RolloutActuator(target, retry_timeout_seconds=10.0, clock=clock).start(command_event(rollout(RolloutSet)))
    assert reports(task) == []
    assert len(target.seen) == 1

    clock.now = 0.6
    assert reports(task) == []
    clock.now = 1.7
    (report,) = reports(task)

    assert isinstance(report.data, ActionApplied)
    assert len(target.seen) == 3


def test_retries_end(command_event: CommandEvent) -> None:
    """A target that stays away fails the command once."""
    clock = Clock()
    target = Recorded(*[Retry("away")] * 9)
    task = RolloutActuator(target, retry_timeout_seconds=1.0, clock=clock).start(command_event(rollout(RolloutSet)))

    found = []
    for clock.now in (0.0, 0.6, 1.2, 1.8):
        found += reports(task)

    assert [report.data.reason for report in found if isinstance(report.data, ActionFailed)] == ["target_failed"]
    assert task is not None
    assert task.is_done


def test_a_cancelled_command_has_no_effect(command_event: CommandEvent) -> None:
    """After `cancel` the target is not asked again."""
    clock, target = Clock(), Recorded(Retry("away"))
    task = RolloutActuator(target, clock=clock).start(command_event(rollout(RolloutSet)))
    assert task is not None

    task.cancel()
    clock.now = 5.0

    assert reports(task) == []
    assert task.is_done
    assert len(target.seen) == 1


def test_a_command_is_fenced_by_its_place_in_the_log(command_event: CommandEvent) -> None:
    """Text order of sequences is log order, and the source is the emitting fold's."""
    target = Recorded()
    hand = RolloutActuator(target)

    for offset in (9, 10, 100):
        hand.start(command_event(rollout(RolloutSet), offset))

    sequences = [deployment.sequence for _, deployment in target.seen]
    assert sequences == sorted(sequences)
    assert sequences[0] == "0000000000000009.0000"
    assert sequence_of(command_event(rollout(RolloutSet), 9).id) == sequences[0]


def test_candidates_without_weight_are_shadows() -> None:
    """The first step: a canary, the other candidates as shadows, the reference is the champion itself."""
    deployment = deployment_of(rollout(RolloutSet), "g", "1")

    assert deployment == Deployment(
        "g", "1", "old", "warm-1", 0.1, ("scratch-1",), {"old": A, "warm-1": B, "scratch-1": C}
    )


def test_the_old_champion_is_held_back_after_a_promotion() -> None:
    """The reference stays as a shadow; the promoted version has one role."""
    command = rollout(RolloutPromote, champion="warm-1", champion_artifact=None, canary=None, weight=0.0)

    deployment = deployment_of(command, "g", "1")

    assert deployment == Deployment(
        "g", "1", "warm-1", None, 0.0, ("scratch-1", "old"), {"old": A, "warm-1": B, "scratch-1": C}
    )


def test_a_set_without_candidates_clears_up() -> None:
    """Nothing is left but the champion."""
    command = rollout(
        RolloutSet, champion="warm-1", champion_artifact=B, canary=None, weight=0.0, candidates=(), step=-1
    )

    assert deployment_of(command, "g", "1") == Deployment("g", "1", "warm-1", artifacts={"warm-1": B})
