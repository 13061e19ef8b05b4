"""Alert thresholds: bands, moves, fences, reports."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from homeostat.core import Event, Identity, Observer, Position, Report
from homeostat.core.identity import emit_id
from homeostat.events import ActionApplied, ActionFailed, Band, Command, ThresholdMoved, ThresholdRevert, ThresholdSet
from homeostat.events.logs import INDICATORS, POLICY_THRESHOLD
from homeostat.events.series import Series
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds, ThresholdFileUnreadable

MODEL = "dock/camera-1"
BAND = Band(signal="uncertainty", rate=0.01, low=0.2, high=0.6, eta=0.05)
COMMON = {"action": "a", "verdict": "v", "family": "dock/cameras", "model": MODEL, "expires_at": 10_000}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "thresholds.json"


@pytest.fixture
def target(path: Path) -> PrometheusThresholds:
    return PrometheusThresholds(path)


def command(data: Command | ThresholdMoved, offset: int = 1, source: str = "/homeostat/governor/g/t/0") -> Event:
    return Event(
        id=emit_id(offset),
        source=source,
        type=data.TYPE,
        subject=MODEL,
        time=0,
        data=data,
        position=Position("homeostat.policy.alert-threshold", "t", 0, offset),
        story=Identity("story"),
        emitter="",
    )


def approve(offset: int = 1, band: Band = BAND, source: str = "/homeostat/governor/g/t/0") -> Event:
    return command(ThresholdSet.model_validate(COMMON | {"band": band}), offset, source)


def revert(threshold: float, offset: int = 2) -> Event:
    data = ThresholdRevert.model_validate(COMMON | {"signal": "uncertainty", "threshold": threshold})
    return command(data, offset)


def moved(threshold: float) -> ThresholdMoved:
    return ThresholdMoved(model=MODEL, signal="uncertainty", threshold=threshold, value=0.1, is_alert=False, rate=0.01)


def series(
    target: PrometheusThresholds, name: str = "homeostat_alert_threshold", layer: str = "", attributes: str = ""
) -> float | None:
    registry = CollectorRegistry()
    registry.register(target)
    model = {"scope": "dock", "model": "camera-1", "signal": "uncertainty"}
    return registry.get_sample_value(name, model | {"layer": layer, "attributes": attributes})


def reports(hand: ThresholdActuator, event: Event) -> list[Report]:
    task = hand.start(event)
    return [] if task is None else [*task.poll(), *task.poll()]


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


def at(node: str, threshold: float, **changes: Any) -> ThresholdMoved:
    """A move at one node."""
    place = {"layer": "edge", "attributes": {"zone": 1, "node": node}}
    return moved(threshold).model_copy(update=place | changes)


def test_each_place_is_shown_with_its_own_threshold(target: PrometheusThresholds) -> None:
    """Clipped into the band that counts for it; a later band of a place counts at once."""
    hand, a, b = ThresholdActuator(target), '{"node":"a","zone":1}', '{"node":"b","zone":1}'
    reports(hand, approve())
    target.moved(MODEL, at("a", 0.3, value=0.25))
    target.moved(MODEL, at("b", 0.9))
    shown = {node: series(target, layer="edge", attributes=node) for node in (a, b)}

    reports(hand, approve(2, BAND.model_copy(update={"attributes": {"node": "a"}, "low": 0.35, "high": 0.4})))

    assert shown == {a: 0.3, b: 0.6}
    assert series(target, layer="edge", attributes=a) == 0.35
    assert series(target, layer="edge", attributes=b) == 0.6
    assert series(target, "homeostat_alert_signal", "edge", a) == 0.25
    assert series(target) == 0.6


def test_a_revert_pins_one_place(target: PrometheusThresholds) -> None:
    """The band that said it; the others go on."""
    hand, of_node = ThresholdActuator(target), BAND.model_copy(update={"attributes": {"node": "a"}})
    reports(hand, approve())
    reports(hand, approve(2, of_node))
    pinned = COMMON | {"signal": "uncertainty", "attributes": {"node": "a"}, "threshold": 0.9}

    (report,) = reports(hand, command(ThresholdRevert.model_validate(pinned), 3))
    for node in ("a", "b"):
        target.moved(MODEL, at(node, 0.3))

    assert isinstance(report.data, ActionApplied)
    assert report.data.band == of_node.model_copy(update={"low": 0.9, "high": 0.9})
    assert series(target, layer="edge", attributes='{"node":"a","zone":1}') == 0.9
    assert series(target, layer="edge", attributes='{"node":"b","zone":1}') == 0.3


def test_no_more_places_are_shown_than_are_tracked(target: PrometheusThresholds) -> None:
    """The one that was told of least lately leaves, with its signal."""
    reports(ThresholdActuator(target), approve())
    for i in (*range(64), 0, 64):
        target.moved(MODEL, at(f"n{i}", 0.3))

    families = {family.name: family.samples for family in target.collect()}

    nodes = [json.loads(one.labels["attributes"])["node"] for one in families["homeostat_alert_signal"]]
    assert sorted(nodes) == sorted(f"n{i}" for i in range(65) if i != 1)
    assert len(families["homeostat_alert_threshold"]) == 65  # and that of the band


def test_a_file_from_before_there_were_places_is_read(path: Path) -> None:
    """A band without a layer stands under the name of its signal, as ever."""
    path.parent.mkdir()
    kept = '{"value":0.5,"rate":0.01,"low":0.2,"high":0.6,"eta":0.05,"fences":{},"operating_point":"rate"}'
    path.write_text(f'{{"{MODEL}":{{"uncertainty":{kept}}}}}')

    target = PrometheusThresholds(path)

    assert target.band(MODEL, Series("uncertainty")) == BAND
    assert series(target) == 0.5


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
