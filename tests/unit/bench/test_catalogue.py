"""The parts of a benchmark: one that fails leaves a row that says so, and the others go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeostat.runtime.settings import HostSettings
from homeostat_lab.bench import catalogue, hops, policy, recovery, throughput
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import BenchFailed, Row, row


def measured(*_: object, **__: object) -> Iterator[Row]:
    """Stand for a part that works."""
    yield row("measured", "s", [1.0])


def broken(*_: object, **__: object) -> Iterator[Row]:
    """Stand for a part that fails before its first row."""
    raise BenchFailed("nobody took over")


def test_a_part_that_fails_costs_only_its_own_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Five parts measure, one says why it did not."""

    @contextmanager
    def no_broker(_: Callable[[str], None]) -> Iterator[Ground]:
        yield Ground(tmp_path, HostSettings())

    monkeypatch.setattr(catalogue, "ground", no_broker)
    for module, name in (
        (throughput, "against_limit"),
        (throughput, "services"),
        (hops, "four_hops"),
        (policy, "telemetry_to_policy"),
        (policy, "memory"),
    ):
        monkeypatch.setattr(module, name, measured)
    monkeypatch.setattr(recovery, "recovery", broken)

    rows = list(catalogue.run("pipeline", is_quick=True))

    assert [made.name for made in rows] == ["measured"] * 4 + ["recovery"] + ["measured"]
    assert (rows[4].value, rows[4].reference) == (None, "nobody took over")
