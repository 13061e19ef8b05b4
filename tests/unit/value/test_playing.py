"""Policies over recorded rows: what is known when, what is trained on it, and what it is worth."""

import numpy as np
from tests.unit.value.histories import START, STEP_SECONDS, history

from homeostat_tools.value.intervals import estimate
from homeostat_tools.value.playing import Arrivals, PolicyRun, Training, play
from homeostat_tools.value.rows import ModelRows, unplayable
from homeostat_tools.value.triggers import AtRows, Never, OnAlarm, Schedule, Trigger

LINEAR = Training("linear", window=300)


def played(rows: ModelRows, trigger: Trigger) -> PolicyRun:
    """Play a policy with the linear stand-in."""
    return play(rows, "scheduled", "policy", trigger, LINEAR)


def test_never_answers_what_was_recorded() -> None:
    """It is the baseline."""
    rows = history(600)

    run = played(rows, Never())

    np.testing.assert_array_equal(run.prediction, rows.prediction)
    assert run.actions == []


def test_a_retrain_after_a_drift_pays() -> None:
    """The stand-in learns the new sum; the recorded model goes on with the old one."""
    rows = history(4000, drift_at=1500)

    run = played(rows, AtRows([(START + 2000 * STEP_SECONDS, "enough labels since the drift")]))

    (action,) = run.actions
    assert action.gain.low > 0.4
    assert np.mean(rows.errors(run.prediction)) < np.mean(rows.errors(rows.prediction)) - 0.2


def test_an_alarm_comes_after_the_drift_and_trains_on_what_was_known() -> None:
    """Not before labels of the new rows have come; mostly old rows are in the window then."""
    rows = history(4000, drift_at=1500)

    run = played(rows, OnAlarm())

    assert run.actions[0].row >= 1560
    assert "ADWIN: error" in run.actions[0].why


def test_a_planted_bad_policy_shows_its_loss() -> None:
    """Labels are wrong in the hours before the retrain: what it trains then answers the wrong way round."""
    rows = history(3800, wrong=(slice(1620, 1980),))

    run = played(rows, Schedule(2000 * STEP_SECONDS))

    (action,) = run.actions
    assert (action.judgement, action.gain.high < -0.7) == ("loss", True)
    assert estimate(rows.errors(rows.prediction) - rows.errors(run.prediction)).judgement == "loss"


def test_labels_are_not_known_before_they_came() -> None:
    """An hour late is sixty rows late."""
    rows = history(300)
    arrivals = Arrivals(rows)

    first = arrivals.take(START + 100 * STEP_SECONDS, 101)
    second = arrivals.take(START + 101 * STEP_SECONDS, 102)

    assert first.tolist() == list(range(41))
    assert second.tolist() == [41]
    assert arrivals.taken().tolist() == list(range(42))


def test_a_label_of_a_row_that_is_not_served_yet_waits() -> None:
    """Rows of one second may be cut in two: the label comes with its row."""
    rows = history(10)
    rows.time[:] = rows.label_time[:] = START
    arrivals = Arrivals(rows)

    assert arrivals.take(START, 4).tolist() == [0, 1, 2, 3]
    assert arrivals.n_taken == 10
    assert arrivals.take(START, 10).tolist() == [4, 5, 6, 7, 8, 9]


def test_no_model_answers_a_row_it_was_trained_on() -> None:
    """The window of every training lies before the rows that follow it, an hour at least."""
    rows = history(2000)

    run = played(rows, Schedule(400 * STEP_SECONDS))

    for action in run.actions:
        last = int(action.trace["trained on"].rpartition(" ")[2])
        assert last <= action.row - 60


def test_recorded_times_are_played_at_those_times() -> None:
    """With the next rows that were served."""
    rows = history(2000)

    run = played(rows, AtRows([(START + 500 * STEP_SECONDS, "promoted"), (START + 1200 * STEP_SECONDS, "again")]))

    assert [(action.row, action.why) for action in run.actions] == [(550, "promoted"), (1250, "again")]


def test_what_cannot_be_played_says_why() -> None:
    """No label, no input, too few."""
    unlabelled, blind = history(400), history(400)
    unlabelled.label[:] = np.nan
    blind.x = np.empty((400, 0), np.float32)

    assert "no row has a label" in unplayable(unlabelled)
    assert "no inputs were recorded" in unplayable(blind)
    assert "300 are needed" in unplayable(history(200))
    assert unplayable(history(400)) == ""
