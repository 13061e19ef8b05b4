"""The catalogue is closed and well named; a process shows what it counted, and nothing before."""

import re

import pytest

from homeostat.telemetry import metrics
from homeostat.telemetry.metrics import CATALOGUE, Counter, Gauge, Histogram, Metric
from homeostat.telemetry.registry import Metrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SIZES = Histogram("homeostat_sizes_bytes", "Of something.", ("fold",))
IDS = {"action", "request", "subject", "id", "identity", "story", "trace_id", "offset", "key", "version_id"}


@pytest.fixture
def process() -> Metrics:
    """The metrics of one process."""
    return Metrics("governor", "0.1.0")


def test_names_are_unique() -> None:
    """One metric, one meaning."""
    names = [metric.name for metric in CATALOGUE]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_conventions_of_prometheus(metric: Metric) -> None:
    """Prefix, `_total` for counters only, base units, no ids and no label names in the name."""
    assert re.fullmatch(r"homeostat(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") == isinstance(metric, Counter)
    assert not re.search(r"_(ms|millis|milliseconds|percent|kb|mb)(_|$)", metric.name)
    assert not set(metric.labels) & IDS
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", [*CATALOGUE, SIZES], ids=lambda metric: metric.name)
def test_every_metric_can_be_shown(metric: Metric, process: Metrics) -> None:
    """In both formats, under its own name."""
    labels = dict.fromkeys(metric.labels, "x")
    if metric is metrics.BUILD:
        pass  # the constructor has set it
    elif isinstance(metric, Counter):
        process.counter(metric, **labels).inc(2, {"trace_id": "ab"})
    elif isinstance(metric, Gauge):
        process.gauge(metric, **labels).set(2)
    elif isinstance(metric, Histogram):
        process.histogram(metric, **labels).observe(2, {"trace_id": "ab"})

    for accept in ("", OPENMETRICS):
        assert metric.name in process.expose(accept)[0].decode()


def test_nothing_is_shown_before_it_is_counted(process: Metrics) -> None:
    """A process shows its own series only, not zeros of everybody's."""
    names = {line.split("{")[0].split(" ")[0] for line in process.expose()[0].decode().splitlines() if line[0] != "#"}

    assert {name for name in names if name.startswith("homeostat_")} == {"homeostat_build_info"}


def test_two_processes_share_nothing(process: Metrics) -> None:
    """Each has a registry of its own, also inside one interpreter."""
    process.counter(metrics.RECORDS_FOLDED, fold="intake").inc()

    assert b"records_folded" not in Metrics("intake", "0.1.0").expose()[0]


def test_a_series_fetched_twice_is_the_same(process: Metrics) -> None:
    """Fetching does not reset."""
    process.counter(metrics.TICKS, fold="intake").inc()
    process.counter(metrics.TICKS, fold="intake").inc(2)

    assert b'homeostat_ticks_total{fold="intake"} 3.0' in process.expose()[0]


@pytest.mark.parametrize("labels", [{}, {"fold": "x", "action": "y"}, {"hand": "x"}])
def test_other_labels_are_refused(process: Metrics, labels: dict[str, str]) -> None:
    """The label sets are closed."""
    with pytest.raises(ValueError, match="label"):
        process.counter(metrics.RECORDS_FOLDED, **labels).inc()


def test_exemplars_are_shown_in_openmetrics_only(process: Metrics) -> None:
    """An id never becomes a label."""
    process.counter(metrics.OUTPUTS, fold="governor", type="verdict.given").inc(1, {"trace_id": "abc"})

    assert b'# {trace_id="abc"} 1.0' in process.expose(OPENMETRICS)[0]
    assert b"trace_id" not in process.expose()[0]
