"""What an observer of an assignment is told, and when."""

from collections.abc import Sequence

from homeostat.codec import Output, Record
from homeostat.core import Event
from homeostat.events import SignalObserved
from homeostat.events.logs import TIMELINE
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.observer import HostObserver
from homeostat.testing.counter import Counter


class Notes(HostObserver):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def decoded(self, record: Record, event: Event) -> None:
        self.told.append(("decoded", record.offset))

    def folded(self, event: Event, outputs: Sequence[Output]) -> None:
        self.told.append(("folded", event.position.offset, len(outputs)))

    def committed(self, topic: str, partition: int, position: int) -> None:
        self.told.append(("committed", position))


def test_an_observer_is_told_of_each_record_and_of_each_marker() -> None:
    """A refused event is decoded and not folded; the record of its refusal is no output of the next step."""
    log, notes = MemoryLog(partitions=1), Notes()
    for number, value in enumerate((1.0, -1.0, 2.0)):
        signal = SignalObserved(layer="edge", name="t", value=value)
        log.publish(TIMELINE, "acme/m", signal, id_=str(number), source="/s")
    host = MemoryHost(log, Counter(), observer=notes)

    host.run()
    host.assignments[0].snapshot()

    assert notes.told == [
        ("committed", 0),
        ("decoded", 0),
        ("folded", 0, 2),
        ("decoded", 1),
        ("decoded", 2),
        ("folded", 2, 2),
        ("committed", 3),
    ]
