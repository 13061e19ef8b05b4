"""How long a partition stands still when its host is killed, and another instance takes over."""

import subprocess
import time
from collections.abc import Iterator
from typing import Final

from homeostat.codec import Record
from homeostat.testing.counter import Counter
from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.row import BenchFailed, Row, row
from homeostat_lab.bench.topic_tail import TopicTail, pace, story_of
from homeostat_lab.bench.workload import indicators

_PER_SECOND: Final = 50.0
_BURST: Final = 25
_LIMIT_SECONDS: Final = 60.0
_SOURCE: Final = "homeostat.bench-recovery-in"
_TARGET: Final = "homeostat.bench-recovery-out"
_FOLD: Final = "bench-recovery"


class _Feed:
    """Goes on feeding the stage and says when every partition has answered an event sent since a moment."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._n = ground, 0
        self._answered: dict[bytes, tuple[int, float]] = {}

    def note(self, record: Record, now: float) -> None:
        """Take an output in."""
        self._answered.setdefault(story_of(record), (record.partition, now))

    def seconds_until_all_answer(self) -> float:
        """Feed until each partition answers; return the seconds to the last one's first answer."""
        began, wanted = time.perf_counter(), dict[bytes, int]()
        while time.perf_counter() - began < _LIMIT_SECONDS:
            outputs = list(indicators(_SOURCE, PARTITIONS, _BURST, start=self._n))
            self._n += _BURST
            wanted |= {story_of(output): output.partition for output in outputs}
            pace(self._ground, outputs, _PER_SECOND)
            first = dict[int, float]()
            for story in wanted:
                if story in self._answered:
                    place, now = self._answered[story]
                    first[place] = min(now, first.get(place, now))
            if len(first) == PARTITIONS:
                return max(first.values()) - began
        raise BenchFailed(f"nobody took over within {_LIMIT_SECONDS:g} s")


def recovery(ground: Ground, *, runs: int) -> Iterator[Row]:
    """Kill one of two instances, and beside it stop one in order; count until every partition goes on."""
    fold = Counter(name=_FOLD, log=_SOURCE, out=_TARGET)
    ground.create([(fold.name, _SOURCE)], _TARGET)
    killed, stopped = list[float](), list[float]()
    feed = _Feed(ground)
    with TopicTail(ground, [_TARGET], feed.note):
        instances = [_start(ground), _start(ground)]
        feed.seconds_until_all_answer()
        for _ in range(runs):
            for seconds, is_kill in ((killed, True), (stopped, False)):
                victim = instances.pop(0)
                if is_kill:
                    victim.kill()
                else:
                    victim.terminate()
                seconds.append(feed.seconds_until_all_answer())
                victim.wait()
                instances.append(_start(ground))
                _settle(feed)
        ground.end(instances)
    yield row(
        "recovery after kill -9, second instance takes over",
        "s",
        killed,
        reference="the same after SIGTERM",
        references=stopped,
        excluded="the first start of the stage; between two ends 5 s to settle",
    )


def _start(ground: Ground) -> subprocess.Popen[bytes]:
    return ground.start("-m", "homeostat.testing.counter_stage", _FOLD, _SOURCE, _TARGET)


def _settle(feed: _Feed) -> None:
    """Give the new instance time to take its share, so that the next one that ends holds partitions."""
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        feed.seconds_until_all_answer()
