"""The score of the Numenta benchmark: by hand, and against what was published."""

import csv
import gzip
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from homeostat_lab.evaluation import nab

DATA = os.environ.get("HOMEOSTAT_EVALUATION_DATA", "")  # read here: each test gets a clean environment
WINDOW = ((100, 119),)
N = 400


def sigmoid(x: float) -> float:
    """The scaled sigmoid, as the benchmark's paper writes it."""
    return 2.0 / (1.0 + math.exp(5.0 * x)) - 1.0


def test_an_alarm_at_the_first_row_of_every_window_is_a_hundred() -> None:
    """And silence is nought, whatever the number of windows."""
    windows = ((100, 119), (200, 239))

    assert nab.standard_score([nab.score([100, 200], windows, N)]) == pytest.approx(100.0)
    assert nab.standard_score([nab.score([], windows, N), nab.score([], (), N)]) == 0.0
    assert math.isnan(nab.standard_score([nab.score([], (), N)]))


def test_the_earliest_alarm_in_a_window_counts() -> None:
    """The middle of a window of 20 rows is worth s(-1/2) / s(-1); what follows in the window adds nothing."""
    middle = sigmoid(-0.5) / sigmoid(-1.0)

    assert nab.score([110], WINDOW, N) == nab.Score(pytest.approx(middle), 1, 1, 0)  # type: ignore[arg-type]  # compares
    assert nab.score([110, 115, 119], WINDOW, N).raw == pytest.approx(middle)
    assert nab.score([119], WINDOW, N).raw == pytest.approx(sigmoid(-1 / 20) / sigmoid(-1.0))


def test_false_alarms_cost_the_more_the_farther_they_are() -> None:
    """0.11 before any window and beyond three widths of the last; little right after one; nothing in the probation."""
    missed = -1.0

    assert nab.probation(N) == 60
    assert nab.score([10, 59], WINDOW, N).raw == missed
    assert nab.score([60], WINDOW, N).raw == pytest.approx(missed - 0.11)
    assert nab.score([120], WINDOW, N).raw == pytest.approx(missed + 0.11 * sigmoid(1 / 19))
    assert nab.score([119 + 3 * 19], WINDOW, N).raw == pytest.approx(missed + 0.11 * sigmoid(3.0))
    assert nab.score([119 + 3 * 19 + 1], WINDOW, N).raw == pytest.approx(missed - 0.11)
    assert nab.score([60, 120, 399], WINDOW, N).n_false == 3


def test_probation_is_bounded() -> None:
    """15 % of the rows, at most 750."""
    assert [nab.probation(n) for n in (10, 1_127, 5_000, 22_695)] == [1, 169, 750, 750]


def test_profiles_weigh_misses_and_false_alarms() -> None:
    """Twice the miss, twice the false alarm."""
    assert nab.score([], WINDOW, N, nab.Profile(miss=2.0)).raw == -2.0
    assert nab.score([60, 100], WINDOW, N, nab.Profile(false=0.22)).raw == pytest.approx(1.0 - 0.22)


def write(folder: Path, suffix: str = "", *, is_compressed: bool = False) -> None:
    """A folder of the benchmark's shape with one series of 40 rows and one published detector."""
    times = [f"2014-04-01 {i // 6:02d}:{i % 6}0:00" for i in range(40)]
    (folder / "data" / "made").mkdir(parents=True)
    (folder / "scores" / "made").mkdir(parents=True)
    (folder / "published").mkdir()
    rows = [f"{time},{i}" for i, time in enumerate(times)]
    text = "\n".join(["timestamp,value", *rows]).encode()
    if is_compressed:
        (folder / "data/made/up.csv.gz").write_bytes(gzip.compress(text))
    else:
        (folder / "data/made/up.csv").write_bytes(text)
    windows = {"made/up.csv": [[f"{times[20]}.000000", f"{times[24]}.000000"]], "made/elsewhere.csv": []}
    (folder / f"windows{suffix}.json").write_text(json.dumps(windows))
    with gzip.open(folder / f"scores/made/up{suffix}.csv.gz", "wt") as file:
        file.write("\n".join(["timestamp,good", *(f"{time},{int(i == 20)}" for i, time in enumerate(times))]))
    thresholds = {"good": {"standard": {"threshold": 0.5}}}
    (folder / f"published/thresholds{suffix}.json").write_text(json.dumps(thresholds))


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("suffix", ["", "_other"])
def test_a_folder_is_read_by_its_shape(tmp_path: Path, suffix: str, is_compressed: bool) -> None:
    """Series that the label file names and that are there, plain or not; suffixes of the other files do not matter."""
    write(tmp_path, suffix, is_compressed=is_compressed)

    (series,) = nab.read_series(tmp_path)

    assert (series.name, series.windows, len(series.values), series.probation) == ("made/up.csv", ((20, 24),), 40, 6)
    assert np.flatnonzero(nab.read_published(tmp_path, series)["good"]).tolist() == [20]
    assert nab.read_thresholds(tmp_path) == {"good": 0.5}


def test_a_folder_without_series_says_so(tmp_path: Path) -> None:
    """With the place it looked at."""
    with pytest.raises(FileNotFoundError, match="windows"):
        nab.read_series(tmp_path)


def test_published_detectors_score_what_was_published() -> None:
    """All detectors, three profiles, to two decimals, with as many false alarms; part of the data that is there."""
    folder = Path(DATA) / "nab"
    if not DATA or not folder.is_dir():
        pytest.skip("HOMEOSTAT_EVALUATION_DATA names no folder with nab/ in it")
    profiles = {
        "standard": nab.STANDARD,
        "reward_low_FP_rate": nab.Profile(false=0.22),
        "reward_low_FN_rate": nab.Profile(miss=2.0),
    }
    series = nab.read_series(folder)
    tables = [nab.read_published(folder, each) for each in series]
    (table,) = folder.glob("published/scores_by_split*.csv")
    with table.open(newline="") as file:
        published = [row for row in csv.DictReader(file) if row["detector"] in tables[0]]
    part = next(name for name in published[0] if f"{name}_FP" in published[0])

    for row in published:
        scores = [
            nab.score(
                np.flatnonzero(scores[row["detector"]] >= float(row["threshold"])).tolist(),
                each.windows,
                len(each.values),
                profiles[row["profile"]],
            )
            for each, scores in zip(series, tables, strict=True)
        ]
        assert nab.standard_score(scores, profiles[row["profile"]]) == pytest.approx(float(row[part]), abs=0.0051)
        assert sum(score.n_false for score in scores) == int(row[f"{part}_FP"])
    assert len(published) >= 3
