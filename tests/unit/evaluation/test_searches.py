"""The evaluations of advice on configurations, on small made-up folders of the right shape."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from homeostat_lab.evaluation.algorithm_choice import evaluate as evaluate_choice
from homeostat_lab.evaluation.grids import read_matrix, read_runs
from homeostat_lab.evaluation.rows import OURS, Job, Row
from homeostat_lab.evaluation.warm_start import evaluate as evaluate_warm_start

N = 14


def write(path: Path, header: list[str], lines: list[list[object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        csv.writer(file).writerows([header, *lines])


@pytest.fixture
def searches(tmp_path: Path) -> Job:
    """Fourteen data sets, eleven points each, one of them missing; the best point lies at 3 or at 8."""
    generator = np.random.default_rng(0)
    best = [3 if i % 2 else 8 for i in range(N)]
    lines: list[list[object]] = [
        [f"set {i}", 0.9 - 0.05 * abs(j - best[i]) + 0.001 * generator.normal(), j, j % 3]
        for i in range(N)
        for j in range(11)
        if (i, j) != (0, 5)
    ]
    folder = tmp_path / "tst-svm"
    write(folder / "svm_runs_held.csv.gz", ["dataset", "accuracy", "hp_c", "k_rbf"], lines)
    write(folder / "metafeatures_held.csv", ["dataset", "mf00"], [[f"set {i}", i % 2] for i in range(N - 1)])
    return Job(tmp_path, 2, lambda _: None)


@pytest.fixture
def choices(tmp_path: Path) -> Job:
    """Forty data sets, three algorithms; which of two is better is a descriptor's sign, and one descriptor is odd."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(40, 2))
    results = 0.7 + 0.1 * np.stack([features[:, 0], -features[:, 0], np.full(40, -2.0)], 1)
    folder = tmp_path / "openml-weka-2017"
    ids = [str(1000 + i) for i in range(40)]
    write(
        folder / "accuracy_matrix_held.csv",
        ["instance_id", "1_A", "2_B", "3_C"],
        [[name, *line] for name, line in zip(ids, results, strict=True)],
    )
    write(
        folder / "metafeatures_held.csv",
        ["instance_id", "Size.1", "Odd"],
        [[name, line[0], "" if i % 3 else line[1]] for i, (name, line) in enumerate(zip(ids, features, strict=True))],
    )
    return Job(tmp_path, 1, lambda _: None)


def value(rows: list[Row], setting: str, method: str) -> float:
    (row,) = [row for row in rows if (row.setting, row.method) == (setting, method)]
    return row.value


def test_a_search_by_advice_beats_chance(searches: Job) -> None:
    """Left out in turn and in order of arrival, there are rows for all trials and methods; ours beats chance."""
    result = evaluate_warm_start(searches)

    assert {row.setting for row in result.rows} == {
        f"{setting} @{k}" for setting in ("leave-one-out", "prequential") for k in (1, 3, 5, 10)
    }
    for setting in ("leave-one-out", "prequential"):
        assert value(result.rows, f"{setting} @3", OURS) < value(result.rows, f"{setting} @3", "random")
    assert {row.n for row in result.rows} == {N, N}
    assert len(result.plots) == 2


def test_what_is_not_scored_is_said(searches: Job, choices: Job) -> None:
    """What arrives first, what has nothing to choose from, and what a method is spared."""
    folder = searches.folder("tst-svm")
    write(
        folder / "flat_runs.csv", ["dataset", "accuracy", "hp_c", "k_rbf"], [["flat", 0.5, 0, 0], ["flat", 0.5, 1, 1]]
    )

    warm, choice = evaluate_warm_start(searches).notes, evaluate_choice(choices).notes

    assert "the first 7 data sets" in warm[0]
    assert warm[1] == "1 data sets without two different results are left out: flat"
    assert "the first 20 data sets" in choice[0]
    assert any("random-forest" in note for note in choice)


def test_a_choice_by_descriptors_closes_the_gap(choices: Job) -> None:
    """Where a descriptor decides, most of the gap is closed; the single best closes none of it."""
    rows = evaluate_choice(choices).rows

    assert value(rows, "cross-validated", "single-best") == 0.0
    assert value(rows, "cross-validated", OURS) > 0.5
    assert value(rows, "prequential", OURS) > 0.5
    assert {row.n for row in rows} == {40, 20}


def test_names_and_gaps_are_read_as_they_come(searches: Job, choices: Job) -> None:
    """Names become ones that payloads take; what is missing is missing."""
    runs, matrix = read_runs(searches.folder("tst-svm")), read_matrix(choices.folder("openml-weka-2017"))

    assert runs.data_sets[0] == "set-0"
    assert runs.results.shape == (N, 11)
    assert np.isnan(runs.results).sum() == 1
    assert runs.options[0].hyperparameters == {"hp_c": 0.0, "k_rbf": 0.0}
    assert runs.meta_features[-1] == {}
    assert [option.configuration for option in matrix.options] == ["1_A", "2_B", "3_C"]
    assert set(matrix.meta_features[1]) == {"Size.1"}


def test_several_files_are_read_as_one(searches: Job, tmp_path: Path) -> None:
    """Runs and descriptors, plain or compressed, with the columns in another order."""
    folder = searches.folder("tst-svm")
    before = read_runs(folder)
    lines: list[list[object]] = [["new", 0, 0, 0.5], ["new", "1.0", 1, 0.7]]
    write(folder / "the_other_runs.csv", ["dataset", "k_rbf", "hp_c", "accuracy"], lines)
    write(folder / "metafeatures_more.csv.gz", ["dataset", "mf00", "mf01"], [["new", 3, 4]])

    after = read_runs(folder)

    assert after.data_sets == [*before.data_sets, "new"]
    assert after.options == before.options
    assert np.flatnonzero(np.isfinite(after.results[-1])).tolist() == [0, 1]
    assert after.meta_features[-1] == {"mf00": 3.0, "mf01": 4.0}
    assert np.array_equal(after.results[:-1], before.results, equal_nan=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says what was looked for."""
    with pytest.raises(FileNotFoundError, match=r"accuracy_matrix\*"):
        read_matrix(tmp_path)
