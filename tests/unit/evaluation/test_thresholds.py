"""The evaluation of alert thresholds, on a small folder of the benchmark's shape."""

import json
from pathlib import Path

import numpy as np
import pytest

from homeostat_lab.evaluation import nab, thresholds
from homeostat_lab.evaluation.rows import OURS, Job, Row
from homeostat_lab.evaluation.threshold_baselines import (
    pages,
    random_alarms,
    river_quantile,
    rolling_quantile,
    static_quantile,
)

N = 700


def write(folder: Path) -> None:
    """Two noisy series with one level that was never seen before, in a window, and one without."""
    windows: dict[str, list[list[str]]] = {}
    (folder / "data" / "made").mkdir(parents=True)
    times = [f"2014-04-{1 + i // 144:02d} {i // 6 % 24:02d}:{i % 6}0:00" for i in range(N)]
    for seed in range(3):
        values = np.random.default_rng(seed).normal(size=N)
        name = f"made/s{seed}.csv"
        windows[name] = []
        if seed:
            values[400:410] += 12.0
            windows[name] = [[times[390], times[430]]]
        rows = [f"{time},{value!r}" for time, value in zip(times, values.tolist(), strict=True)]
        (folder / "data" / name).write_text("\n".join(["timestamp,value", *rows]))
    (folder / "windows.json").write_text(json.dumps(windows))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Row]:
    """Rows of one run by metric and method."""
    folder = tmp_path_factory.mktemp("data") / "nab"
    write(folder)
    said: list[str] = []
    result = thresholds.evaluate(Job(folder.parent, 1, said.append))
    assert said
    assert any("first 15 %" in note for note in result.notes)
    assert [set(plot.lines) >= {"value"} or OURS in plot.lines for plot in result.plots] == [True, True]
    return {(row.metric, row.method): row for row in result.rows}


def test_a_level_never_seen_is_paged_where_chance_is_not(rows: dict[tuple[str, str], Row]) -> None:
    """Both incidents are hit, in the middle of their windows (a score above 70 with few false pages); chance is not."""
    ours = rows["nab_standard_score", OURS]

    assert rows["windows_hit", OURS].value == 1.0
    assert ours.value > 60.0
    assert ours.low <= ours.value <= ours.high
    assert rows["nab_standard_score", "random"].value < ours.value - 30.0


def test_the_stated_rate_is_kept(rows: dict[tuple[str, str], Row]) -> None:
    """1 % within half a point on 595 rows of noise, never more than 3 % in 500 rows."""
    assert rows["mean_absolute_deviation", OURS].value < 0.005
    assert rows["worst_window_p90", OURS].value < 0.03
    assert {method for metric, method in rows if metric == "alarm_rate"} >= {OURS, "static_quantile", "random"}


def test_the_fold_says_what_is_above(tmp_path: Path) -> None:
    """Rows above the threshold are the rows of the incidents and a few more; pages are at least 100 rows apart."""
    write(tmp_path)
    series = nab.read_series(tmp_path)[1]

    run = thresholds.run(series)

    assert run.above[400]
    assert 400 in run.pages
    assert np.diff(run.pages).min(initial=1_000) > 100


def test_kept_counts_after_the_calibration() -> None:
    """The first 15 % do not count; the worst window slides."""
    alarms = np.zeros(1_000, bool)
    alarms[:150] = True
    alarms[300:310] = True
    alarms[795:799] = True

    measured = thresholds.kept(alarms)

    assert measured.rate == pytest.approx(14 / 850)
    assert measured.worst == pytest.approx(14 / 500)


def test_baselines_alarm_at_the_rate_on_still_noise() -> None:
    """2 % within one point over 5,000 normal values, each baseline."""
    values = np.random.default_rng(0).normal(size=5_000)

    for alarm in (static_quantile, rolling_quantile, river_quantile):
        assert alarm(values, 0.02).mean() == pytest.approx(0.02, abs=0.01)
    assert random_alarms(values, 0.02, seed=0).mean() == pytest.approx(0.02, abs=0.01)


def test_pages_keep_their_distance() -> None:
    """A page is followed by so many rows without one."""
    alarms = np.zeros(30, bool)
    alarms[[3, 4, 8, 9, 20]] = True

    assert pages(alarms, 0) == [3, 4, 8, 9, 20]
    assert pages(alarms, 5) == [3, 9, 20]
