"""What is shown of signals at several places: which one moved, and that some have no threshold."""

import pytest
from tests.unit.cli.system import System
from tests.unit.cli.test_label_lag import computed

from homeostat.events import IndicatorComputed, ThresholdMoved
from homeostat.events.logs import INDICATORS
from homeostat_tools.cli.one_line import summary

MOVED = {"model": "team/m", "signal": "cpu", "threshold": 0.21, "value": 0.75, "is_alert": True, "rate": 0.01}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "cpu, rate: 0.75 against 0.21, alert"),
        ({"layer": "cost"}, "cpu (cost), rate: 0.75 against 0.21, alert"),
        (
            {"layer": "edge", "attributes": {"zone": 1, "node": "a"}},
            'cpu (edge {"node":"a","zone":1}), rate: 0.75 against 0.21, alert',
        ),
    ],
)
def test_a_move_says_of_which_place_it_is(place: dict[str, object], says: str) -> None:
    """One line, in `tail` and in stories."""
    assert summary(ThresholdMoved.model_validate(MOVED | place)) == says


def test_why_says_that_values_have_no_threshold(governed: System) -> None:
    """How many, and what to do; nothing while all have one."""
    (quiet,) = governed.json("why", "team/m")
    data = IndicatorComputed(model="team/m", name="signals_untracked", value=512.0, n=512)
    governed.log.publish(INDICATORS, "team/m", data, id_="0.0", source="/homeostat/drift_detector/x")
    computed(governed, "signals_untracked", 4.0, "team/n")

    (answer,) = governed.json("why", "team/m")

    assert "signals" not in quiet["facts"]
    assert answer["facts"]["signals"].startswith("512 values or more had no threshold")
