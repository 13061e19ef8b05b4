"""The drift protocols: what is a hit, what the kinds of drift do, and that the fold is what is measured."""

import gzip
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.drift import KSWIN

from homeostat_lab.evaluation.drift import METHODS, Hits, evaluate, f1, first_fed, ours, score
from homeostat_lab.evaluation.drift_baselines import Kswin
from homeostat_lab.evaluation.drift_many import ks, screened, world
from homeostat_lab.evaluation.drift_trials import KINDS, Stream, Tree, Trial, streams, trials
from homeostat_lab.evaluation.rows import OURS, Job


def _trial(n: int = 20_000, onset: int = 12_000) -> Trial:
    rows = np.arange(n)
    zeros = np.zeros(n, np.int64)
    return Trial("y_swaps", rows, np.zeros((n, 1)), zeros, zeros, np.ones(n), onset, n)


def _stream(n: int = 1500) -> Stream:
    """Two features that say the class, apart from one row in ten."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 2))
    y = ((x[:, 0] > 0.0) ^ (rng.random(n) < 0.1)).astype(np.int64)
    return Stream("made-up", x, y)


def test_the_first_alarm_inside_the_delay_is_the_hit() -> None:
    """Before the onset and later than the delay are false, two inside are one."""
    found = score(_trial(), [6000, 12_000, 13_000, 14_501])

    assert found == Hits(1, 2, 0.0, 15_000)


def test_a_small_stream_has_a_shorter_delay() -> None:
    """Below 20,000 rows 1,500 rows."""
    assert score(_trial(10_000, 6000), [7501]).hits == 0
    assert score(_trial(10_000, 6000), [7500]).hits == 1


def test_f1_counts_hits_misses_and_false_alarms() -> None:
    """2 hits, 1 miss, 1 false alarm: precision 2/3, recall 2/3."""
    assert f1([Hits(1, 0, 0.0, 1), Hits(1, 1, 0.0, 1), Hits(0, 0, 0.0, 1)]) == pytest.approx(2.0 / 3.0)


def test_detectors_see_rows_after_the_first_quarter() -> None:
    """The quarter only trains the tree."""
    assert first_fed(_trial()) == 5000


def test_the_kinds_do_what_their_names_say() -> None:
    """All share the rows before the onset; each changes one thing after it."""
    stream = _stream()
    by_kind = {trial.kind: trial for trial in trials(stream, 0)}

    assert tuple(by_kind) == KINDS
    onset = by_kind["y_swaps"].onset
    assert 0.5 <= onset / 1500 <= 0.8
    for trial in by_kind.values():
        assert np.array_equal(trial.x[:onset], by_kind["y_swaps"].x[:onset])
        assert np.array_equal(trial.predicted[:onset], by_kind["y_swaps"].predicted[:onset])
    assert len(np.unique(by_kind["y_swaps"].y[onset:])) == 1
    assert np.array_equal(by_kind["x_permutations"].x[onset:, ::-1], by_kind["y_swaps"].x[onset:])
    shares = [np.bincount(by_kind["y_prior_skip"].y[part], minlength=2) for part in (slice(onset), slice(onset, None))]
    assert abs(shares[0][0] / shares[0].sum() - shares[1][0] / shares[1].sum()) > 0.2
    assert len(by_kind["x_exceed_skip"].at) < 1400


def test_a_trial_is_the_same_whenever_it_is_made() -> None:
    """Its number is its seed."""
    one, two = (list(trials(_stream(), 3)) for _ in range(2))

    for first, second in zip(one, two, strict=True):
        assert np.array_equal(first.predicted, second.predicted)
        assert first.onset == second.onset


def test_our_detector_is_run_through_its_fold() -> None:
    """Swapped labels are found after the onset, and nothing before it."""
    trial = next(trials(_stream(), 1))

    alarms = ours(trial, first_fed(trial))

    assert score(trial, alarms).hits == 1
    assert score(trial, alarms).false_alarms == 0


def test_any_folder_of_the_same_shape_is_read(tmp_path: Path) -> None:
    """Whatever streams and classes are called, plain or compressed; what is no stream is left out and named."""
    stream = _stream(400)
    rows = list(zip(stream.x.tolist(), stream.y.tolist(), strict=True))
    (tmp_path / "published.csv").write_text("group,f1\nreal,0.5\n")
    (tmp_path / "prices.csv").write_text("".join(["a,price\n", *(f"{a},{b}\n" for (a, b), _ in rows)]))
    (tmp_path / "named.csv").write_text(
        "".join(["a,b,kind\n", *(f"{a},{b},{['no', 'yes'][c]}\n" for (a, b), c in rows)])
    )
    with gzip.open(tmp_path / "other-name.csv.gz", "wt") as file:
        file.writelines(["a,b,class\n", *(f"{a},{b},{float(c)}\n" for (a, b), c in rows)])

    found, left_out = streams(tmp_path)

    assert [one.name for one in found] == ["named", "other-name"]
    assert all(np.allclose(one.x, stream.x) and np.array_equal(one.y, stream.y) for one in found)
    assert [note.split()[0] for note in left_out] == ["prices.csv", "published.csv"]


def test_classes_are_numbered_by_their_value(tmp_path: Path) -> None:
    """10 comes after 9, whatever their letters."""
    (tmp_path / "s.csv").write_text("a,class\n" + "".join(f"0.5,{c}\n" for c in (9, 10, 10, 9)))

    ((stream,), _) = streams(tmp_path)

    assert stream.y.tolist() == [0, 1, 1, 0]


def test_the_learner_names_what_it_hears_of() -> None:
    """40 models of one family, a quarter of them moved by a deviation: the learner stands by these, by no other."""
    made, _ = world(0, 0.0)
    chosen = made[:40].copy()
    chosen[:10, 500:] += 1.0

    is_named, bits = screened(chosen)

    assert is_named.tolist() == [True] * 10 + [False] * 30
    assert bits[:10].min() > bits[10:].max()


def _accuracy(tree: Tree, rows: Iterable[tuple[dict[str, float], bool]]) -> float:
    """Prequential accuracy of the protocol's tree; the row before any class was seen has no prediction."""
    named, y = zip(*rows, strict=True)
    x = np.array([list(row.values()) for row in named])
    predicted, score = tree.run(x, np.array(y).astype(np.int64))
    known = np.isfinite(score)
    return float((predicted == y)[known].mean())


def test_the_tree_scores_what_river_publishes_on_agrawal() -> None:
    """84.58 %: river's documentation of HoeffdingTreeClassifier, Agrawal(0, seed 42), 1,000 rows."""
    from river.datasets.synth import Agrawal

    nominal = ["elevel", "car", "zipcode"]
    rows = list(Agrawal(classification_function=0, seed=42).take(1000))
    tree = Tree(list(rows[0][0]), grace_period=100, delta=1e-5, nominal_attributes=nominal)

    assert round(100.0 * _accuracy(tree, rows), 2) == 84.58


def test_the_tree_scores_what_river_scores_on_phishing() -> None:
    """87.99 %: river's own test-then-train run over its bundled data set, which has no first prediction either."""
    from river.datasets import Phishing

    rows = list(Phishing())

    assert round(100.0 * _accuracy(Tree(list(rows[0][0])), rows), 2) == 87.99


@given(st.lists(st.booleans(), max_size=400), st.floats(0.2, 1.0), st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_the_fast_kswin_is_rivers(before: list[bool], rate: float, seed: int) -> None:
    """Same p-value and same alarms on any bits."""
    after = np.random.default_rng(seed).random(150) < rate
    fast, own = Kswin(seed=seed), KSWIN(seed=seed)

    for value in [*map(float, before), *after.astype(float).tolist()]:
        fast.update(value)
        own.update(value)  # type: ignore[no-untyped-call]  # river
        assert fast.drift_detected == own.drift_detected
        assert fast.p_value == pytest.approx(own.p_value)


@pytest.mark.parametrize("method", ["ADWIN", "HDDM_A", "HDDM_W", "KSWIN", "PageHinkley"])
def test_baselines_hear_errors(method: str) -> None:
    """1 = wrong: a model that is wrong from the onset on is found soon after it, and not before."""
    trial = _trial()
    rng = np.random.default_rng(0)
    wrong = (rng.random(trial.n) < np.where(trial.at < trial.onset, 0.05, 0.9)).astype(np.int64)

    alarms = METHODS[method](replace(trial, predicted=wrong), first_fed(trial))

    assert trial.onset <= next(at for at in alarms if at >= trial.onset) <= trial.onset + 500


def test_kolmogorov_and_smirnov_agree_with_a_known_value() -> None:
    """D = .1 with 500 and 500 rows: p = .0135 (limit law)."""
    a = np.arange(500.0)

    assert ks(a, a + 49.5) == pytest.approx(0.0135, abs=0.0005)


@pytest.mark.skipif(
    os.environ.get("HOMEOSTAT_EVALUATION_DATA") is None or os.environ.get("HOMEOSTAT_LONG") is None,
    reason="HOMEOSTAT_EVALUATION_DATA and HOMEOSTAT_LONG are not both set",
)
def test_we_beat_adwin_on_every_stream() -> None:
    """By .08 of F1 on the mean over the kinds, on open data; some ten minutes."""
    result = evaluate(Job(Path(os.environ["HOMEOSTAT_EVALUATION_DATA"]), 1, lambda _: None))

    f1s = {(row.setting, row.method): row.value for row in result.rows if row.metric == "f1"}
    means = {setting for setting, _ in f1s if setting.endswith(" mean")}
    assert OURS in METHODS
    assert all(f1s[setting, OURS] >= f1s[setting, "ADWIN"] + 0.08 for setting in means)
