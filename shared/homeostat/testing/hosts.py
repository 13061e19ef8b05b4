"""What every host of folds must do, as plain functions over a host that runs the counter fold.

    for check in HOST_CHECKS:
        check(host)

Each check takes a fresh host, and raises `AssertionError` if it does not conform.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import INDICATORS, QUARANTINE, TIMELINE
from homeostat.host.memory import MemoryHost, MemoryLog
from homeostat.host.replay import replay
from homeostat.testing.counter import Counter
from homeostat.testing.signals import signal, signals
from homeostat.testing.trial import Line, line_of

N_SIGNALS: Final = 120
_TIMER: Final = 2e6
"""A signal of this value sets the counter's timer: a second later a tick is due."""
_REFUSED: Final = -1.0


class HostUnderTest(Protocol):
    """A host with the fold `Counter` over one log; `every` is 1."""

    def write(self, outputs: Sequence[Output]) -> None:
        """Append to the input log; topic and partition are this host's own."""

    def settle(self, n: int) -> None:
        """Return when `n` outputs and refusals have been published, repeats not counted, or after a time-out."""

    def restart(self, *, is_clean: bool) -> None:
        """End the host, gracefully or not, and start another one."""

    def fold(self) -> Fold[Any]:
        """A fresh fold as the host runs it."""

    def places(self, topic: str) -> int:
        """Partitions of a log."""

    def input(self) -> Sequence[Record]:
        """The input log, from one partition."""

    def published(self) -> Sequence[Record]:
        """Outputs and refusals of this host's fold as they lie in their logs, repeats included."""


HostCheck = Callable[[HostUnderTest], None]


def n_outputs(written: Sequence[Output]) -> int:
    """Outputs and refusals that `homeostat.testing.signals` lead to: two of each signal, one of a refused one."""
    return sum(1 if b'"value":-1' in (output.value or b"") else 2 for output in written)


def _seen(records: Sequence[Record]) -> list[Line]:
    """What a reader sees who drops repeats."""
    lines: dict[bytes, Line] = {}
    for record in records:
        lines.setdefault(dict(record.headers)["ce_source"] + b"#" + dict(record.headers)["ce_id"], line_of(record))
    return sorted(lines.values())


def _require_exact(host: HostUnderTest) -> None:
    expected = sorted(line_of(output) for output in replay(host.fold(), host.input(), host.places))
    assert _seen(host.published()) == expected, "published output is not the fold of the input log"


def publishes_the_fold_of_its_input(host: HostUnderTest) -> None:
    """What is published is what one uninterrupted fold of the recorded input log says."""
    written = signals(TIMELINE, N_SIGNALS, seed=1, timers=0.0)
    host.write(written)
    host.settle(n_outputs(written))

    _require_exact(host)
    assert len(_seen(host.published())) == n_outputs(written), "something is missing"


def drops_what_is_repeated(host: HostUnderTest) -> None:
    """A producer that says everything twice is heard once."""
    written = signals(TIMELINE, N_SIGNALS, seed=2, timers=0.0)
    host.write(written)
    host.write(written)
    host.write([signal(TIMELINE, "team/last", 1.0, N_SIGNALS)])
    host.settle(n_outputs(written) + 2)

    _require_exact(host)
    assert len(_seen(host.published())) == n_outputs(written) + 2, "a repeat was heard"


def keeps_what_is_refused(host: HostUnderTest) -> None:
    """A refused event lies in quarantine, and the log goes on."""
    written = [signal(TIMELINE, "team/m", value, n) for n, value in enumerate((1.0, _REFUSED, 2.0))]
    host.write(written)
    host.settle(5)

    _require_exact(host)
    assert [record.topic for record in host.published()].count(QUARANTINE) == 1, "the refused event is not kept"


def survives_a_stop(host: HostUnderTest) -> None:
    """A graceful stop between two events is not seen from outside."""
    _restarted(host, is_clean=True)


def survives_a_crash(host: HostUnderTest) -> None:
    """A crash between two events is not seen from outside."""
    _restarted(host, is_clean=False)


def _restarted(host: HostUnderTest, *, is_clean: bool) -> None:
    written = signals(TIMELINE, N_SIGNALS, seed=3, timers=0.0)
    before, after = written[: N_SIGNALS // 2], written[N_SIGNALS // 2 :]
    host.write(before)
    host.settle(n_outputs(before))

    host.restart(is_clean=is_clean)
    host.write(after)
    host.settle(n_outputs(written))

    _require_exact(host)
    assert len(_seen(host.published())) == n_outputs(written), "something was lost or doubled"


def ticks_when_it_is_time(host: HostUnderTest) -> None:
    """A subject whose timer is due gets its tick, as a record of the log, though nothing else happens."""
    host.write([signal(TIMELINE, "team/m", _TIMER, 0)])
    host.settle(3)

    _require_exact(host)
    assert len(host.input()) >= 2, "no tick was appended"
    assert len(_seen(host.published())) == 3, "the tick was not answered, or more than once"


HOST_CHECKS: Final[tuple[HostCheck, ...]] = (
    publishes_the_fold_of_its_input,
    drops_what_is_repeated,
    keeps_what_is_refused,
    survives_a_stop,
    survives_a_crash,
    ticks_when_it_is_time,
)


class MemoryUnderTest:
    """The in-memory host."""

    def __init__(self) -> None:
        self.log = MemoryLog(partitions=2)
        self._host = MemoryHost(self.log, self.fold())

    def write(self, outputs: Sequence[Output]) -> None:
        """See `HostUnderTest.write`."""
        for output in outputs:
            self.log.append(output)

    def settle(self, n: int) -> None:
        """Let two seconds pass."""
        self._host.run()
        self.log.now += 2_000
        self._host.tick()
        self._host.run()

    def restart(self, *, is_clean: bool) -> None:
        """See `HostUnderTest.restart`; nothing was stored before a crash, so all of it is folded again."""
        if is_clean:
            for assignment in self._host.assignments:
                assignment.snapshot(is_clean=True)
        self._host = MemoryHost(self.log, self.fold())

    def fold(self) -> Counter:
        """See `HostUnderTest.fold`."""
        return Counter()

    def places(self, topic: str) -> int:
        """See `HostUnderTest.places`."""
        return self.log.places(topic)

    def input(self) -> Sequence[Record]:
        """See `HostUnderTest.input`."""
        return self.log.records(TIMELINE, 0)

    def published(self) -> Sequence[Record]:
        """See `HostUnderTest.published`."""
        return [*self.log.all(INDICATORS), *self.log.all(QUARANTINE)]


class ReplayUnderTest(MemoryUnderTest):
    """A replay from the log's beginning, each time; the clock's ticks are in the log it replays."""

    def settle(self, n: int) -> None:
        """Fold the whole log."""
        super().settle(n)
        self._said = [
            Record(o.topic, "", o.partition, 0, 0, o.key, o.value, o.headers)
            for o in replay(self.fold(), self.input(), self.places)
        ]

    def published(self) -> Sequence[Record]:
        """What it says, instead of what the host beside it has written."""
        return self._said
