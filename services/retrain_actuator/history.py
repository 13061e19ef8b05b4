"""From a closed range of the timeline to labelled rows."""

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Event, Reject, Retry
from homeostat.core.identity import sequence_of
from homeostat.events import Labels, Range, Samples
from homeostat.events.columns import f8
from homeostat.events.history import is_history

Rows = tuple[NDArray[np.float32], NDArray[np.float64]]
"""x (n, width) and y (n,), in time order."""


class History(Protocol):
    """Reads the timeline."""

    def labelled(self, window: Range, subject: str) -> Rows:
        """Return the labelled rows of a closed range, in the order their labels came.

        Args:
            window: Both ends are included.
            subject: `scope/model`.

        Raises:
            Retry: The end of the range cannot be seen yet.
            Reject: The range is not of a timeline.
        """


class LabelledRows:
    """Assembles rows from timeline events that are fed to it in log order.

    A row is in the window if its label is: as a `labels.observed`, or inline in its samples. Its
    input is what champion or canary captured for that request in an event fed before the label, so a
    reader may begin earlier than the window does. One request gives one row, and history none.

    Args:
        window: Both ends are included.
        subject: `scope/model`; events of others are ignored.
    """

    def __init__(self, window: Range, subject: str) -> None:
        self.is_complete = False
        self._window, self._subject = window, subject
        self._first, self._last = sequence_of(window.first), sequence_of(window.last)
        self._inputs: dict[str, NDArray[np.float32]] = {}
        self._x: list[NDArray[np.float32]] = []
        self._y: list[float] = []
        self._seen: set[str] = set()

    def add(self, event: Event) -> None:
        """Take the next event; after `is_complete` nothing more is needed."""
        if event.subject != self._subject or event.source != self._window.source or self.is_complete:
            return
        sequence = sequence_of(event.id)
        if sequence <= self._last and not is_history(event.data):
            if isinstance(event.data, Samples):
                self._keep_inputs(event.data)
            if sequence >= self._first and isinstance(event.data, Samples | Labels):
                self._add_rows(event.data)
        self.is_complete = sequence >= self._last

    def rows(self) -> Rows:
        """Return what the window holds so far.

        Raises:
            Reject: `payload_invalid`: inputs of different widths.
        """
        if len({row.shape for row in self._x}) > 1:
            raise Reject("payload_invalid", f"captured inputs of {self._subject} have different widths")
        x = np.stack(self._x) if self._x else np.empty((0, 0), np.float32)
        return x, np.array(self._y, np.float64)

    def _keep_inputs(self, samples: Samples) -> None:
        if samples.role != "shadow":
            for row, x in zip(samples.captured, samples.captured_inputs(), strict=True):
                self._inputs.setdefault(samples.request[row], x)

    def _add_rows(self, data: Samples | Labels) -> None:
        for request, label in zip(data.request, f8(data.label), strict=False):  # no inline labels: empty
            x = self._inputs.get(request)
            if x is not None and np.isfinite(label) and request not in self._seen:
                self._seen.add(request)
                self._x.append(x)
                self._y.append(float(label))


class EventHistory:
    """A `History` over whatever yields the events of a subject.

    Args:
        read: Events of the window's log and subject in log order, from its `from_time` or earlier on,
            up to the end that can be seen; it may go on after the window.
    """

    def __init__(self, read: Callable[[Range], Iterable[Event]]) -> None:
        self._read = read

    def labelled(self, window: Range, subject: str) -> Rows:
        """See `History.labelled`."""
        found = LabelledRows(window, subject)
        for event in self._read(window):
            found.add(event)
            if found.is_complete:
                return found.rows()
        raise Retry(f"{window.last} of {subject} cannot be seen yet")
