"""`homeostat why` says how late labels come, and when that is too near to how long answers wait."""

import pytest
from tests.unit.cli.system import System

from homeostat.events import IndicatorComputed, ModelRegistered
from homeostat.events.logs import INDICATORS, TELEMETRY


def computed(system: System, name: str, value: float, model: str = "team/m") -> None:
    system.log.publish(
        INDICATORS,
        model,
        IndicatorComputed(model=model, name=name, value=value),
        id_=f"{len(list(system.log.all(INDICATORS)))}.0",
        source="/homeostat/drift_detector/x",
    )


def said(system: System) -> str:
    (answer,) = system.json("why", "team/m")
    return str(answer["facts"]["label lag"])


def test_no_label_came_late(governed: System) -> None:
    """What is waited for is said all the same."""
    assert said(governed) == "none of an earlier answer lately; answers wait 7 d for them"


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (None, "25 h after the answer, 26.5 h at most; answers wait 7 d for them"),
        (100_000.0, "answers wait 27.8 h for them: register a longer label_window_seconds"),
    ],
)
def test_labels_come_a_day_late(governed: System, window: float | None, says: str) -> None:
    """The newest word of this model, among others."""
    contract = ModelRegistered(family="f", champion="v1", label_window_seconds=window)
    governed.log.publish(TELEMETRY, "team/m", contract, id_="again", source="/svc")
    governed.logs.flush()
    for name, value in (
        ("label_lag_seconds", 1.0),
        ("label_lag_seconds", 90_000.0),
        ("label_lag_seconds_max", 95_400.0),
        ("psi.x", 3.0),
    ):
        computed(governed, name, value)
    computed(governed, "label_lag_seconds", 5.0, "team/n")

    assert says in said(governed)
