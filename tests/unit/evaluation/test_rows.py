"""Numbers with intervals, and the page they are shown on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat_lab.evaluation import report
from homeostat_lab.evaluation.rows import Job, Plot, Result, bootstrap_row, mean_row

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=1, max_size=30))
def test_the_interval_of_a_mean_holds_the_mean(values: list[float]) -> None:
    """A single value has no interval; more have one around their mean."""
    row = mean_row("t", "m", "s", "homeostat", values)

    assert row.low <= row.value <= row.high
    assert row.n == len(values)
    assert (row.low == row.high) or len(values) > 1


def test_missing_values_are_left_out_and_said() -> None:
    """NaN stands for a unit that has no value: the row, its JSON and every table say how many there were."""
    row = mean_row("t", "m", "s", "homeostat", [1.0, float("nan"), 3.0])

    assert (row.value, row.n, row.missing) == (2.0, 2, 1)
    assert row.units == "2 of 3"
    assert row.as_dict()["missing"] == 1
    assert "2 of 3" in report.page({"t": Result([row])}, "page")
    assert mean_row("t", "m", "s", "homeostat", [float("nan")]).units == "0 of 1"


def test_a_bootstrap_resamples_whole_units() -> None:
    """The interval of a statistic over units that are all alike is a point; over different ones it is not."""
    alike = bootstrap_row("t", "m", "s", "homeostat", [5.0] * 10, max)
    mixed = bootstrap_row("t", "m", "s", "homeostat", [*range(20)], lambda units: sum(units) / len(units))

    assert alike.low == alike.value == alike.high
    assert mixed.low < mixed.value < mixed.high


def test_a_data_folder_may_be_the_set_itself_or_the_folder_of_sets(tmp_path: Path) -> None:
    """Both ways of saying where the data are lead to the same folder; anything else says where it looked."""
    (tmp_path / "nab").mkdir()

    assert Job(tmp_path, 1, print).folder("nab") == Job(tmp_path / "nab", 1, print).folder("nab")
    with pytest.raises(FileNotFoundError, match="--data"):
        Job(tmp_path, 1, print).folder("omniglot")


def test_the_page_shows_every_row_and_plot_and_loads_nothing(tmp_path: Path) -> None:
    """Names are escaped; figures lie in the page."""
    rows = [mean_row("drift", "f1", "a < b", method, [0.5, 0.7]) for method in ("homeostat", "ADWIN")]
    plot = Plot(
        "delay & alarms", "rows", "F1", {"homeostat": ([1.0, 2.0], [0.1, 0.2]), "ADWIN": ([1.0, 2.0], [0.1, 0.1])}
    )

    report.write(tmp_path / "made" / "report.html", {"drift": Result(rows, [plot])})

    page = (tmp_path / "made" / "report.html").read_text("utf-8")
    assert page.count("<tr") == 3
    assert "a &lt; b" in page
    assert "delay &amp; alarms" in page
    assert "<svg" in page
    assert "src=" not in page
