"""What every host of folds must do, as plain functions over a host that runs the counter fold.

    for check in HOST_CHECKS:
        check(host)

Each check takes a fresh host, and raises `AssertionError` if it does not conform; `DOOR_CHECKS` take one at a door.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import QUARANTINE, TIMELINE
from homeostat.runtime.replay import replay
from homeostat.testing.signals import signal, signals
from homeostat.testing.trial import Line, line_of

N_SIGNALS: Final = 120
_TIMER: Final = 2e6
"""A signal of this value sets the counter's timer: a second later a tick is due."""
_REFUSED: Final = -1.0


class HostUnderTest(Protocol):
    """A host with the fold `Counter` over one log, which may be a door; `every` is 1."""

    def write(self, outputs: Sequence[Output]) -> None:
        """Append to the input log; topic and partition are this host's own."""

    def settle(self, n: int) -> None:
        """Return when `n` outputs and refusals have been published, repeats not counted, or after a time-out."""

    def restart(self, *, is_clean: bool) -> None:
        """End the host, gracefully or not, and start another one."""

    def stop(self) -> None:
        """End the host gracefully."""

    def start(self) -> None:
        """Start another one."""

    def skip(self) -> None:
        """Use up offsets of the input: a transaction that is committed, and one that is aborted."""

    def expire(self, offset: int) -> None:
        """Delete what lies below an offset of the input, as retention does."""

    def replace(self) -> None:
        """Delete the input log, and make it again."""

    def fold(self) -> Fold[Any]:
        """A fresh fold as the host runs it."""

    def n_partitions(self, topic: str) -> int:
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
    expected = sorted(line_of(output) for output in replay(host.fold(), host.input(), host.n_partitions))
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


def passes_over_what_a_transaction_uses_up(host: HostUnderTest) -> None:
    """Offsets without records, in the middle and at the end, are normal at a door."""
    written = signals(TIMELINE, 30, seed=4, timers=0.0)
    host.write(written[:10])
    host.skip()
    host.write(written[10:20])
    host.settle(n_outputs(written[:20]))
    host.skip()
    host.restart(is_clean=False)
    host.write(written[20:])
    host.settle(n_outputs(written))

    _require_exact(host)
    assert len(_seen(host.published())) == n_outputs(written), "something was lost or doubled"


def goes_on_behind_what_has_expired(host: HostUnderTest) -> None:
    """Records of a door that were deleted before they were read are passed over; the others count."""
    host.write([signal(TIMELINE, "team/m", float(n), n) for n in range(10)])
    host.settle(20)
    host.stop()
    host.write([signal(TIMELINE, "team/m", float(n), n) for n in range(10, 30)])
    host.expire(17)
    host.start()
    host.settle(20 + 2 * 13)

    assert len(_seen(host.published())) == 20 + 2 * 13, "what was left was not folded, or more was"
    assert _last_count(host) == 23, "the state was lost"


def begins_anew_when_its_door_is_replaced(host: HostUnderTest) -> None:
    """A door that was deleted and made again is read from its beginning, and what is known stays."""
    host.write([signal(TIMELINE, "team/m", float(n), n) for n in range(10)])
    host.settle(20)
    host.stop()
    host.replace()
    host.write([signal(TIMELINE, "team/m", float(n), n) for n in range(21)])
    host.start()
    host.settle(20 + 42)

    assert len(_seen(host.published())) == 20 + 42, "something of the new door was not folded, or twice"
    assert _last_count(host) == 31, "the state was lost"


def _last_count(host: HostUnderTest) -> float:
    """The highest number that the counter has said."""
    values = [json.loads(record.value or b"{}") for record in host.published()]
    return max((data["value"] for data in values if data.get("name") == "count"), default=0.0)


DOOR_CHECKS: Final[tuple[HostCheck, ...]] = (
    passes_over_what_a_transaction_uses_up,
    goes_on_behind_what_has_expired,
    begins_anew_when_its_door_is_replaced,
)
"""Of a host whose input is a door."""

HOST_CHECKS: Final[tuple[HostCheck, ...]] = (
    publishes_the_fold_of_its_input,
    drops_what_is_repeated,
    keeps_what_is_refused,
    survives_a_stop,
    survives_a_crash,
    ticks_when_it_is_time,
)
