"""The evaluations on learning curves keep their protocol, on any folder of the shape."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evaluation.made_up_curves import write

from homeostat_lab.evaluation import retrain_benefit, train_time
from homeostat_lab.evaluation.learning_curves import LEAST_ANCHOR, read
from homeostat_lab.evaluation.ranking import Ranking
from homeostat_lab.evaluation.retrain_questions import LEAST_GAIN, Questions, means_of, questions_of, slopes_of
from homeostat_lab.evaluation.rows import OURS, Job


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30),
)
def test_the_area_is_the_share_of_pairs_in_order(told: list[tuple[int, bool, int]]) -> None:
    """Ties count half, weights are repetitions; without both outcomes there is none."""
    scores, outcomes, weights = (np.array(column) for column in zip(*told, strict=True))
    repeated = [(s, y) for s, y, w in told for _ in range(w)]
    pairs = [(a > b) + (a == b) / 2 for a, y in repeated if y for b, z in repeated if not z]

    area = Ranking(scores.astype(float), outcomes.astype(bool)).auc(weights.astype(float))

    assert area == pytest.approx(np.mean(pairs)) if pairs else np.isnan(area)


@pytest.fixture
def questions(tmp_path: Path) -> Questions:
    """Of a small folder."""
    return questions_of(read(write(tmp_path) / "lcdb")[0])


def test_questions_are_those_the_protocol_names(questions: Questions) -> None:
    """Anchors of 128 rows and more, twice and four times the rows, and what came of it."""
    curve = questions.curves[0]
    asked = [(curve.rows[d.anchor], curve.rows[d.target]) for d in questions.decisions if d.curve == 0]

    assert asked == [(128, 256), (128, 512), (181, 362), (256, 512), (256, 1024), (362, 1448), (512, 1024)]
    assert min(anchor for anchor, _ in asked) >= LEAST_ANCHOR
    first = questions.decisions[0]
    assert questions.gains[0] == curve.results[first.target] - curve.results[first.anchor]
    assert slopes_of(questions)[0] == curve.results[first.anchor] - curve.results[first.anchor - 1]
    assert questions.pays[0] == (questions.gains[0] > LEAST_GAIN)


def test_meta_features_are_read_where_there_are_any(questions: Questions) -> None:
    """Empty cells and unknown data sets have none."""
    by_task = {curve.task: curve.meta_features for curve in questions.curves}

    assert by_task["0"] == {"NumberOfFeatures": 12.0, "NumberOfClasses": 2.0}
    assert by_task["1"] == {"NumberOfFeatures": 5.0}
    assert by_task["3"] == {}


def test_no_decision_knows_its_outcome(questions: Questions) -> None:
    """Other results at the end of every curve change no answer that was given before the first of them came."""
    last = 8
    curves = [replace(c, results=(*c.results[:last], *(0.0 for _ in c.results[last:]))) for c in questions.curves]
    changed = replace(questions, curves=curves)

    truth, other = (retrain_benefit.play(q, 0, 99) for q in (questions, changed))

    first = int(np.flatnonzero(truth.places == 0.0)[0])
    curve = questions.decisions[first].curve
    before = [n for n, d in enumerate(questions.decisions) if d.curve == curve and d.anchor < last]
    assert before
    assert truth.places[before].max() == 0.0
    assert (truth.gains[before] == other.gains[before]).all()
    assert (truth.probabilities[before] == other.probabilities[before]).all()


def test_the_mean_knows_earlier_curves_only(questions: Questions) -> None:
    """The first curve of the order gets the even guess; all are between the smallest and the largest outcome."""
    answers = retrain_benefit.play(questions, 0, 3)

    shares, means = means_of(questions, answers.places, answers.is_asked)

    assert (shares[answers.is_asked & (answers.places == 0.0)] == 0.5).all()
    assert (shares[~answers.is_asked] == 0.5).all()
    assert (shares[answers.is_asked & (answers.places > 0.0)] != 0.5).any()
    assert means.min() >= min(0.0, questions.gains.min())
    assert means.max() <= questions.gains.max()


def test_retrain_benefit_reports_ours_beside_the_baselines(tmp_path: Path) -> None:
    """For twice and four times the rows, whatever the file is called."""
    said: list[str] = []

    result = retrain_benefit.evaluate(Job(write(tmp_path, n_sets=8, suffix="_held"), 1, said.append))

    ours = {(row.metric, row.setting) for row in result.rows if row.method == OURS}
    others = {row.method for row in result.rows} - {OURS}
    assert {("auc", "x2"), ("mae", "x4"), ("brier", "x2 last half"), ("auc", "x4 alone")} <= ours
    assert len(others) >= 2
    for setting in ("x2", "x4 last half", "x4 alone"):
        counts = {row.n for row in result.rows if (row.metric, row.setting) == ("mae", setting)}
        assert len(counts) == 1, "all methods answer for the same data sets"
    assert all(row.n <= 8 for row in result.rows)
    assert len(result.plots) == 2
    assert said
    assert any("at least 128 rows" in note for note in result.notes)


def test_train_time_reports_curves_and_searches(tmp_path: Path) -> None:
    """Files without training times are passed over, with a word, as runs without a time are."""
    folder = write(tmp_path)
    with (folder / "hpo-blackbox" / "Made_part.csv").open("a") as stream:
        stream.write("0.5,0.5,0,task 0\n")
    with (folder / "lcdb" / "learning_curves_more.csv").open("w") as stream:
        stream.write("openmlid,learner,size_train,traintime,score_valid\n0,tree,2000,,0.9\n")

    result = train_time.evaluate(Job(folder, 1, lambda _: None))

    assert "published_results.csv left out: it has no training times" in result.notes
    assert "searches: 1 runs of 0 seconds are left out" in result.notes
    assert "1 runs without score or time are left out" in result.notes

    settings = {row.setting for row in result.rows if row.method == OURS}
    assert {"lcdb x2", "lcdb x4", "Made"} <= settings
    rule = next(row for row in result.rows if row.setting == "lcdb x4" and row.method != OURS)
    assert rule.value == pytest.approx(0.0, abs=1e-4)


def test_a_folder_without_curves_is_named(tmp_path: Path) -> None:
    """The error says what was looked for and where."""
    with pytest.raises(FileNotFoundError, match="learning_curves"):
        read(tmp_path)
