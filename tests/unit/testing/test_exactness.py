"""The judge of the long runs is itself judged: it finds what is lost, doubled, changed, reordered; and nothing else."""

from collections.abc import Iterable

import pytest

from homeostat.codec import Output, Record
from homeostat.events.logs import INDICATORS, TIMELINE
from homeostat.runtime.replay import replay
from homeostat.testing.counter import Counter
from homeostat.testing.exactness import Exactness, exactness
from homeostat.testing.signals import signals

N_SIGNALS = 40
INPUT = [
    Record(TIMELINE, "topic", 0, offset, 1000 + offset, made.key, made.value, made.headers)
    for offset, made in enumerate(signals(TIMELINE, N_SIGNALS, seed=0, timers=0.0))
]


def n_partitions(topic: str) -> int:
    return 1


def recorded(outputs: Iterable[Output]) -> list[Record]:
    """Outputs as they lie in their logs."""
    return [Record(o.topic, "", o.partition, n, 0, o.key, o.value, o.headers) for n, o in enumerate(outputs)]


SAID = recorded(replay(Counter(), INPUT, n_partitions))


def judged(log: list[Record]) -> Exactness:
    return exactness([Counter()], lambda _: INPUT, n_partitions, lambda: log)


def test_a_faithful_log_is_exact() -> None:
    """What the fold said, once each, is exact, and counted."""
    found = judged(SAID)

    assert found.is_exact
    assert (found.n_inputs, found.n_outputs, found.n_repeats) == (N_SIGNALS, len(SAID), 0)


def test_repeats_are_dropped_as_readers_drop_them() -> None:
    """A stretch that is said again after a crash is no doubling."""
    found = judged([*SAID[:20], *SAID[10:]])

    assert found.is_exact, found
    assert found.n_repeats == 10


@pytest.mark.parametrize("place", [0, 17, len(SAID) - 1])
def test_a_missing_output_is_lost(place: int) -> None:
    """Wherever it is missing, it is named."""
    found = judged([*SAID[:place], *SAID[place + 1 :]])

    assert (len(found.lost), len(found.doubled)) == (1, 0)


def test_an_output_in_the_wrong_order_is_lost() -> None:
    """A reader's watermark has passed it: for the reader it is not there."""
    first, second = [n for n, record in enumerate(SAID) if record.topic == INDICATORS][4:6]
    swapped = list(SAID)
    swapped[first], swapped[second] = SAID[second], SAID[first]

    assert not judged(swapped).is_exact


def test_an_output_that_nobody_derives_is_doubled() -> None:
    """The same content under another identity is one too many."""
    last = SAID[-1]
    headers = [
        (name, b"7.9" if name == "ce_id" else b"9" * 21 if name == "ce_sequence" else value)
        for name, value in last.headers
    ]
    other = Record(last.topic, "", last.partition, 999, 0, last.key, last.value, headers)

    assert len(judged([*SAID, other]).doubled) == 1


def test_a_repeat_with_other_bytes_is_changed() -> None:
    """A reader would not see it; it is wrong all the same: two readers could see two histories."""
    first = SAID[0]
    other = Record(first.topic, "", first.partition, 999, 0, first.key, b"{}", first.headers)

    found = judged([*SAID, other])

    assert len(found.changed) == 1
    assert not found.is_exact


def test_what_came_in_later_is_left_out() -> None:
    """Outputs of inputs that were not read say nothing against the log."""
    assert exactness([Counter()], lambda _: INPUT[:10], n_partitions, lambda: SAID).is_exact
