"""One command on its way through a hand's host."""

from collections import deque
from dataclasses import dataclass, field

import structlog

from homeostat.core import CommandExecution, Event, Retry
from homeostat.core.hand import Report

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Pending:
    """A command on its way, and the reports it has not sent yet.

    Args:
        event: The command.
        is_tried: It could not be begun so far.
        task: Of the hand; None before it is begun, and if the hand did not take it.
        reports: In the order in which they came.
        is_done: Nothing more will come.
    """

    event: Event
    is_tried: bool = False
    task: CommandExecution | None = None
    reports: deque[Report] = field(default_factory=deque)
    is_done: bool = False

    def is_at(self, topic: str, partition: int) -> bool:
        """Whether it lies in a partition."""
        return (self.event.position.topic, self.event.position.partition) == (topic, partition)

    def collect(self) -> None:
        """Take in what has happened since the last call; a `Retry` is asked again at the next one."""
        if self.task is None:
            self.is_done = True
        elif not self.is_done:
            try:
                self.reports.extend(self.task.poll())
            except Retry as trouble:  # what it had to report before is kept
                logger.debug("command_waits", command=self.event.identity, why=str(trouble))
            self.is_done = self.task.is_done
