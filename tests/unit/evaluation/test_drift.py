"""The drift protocols: what is a hit, what the kinds of drift do, and that the fold is what is measured."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from homeostat.evaluation.drift import METHODS, Hits, evaluate, f1, first_fed, ours, score
from homeostat.evaluation.drift_many import _ks, evidence, world
from homeostat.evaluation.drift_trials import KINDS, Stream, Trial, streams, trials
from homeostat.evaluation.rows import OURS, Job
from homeostat.stats.ebh import e_bh


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
    """Whatever the streams are called; tables of results are left out."""
    stream = _stream(400)
    (tmp_path / "published.csv").write_text("group,f1\nreal,0.5\n")
    with gzip.open(tmp_path / "other-name.csv.gz", "wt") as file:
        file.write("a,b,class\n")
        file.writelines(f"{a},{b},{c}\n" for (a, b), c in zip(stream.x.tolist(), stream.y.tolist(), strict=True))

    (found,) = streams(tmp_path)

    assert found.name == "other-name"
    assert np.allclose(found.x, stream.x)
    assert np.array_equal(found.y, stream.y)


def test_evidence_reaches_whoever_listens() -> None:
    """40 models of one family, a quarter of them moved by a deviation: named by e-BH on what was told, no other."""
    streams_, _ = world(0, 0.0)
    chosen = streams_[:40].copy()
    chosen[:10, 500:] += 1.0

    named = e_bh(evidence(chosen), 0.05)

    assert named.tolist() == [True] * 10 + [False] * 30


def test_kolmogorov_and_smirnov_agree_with_a_known_value() -> None:
    """D = .1 with 500 and 500 rows: p = .0135 (limit law)."""
    a = np.arange(500.0)

    assert _ks(a, a + 49.5) == pytest.approx(0.0135, abs=0.0005)


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
