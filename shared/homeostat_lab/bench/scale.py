"""Ten thousand models: memory, restore and snapshots of three folds, in memory, without a broker."""

import gc
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final

import msgspec
import psutil

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import SNAPSHOTS, TELEMETRY, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.settings import HostSettings
from homeostat_lab.bench.family import experience
from homeostat_lab.bench.folds import fold_of
from homeostat_lab.bench.row import Row, row
from homeostat_lab.bench.workload import Traffic

_EVENTS: Final = 10
_ROWS: Final = 10
"""Each model has had `_EVENTS` events of `_ROWS` rows: 100 requests to remember, two buckets of inputs."""

_RUNS: Final = 3


class _Sink:
    """Takes outputs; keeps the snapshots, as a compacted topic would."""

    def __init__(self) -> None:
        self.snapshots: dict[bytes, bytes] = {}

    def send(self, output: Output) -> None:
        """Keep the newest value of a key."""
        if not output.topic.startswith(SNAPSHOTS):
            return
        if output.value is None:
            self.snapshots.pop(output.key, None)
        else:
            self.snapshots[output.key] = output.value

    def flush(self) -> None:
        """Nothing is in flight."""


def scale(n_models: int) -> Iterator[Row]:
    """Measure three folds with `n_models` models; in meta_learner a tenth of them are one family.

    Each in a process of its own: memory that another has freed would be used again, and not be counted.
    """
    for name in ("intake.telemetry", "drift_detector", "meta_learner"):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            yield from process.submit(of_fold, name, n_models).result()


def of_fold(name: str, n_models: int) -> list[Row]:
    """Measure one fold in this process."""
    if name == "meta_learner":
        feed = experience(n_models, n_models // 10)
    elif name == "drift_detector":
        feed = _telemetry(n_models, TIMELINE, is_inside=True)
    else:
        feed = _telemetry(n_models, TELEMETRY, is_inside=False)
    return list(_fold(fold_of(name), feed, f"{name}, {n_models} models"))


def _telemetry(n_models: int, log: str, *, is_inside: bool) -> Iterator[Output]:
    traffic = Traffic(n_models, _ROWS, is_inside=is_inside)
    yield from traffic.registrations(log, 1)
    yield from traffic.events(log, 1, n_models * _EVENTS)


def _fold(fold: Fold[Any], feed: Iterable[Output], name: str) -> Iterator[Row]:
    sink = _Sink()
    assignment = _assign(fold, sink, "first")
    assignment.restore(())
    gc.collect()
    before = psutil.Process().memory_info().rss
    for offset, output in enumerate(feed):
        stamp = 1_700_000_000_000 + offset
        record = Record(fold.log, "bench", 0, offset, stamp, output.key, output.value, output.headers)
        assignment.process(record)
    gc.collect()
    megabytes = (psutil.Process().memory_info().rss - before) / 1e6
    started = time.perf_counter()
    assignment.snapshot()
    seconds = time.perf_counter() - started
    n_bytes = sum(len(key) + len(value) for key, value in sink.snapshots.items())
    stored = "snapshot of all of it"
    excluded = "what the process had before the first record; garbage"
    yield row(f"{name}: memory", "MB", [megabytes], reference=stored, references=[n_bytes / 1e6], excluded=excluded)
    interval = HostSettings.model_fields["snapshot_interval_seconds"].default
    yield row(f"{name}: snapshots when every model changes every {interval:g} s", "bytes/s", [n_bytes / interval])
    yield row(f"{name}: one snapshot of every model", "s", [seconds])
    yield _restore(fold, sink.snapshots, name)


def _restore(fold: Fold[Any], snapshots: dict[bytes, bytes], name: str) -> Row:
    """Time the restore of an assignment; beside it, unpacking the same bytes into plain Python values."""
    records = [
        Record(SNAPSHOTS + fold.name, "bench", 0, offset, 0, key, value, [])
        for offset, (key, value) in enumerate(snapshots.items())
    ]
    seconds, plain = list[float](), list[float]()
    for number in range(_RUNS):
        gc.collect()
        started = time.perf_counter()
        for record in records:
            value = msgspec.msgpack.decode(record.value or b"")
            if isinstance(value, list):
                msgspec.msgpack.decode(value[3])
        plain.append(time.perf_counter() - started)
        assignment = _assign(fold, _Sink(), f"again-{number}")
        started = time.perf_counter()
        assignment.restore(records)
        seconds.append(time.perf_counter() - started)
    return row(
        f"{name}: restore",
        "s",
        seconds,
        reference="msgpack decode of the same bytes, untyped",
        references=plain,
    )


def _assign(fold: Fold[Any], sink: _Sink, writer: str) -> Assignment[Any]:
    return Assignment(
        fold, version="bench", topic_id="bench", partition=0, n_partitions=lambda _: 1, outbox=sink, writer=writer
    )
