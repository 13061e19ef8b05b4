"""Spans of what folds emit, recorded only where somebody collects them: else this module costs nothing."""

import time
from typing import Any

from homeostat.codec import Output, Record
from homeostat.core import Emit, Event
from homeostat.runtime.assignment import Assignment
from homeostat.telemetry.tracing import NullTracer, Tracer


def assignment_type(tracer: Tracer, group: str) -> type[Assignment[Any]]:
    """Return `Assignment`, or one that reports its outputs to a tracer that exports.

    What is emitted again after a crash has the same span ids: a collector has it twice, a trace once.

    Args:
        tracer: Of the process.
        group: Consumer group, named in the spans.
    """
    if isinstance(tracer, NullTracer):
        return Assignment

    class TracedAssignment(Assignment[Any]):
        """An `Assignment` whose steps are spans."""

        def process(self, record: Record) -> None:
            self._sent: list[Output] = []
            super().process(record)

        def _emit(self, record: Record, event: Event, emit: Emit, ordinal: int, outputs: list[Output]) -> None:
            n_before = len(self._sent)
            super()._emit(record, event, emit, ordinal, outputs)
            tracer.emitted(event, self._sent[n_before:], group=group, now_ms=int(time.time() * 1000))

        def _send(self, output: Output, type_: str) -> None:
            super()._send(output, type_)
            self._sent.append(output)

    return TracedAssignment
