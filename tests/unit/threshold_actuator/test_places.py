"""Thresholds of a signal at each of its places."""

import json
from pathlib import Path

from tests.unit.threshold_actuator.commands import BAND, COMMON, MODEL, approve, at, command, reports, series

from homeostat.events import ActionApplied, ThresholdRevert
from homeostat.events.series import Series
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds


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
