"""Latency through four stages, one process each, at a pace of 50 events a second."""

from collections.abc import Iterator
from typing import Final

from homeostat.codec import Record
from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.row import BenchFailed, Row, quantile, row
from homeostat_lab.bench.topic_tail import TopicTail, pace, story_of, wait_for
from homeostat_lab.bench.workload import indicators

STAGES: Final = 4
PER_SECOND: Final = 50.0
_WARM_UP: Final = 50
"""Events before the first one that counts: new clients connect, and take half a second to get going."""

_READY_SECONDS: Final = 60.0
_TOPICS: Final = tuple(f"homeostat.bench-hop-{number}" for number in range(STAGES + 1))


def four_hops(ground: Ground, *, n: int, runs: int) -> Iterator[Row]:
    """Measure from the call of the producer to the arrival at a consumer behind the last stage.

    Beside it the same with no stage at all: to the arrival at a consumer of the first topic.

    Args:
        ground: Where.
        n: Events a run.
        runs: At least one.
    """
    folds = [f"bench-hop-{number}" for number in range(STAGES)]
    ground.create(zip(folds, _TOPICS, strict=False), *_TOPICS)
    stages = [
        ground.start("-m", "homeostat.testing.counter_stage", fold, _TOPICS[number], _TOPICS[number + 1])
        for number, fold in enumerate(folds)
    ]
    n_warm = _warm_up(ground)
    through, direct = list[list[float]](), list[list[float]]()
    for number in range(runs):
        ends, firsts = _run(ground, n_warm + number * (_WARM_UP + n), n)
        through.append(ends)
        direct.append(firsts)
    ground.end(stages)
    for share in (0.5, 0.95):
        yield row(
            f"four hops at {PER_SECOND:g} events/s, p{share * 100:g}",
            "ms",
            [quantile(values, share) for values in through],
            reference="one bare trip through the broker, no stage",
            references=[quantile(values, share) for values in direct],
            excluded=f"{n_warm} warm-up events, and {_WARM_UP} before each run of {n}",
        )


def _warm_up(ground: Ground) -> int:
    """Send events until each partition lets some through; return how many were sent."""
    open_places = set[int]()

    def note(record: Record, _: float) -> None:
        open_places.add(record.partition)

    n = 0
    with TopicTail(ground, _TOPICS[-1:], note):
        for _ in range(int(_READY_SECONDS * PER_SECOND) // _WARM_UP):
            pace(ground, indicators(_TOPICS[0], PARTITIONS, _WARM_UP, start=n), PER_SECOND)
            n += _WARM_UP
            if len(open_places) == PARTITIONS:
                return n
    raise BenchFailed(f"the stages did not get ready in {_READY_SECONDS:g} s")


def _run(ground: Ground, start: int, n: int) -> tuple[list[float], list[float]]:
    """Send `n` events; return their latencies behind the last stage and in the first topic, ms."""
    ends, firsts = dict[bytes, float](), dict[bytes, float]()

    def note(record: Record, now: float) -> None:
        (ends if record.topic == _TOPICS[-1] else firsts).setdefault(story_of(record), now)

    outputs = list(indicators(_TOPICS[0], PARTITIONS, _WARM_UP + n, start=start))
    stories = [story_of(output) for output in outputs]
    with TopicTail(ground, (_TOPICS[0], _TOPICS[-1]), note):
        sent = pace(ground, outputs, PER_SECOND)
        if not wait_for(lambda: all(story in ends and story in firsts for story in stories), 20.0):
            raise BenchFailed("events did not come out of the last of four stages")
    moments = list(zip(stories, sent, strict=True))[_WARM_UP:]
    return [(ends[story] - at) * 1000 for story, at in moments], [(firsts[story] - at) * 1000 for story, at in moments]
