"""Rows and events per second: a host against the limit and Faust, and the two services of the hot path."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from homeostat.core import Fold
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, TELEMETRY, TIMELINE
from homeostat.testing.counter import Counter
from homeostat_lab.bench.bare import copy_rate
from homeostat_lab.bench.ends import ends
from homeostat_lab.bench.folds import fold_of
from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.row import Row, missing, row
from homeostat_lab.bench.timed import rate_of
from homeostat_lab.bench.workload import Traffic, indicators
from homeostat_tools.local_stack import TopicSpec, ensure_topics

MODELS: Final = 100
"""Models whose events alternate: no cache of one state helps."""

_COPY: Final = "homeostat.bench-copy"
_LIMIT: Final = "bare confluent-kafka loop without work"
_FAUST_SECONDS: Final = 180.0
_FIRST_BATCH: Final = "start and first batch, of both"


def against_limit(ground: Ground, *, n: int, runs: int) -> Iterator[Row]:
    """Compare one host (JSON events, one output each, snapshots on) with the bare loop and a Faust agent.

    Args:
        ground: A broker of its own.
        n: Events of each run, >= 1.
        runs: Of host and bare loop, taking turns, >= 1.
    """
    source, target = "homeostat.bench-in", "homeostat.bench-out"
    fold = Counter(name="bench-counter", log=source, out=target)
    # Faust's client cannot read what the host's has compressed, so the broker keeps it plain, for all three.
    plain = TopicSpec(source, PARTITIONS, {"compression.type": "uncompressed"})
    ensure_topics(ground.settings.bootstrap_servers, [plain])
    cluster = ground.create([(fold.name, source)], target, _COPY)
    rates: dict[str, list[float]] = {"host": [], "bare": []}
    for number in range(runs):
        starts = ends(ground, source)
        ground.publish(indicators(source, PARTITIONS, n, start=number * n))
        rates["bare"].append(copy_rate(ground, source, _COPY, starts, n))
        rates["host"].append(rate_of("bench-counter", fold, ground, cluster, n))
    yield row(
        "one host, JSON events, snapshots on",
        "events/s",
        rates["host"],
        reference=_LIMIT,
        references=rates["bare"],
        excluded=_FIRST_BATCH,
    )
    yield _faust(ground, source, n, rates["host"])


def _faust(ground: Ground, source: str, n: int, rates: list[float]) -> Row:
    name, why = "one host, JSON events, snapshots on", "Faust agent with one table write"
    command = [sys.executable, "-m", "homeostat_lab.bench.faust_agent", ground.settings.bootstrap_servers]
    arguments = [source, "homeostat.bench-faust-out", str(n), str(ground.folder / "faust")]
    ground.create([], "homeostat.bench-faust-out")
    try:
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=_FAUST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return missing(name, "events/s", f"{why}: not done after {_FAUST_SECONDS:g} s")
    lines = done.stdout.split()
    if done.returncode != 0 or not lines:
        return missing(name, "events/s", f"{why}: {(done.stderr.strip().splitlines() or ['no output'])[-1][:200]}")
    excluded = f"{_FIRST_BATCH}; Faust: its start and first record, one run"
    return row(name, "events/s", rates, reference=why, references=[float(lines[-1])], excluded=excluded)


def services(ground: Ground, *, n: int, runs: int) -> Iterator[Row]:
    """Measure intake and drift_detector, end to end through Kafka in one process.

    Args:
        ground: Where.
        n: Single-row events a run; a fifth of it with 100 rows each.
        runs: Of each.
    """
    for fold_name, log in (("intake.telemetry", TELEMETRY), ("drift_detector", TIMELINE)):
        for n_rows, n_events in ((100, n // 5), (1, n)):
            yield _service(ground, fold_of(fold_name), log, n_rows, n_events, runs)


def _service(ground: Ground, fold: Fold[Any], log: str, n_rows: int, n: int, runs: int) -> Row:
    """Time one service on events of `n_rows` rows; a consumer group of its own keeps no memory of others."""
    service = f"bench-{fold.name}"
    cluster = ground.create([(fold.name, log)], TIMELINE, EXPERIENCE, GOVERNANCE, INDICATORS, _COPY)
    traffic = Traffic(MODELS, n_rows, is_inside=log == TIMELINE)
    rates, limits = [], []
    ground.publish(traffic.registrations(log, PARTITIONS))
    rate_of(service, fold, ground, cluster, MODELS)
    for number in range(runs):
        starts = ends(ground, log)
        ground.publish(traffic.events(log, PARTITIONS, n, start=number * n))
        limits.append(copy_rate(ground, log, _COPY, starts, n) * n_rows)
        rates.append(rate_of(service, fold, ground, cluster, n) * n_rows)
    unit = "rows/s" if n_rows > 1 else "events/s"
    name = f"{fold.name}, {n_rows} rows an event" if n_rows > 1 else f"{fold.name}, single-row events"
    excluded = f"{_FIRST_BATCH}; registrations" + ("; rows have no labels" if log == TIMELINE else "")
    return row(name, unit, rates, reference=_LIMIT, references=limits, excluded=excluded)
