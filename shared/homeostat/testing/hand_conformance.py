"""What every hand must do, as plain functions over (make a hand, events of commands that it obeys).

    for check in HAND_CHECKS:
        check(MyHand, commands)

A check returns None, or raises `NotConforming`. What refuses, expires and brakes is the host's business, not a hand's:
see `homeostat.runtime.hands`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from homeostat.core import CommandExecution, Event, Hand, Report
from homeostat.events import Command, ModelRegistered
from homeostat.events.answers import ANSWERS
from homeostat.testing.requirement import require

MakeHand = Callable[[], Hand]
"""Gives a hand as a process that has just started has it, always on the same target."""

HandCheck = Callable[[MakeHand, Sequence[Event]], None]

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.002


def reports_answer_the_command(make: MakeHand, commands: Sequence[Event]) -> None:
    """Each command leads to a report at least; all are of types that answer it, and about it."""
    hand = make()
    for event in commands:
        execution = hand.start(event)
        require(execution is not None, "answers", f"{event.type} was not begun")
        assert execution is not None
        reports = list(_all(execution))
        require(reports, "answers", f"{event.type} has led to no report")
        for report in reports:
            _check_report(event, report)


def _check_report(event: Event, report: Report) -> None:
    command, said = event.data, report.data
    assert isinstance(command, Command)
    require(isinstance(said, ANSWERS[event.type]), "answers", f"{said.TYPE} does not answer {event.type}")
    about = {"action": command.action, "command": event.identity, "family": command.family, "model": command.model}
    for name, right in about.items():
        found = getattr(said, name, right)
        require(found == right, "is about the command", f"{said.TYPE} says {name} {found!r}, the command {right!r}")
    require(report.subject in (None, event.subject), "is about the command", f"{said.TYPE} lies under {report.subject}")


def a_repeated_command_is_a_repeated_report(make: MakeHand, commands: Sequence[Event]) -> None:
    """After a crash the command comes again: its reports have the same stages, so that a door drops them."""
    for event in commands:
        stages = []
        for _ in range(2):
            execution = make().start(event)
            stages.append([] if execution is None else [report.stage for report in _all(execution)])
        first, second = stages
        require(len(set(first)) == len(first), "one stage, one report", f"{event.type}: {first}")
        require(not second or first == second, "same stages again", f"{event.type}: {first}, then {second}")


def what_is_done_says_no_more(make: MakeHand, commands: Sequence[Event]) -> None:
    """Neither after its last report, nor once it was cancelled."""
    for event in commands:
        done, cancelled = make().start(event), make().start(event)
        if done is not None:
            list(_all(done))
            require(not list(done.poll()), "done is done", f"{event.type} reports after its last report")
        if cancelled is not None:
            cancelled.cancel()
            require(not list(cancelled.poll()), "cancelled is cancelled", f"{event.type} reports after `cancel`")


def what_is_no_command_is_left_alone(make: MakeHand, commands: Sequence[Event]) -> None:
    """A fact on a log that it reads begins nothing."""
    fact = ModelRegistered(family="f", champion="v1", model="s/m")
    for event in commands[:1]:
        other = Event(
            id=event.id,
            source=event.source,
            type=fact.TYPE,
            subject="s/m",
            time=event.time,
            data=fact,
            position=event.position,
            story=event.story,
            emitter=event.emitter,
        )
        require(make().start(other) is None, "commands alone", f"{fact.TYPE} was begun")


def it_reads_what_it_obeys(make: MakeHand, commands: Sequence[Event]) -> None:
    """The topic of each command is among its logs, and its name can be part of a role."""
    hand = make()
    require(hand.name.isidentifier() and hand.name == hand.name.lower(), "name", f"{hand.name!r} is no service")
    for event in commands:
        require(event.position.topic in hand.logs, "logs", f"{event.position.topic} is not read")


HAND_CHECKS: Final[tuple[HandCheck, ...]] = (
    reports_answer_the_command,
    a_repeated_command_is_a_repeated_report,
    what_is_done_says_no_more,
    what_is_no_command_is_left_alone,
    it_reads_what_it_obeys,
)


def _all(execution: CommandExecution) -> Iterator[Report]:
    """Yield every report, until the last."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not execution.is_done:
        yield from execution.poll()
        if not execution.is_done:
            require(time.monotonic() < deadline, "ends", f"not done after {_PATIENCE_SECONDS:g} s")
            time.sleep(_PAUSE_SECONDS)
