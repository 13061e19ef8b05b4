"""Spans of what folds emit, recorded only where somebody collects them."""

import time
from collections.abc import Sequence

from homeostat.codec import Output
from homeostat.core import Event
from homeostat.runtime.observer import HostObserver
from homeostat.telemetry.tracing import NullTracer, Tracer


class TracingObserver(HostObserver):
    """Reports the outputs of every step to a tracer.

    What is emitted again after a crash has the same span ids: a collector has it twice, a trace once.

    Args:
        tracer: Of the process.
        group: Consumer group, named in the spans.
    """

    def __init__(self, tracer: Tracer, group: str) -> None:
        self._tracer, self._group = tracer, group

    def folded(self, event: Event, outputs: Sequence[Output]) -> None:
        """Report a span for each output."""
        if outputs:
            self._tracer.emitted(event, outputs, group=self._group, now_ms=int(time.time() * 1000))


def observer_of(tracer: Tracer, group: str) -> HostObserver | None:
    """Return what reports to a tracer; None for one that exports nothing: nobody is told then, at no cost.

    Args:
        tracer: Of the process.
        group: Consumer group, named in the spans.
    """
    return None if isinstance(tracer, NullTracer) else TracingObserver(tracer, group)
