"""Alert thresholds: bands, moves, fences, reports."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.threshold_actuator.commands import BAND, COMMON, MODEL, approve, command, moved, reports, revert, series

from homeostat.core import Observer
from homeostat.events import ActionApplied, ActionFailed, Command
from homeostat.events.logs import INDICATORS, POLICY_THRESHOLD
from homeostat.events.series import Series
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds, ThresholdFileUnreadable


def test_a_band_is_applied_and_reported(target: PrometheusThresholds) -> None:
    """The report carries the band; the threshold starts where it alerts least."""
    (report,) = reports(ThresholdActuator(target), approve())

    assert isinstance(report.data, ActionApplied)
    assert (report.stage, report.data.kind, report.data.band) == ("applied", "threshold", BAND)
    assert series(target) == 0.6


def test_a_revert_pins_the_threshold(target: PrometheusThresholds) -> None:
    """The band that is reported has no width, so that no move leaves the fixed value."""
    hand = ThresholdActuator(target)
    reports(hand, approve())

    (report,) = reports(hand, revert(0.9))
    target.moved(MODEL, moved(0.3))

    assert isinstance(report.data, ActionApplied)
    assert report.data.band == BAND.model_copy(update={"low": 0.9, "high": 0.9})
    assert series(target) == 0.9


def test_a_revert_needs_no_band_before_it(target: PrometheusThresholds) -> None:
    """A fixed threshold can be set where none was."""
    reports(ThresholdActuator(target), revert(0.9))

    assert series(target) == 0.9


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-1, 2), max_size=8))
def test_no_move_leaves_the_band(target: PrometheusThresholds, thresholds: list[float]) -> None:
    """Whatever a tracker says, the series stays inside what was approved."""
    reports(ThresholdActuator(target), approve())

    for threshold in thresholds:
        target.moved(MODEL, moved(threshold))

    value = series(target)
    assert value is not None
    assert BAND.low <= value <= BAND.high
    if thresholds:
        assert value == min(max(thresholds[-1], BAND.low), BAND.high)


def test_the_operating_point_approved_last_is_shown(target: PrometheusThresholds) -> None:
    """Moves of the other one are passed over, and a revert keeps the operating point."""
    hand, page = ThresholdActuator(target), BAND.model_copy(update={"operating_point": "page"})
    reports(hand, approve())
    reports(hand, approve(2, page))

    target.moved(MODEL, moved(0.3))
    target.moved(MODEL, moved(0.4).model_copy(update={"operating_point": "page"}))
    shown = series(target)
    (report,) = reports(hand, revert(0.9, 3))

    assert shown == 0.4
    assert isinstance(report.data, ActionApplied)
    assert report.data.band == page.model_copy(update={"low": 0.9, "high": 0.9})


def test_a_narrower_band_moves_the_threshold(target: PrometheusThresholds) -> None:
    """A threshold outside a new band is clipped into it at once."""
    hand = ThresholdActuator(target)
    reports(hand, approve())
    target.moved(MODEL, moved(0.5))

    reports(hand, approve(2, BAND.model_copy(update={"high": 0.4})))

    assert series(target) == 0.4


def test_without_approval_nothing_moves(target: PrometheusThresholds) -> None:
    """A move of a signal without a band makes no series."""
    target.moved(MODEL, moved(0.5))

    assert series(target) is None


def test_the_signal_is_shown_beside_its_threshold(target: PrometheusThresholds) -> None:
    """Under the same labels, and only once it was measured and has a threshold."""
    target.moved(MODEL, moved(0.5))
    assert series(target, "homeostat_alert_signal") is None
    reports(ThresholdActuator(target), approve())
    assert series(target, "homeostat_alert_signal") is None

    target.moved(MODEL, moved(0.5))

    assert series(target, "homeostat_alert_signal") == 0.1


def test_nothing_moves_while_the_scope_is_braked(target: PrometheusThresholds) -> None:
    """The first move after the release counts again."""
    hand = ThresholdActuator(target)
    reports(hand, approve())

    hand.observe(command(moved(0.5)), is_braked=True)
    assert series(target) == 0.6
    hand.observe(command(moved(0.3)), is_braked=False)

    assert series(target) == 0.3


def test_it_observes_what_it_reads() -> None:
    """The hand is an observer of a log that holds no commands."""
    hand = ThresholdActuator(PrometheusThresholds(Path("nowhere.json")))

    assert isinstance(hand, Observer)
    assert set(hand.logs) == {POLICY_THRESHOLD, INDICATORS}


def test_a_lower_sequence_never_acts(target: PrometheusThresholds) -> None:
    """A command after a later one is not answered; the same one is answered again."""
    hand = ThresholdActuator(target)
    reports(hand, approve(10))
    target.moved(MODEL, moved(0.5))

    assert reports(hand, revert(0.9, 9)) == []
    assert len(reports(hand, approve(10))) == 1

    assert series(target) == 0.5


def test_a_new_incarnation_of_the_log_counts_from_the_start(target: PrometheusThresholds) -> None:
    """Sequences of different sources do not compare."""
    hand = ThresholdActuator(target)
    reports(hand, approve(10))

    assert len(reports(hand, approve(1, source="/homeostat/governor/g/another/0"))) == 1


def test_a_restart_keeps_everything(target: PrometheusThresholds, path: Path) -> None:
    """Value, band and fence come back from the file."""
    reports(ThresholdActuator(target), approve(10))
    target.moved(MODEL, moved(0.5))

    again = PrometheusThresholds(path)

    assert series(again) == 0.5
    assert again.band(MODEL, Series("uncertainty")) == BAND
    assert reports(ThresholdActuator(again), approve(9)) == []


def test_a_damaged_file_stops_the_hand(path: Path) -> None:
    """What cannot be read is not guessed."""
    path.parent.mkdir()
    path.write_text("[]")

    with pytest.raises(ThresholdFileUnreadable):
        PrometheusThresholds(path)


def test_what_cannot_be_kept_is_not_done(path: Path) -> None:
    """A full or missing disk fails the command and leaves the series."""
    target = PrometheusThresholds(path)
    path.parent.write_text("a file where the folder should be")

    (report,) = reports(ThresholdActuator(target), approve())

    assert isinstance(report.data, ActionFailed)
    assert report.data.reason == "target_failed"
    assert series(target) is None


def test_other_commands_are_not_for_this_hand(target: PrometheusThresholds) -> None:
    """A command without a model, or of another type, is nobody's."""

    class Other(Command):
        TYPE = "homeostat.other.v1"

    assert reports(ThresholdActuator(target), command(Other.model_validate(COMMON))) == []
