"""The catalogue is closed and well named; a process shows what it counted, and nothing before."""

import re

import pytest

from homeostat.telemetry.metrics import CATALOGUE, Counter, Metric
from homeostat.telemetry.registry import Metrics

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


def test_nothing_is_shown_before_it_is_counted(process: Metrics) -> None:
    """A process shows its own series only, not zeros of everybody's."""
    names = {line.split("{")[0].split(" ")[0] for line in process.expose()[0].decode().splitlines() if line[0] != "#"}

    assert {name for name in names if name.startswith("homeostat_")} == {"homeostat_build_info"}


def test_two_processes_share_nothing(process: Metrics) -> None:
    """Each has a registry of its own, also inside one interpreter."""
    other = Metrics("intake", "0.1.0")

    assert b'service="governor"' in process.expose()[0]
    assert b'service="governor"' not in other.expose()[0]
