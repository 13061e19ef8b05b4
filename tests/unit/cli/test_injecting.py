"""`homeostat inject-drift`: a stream published again, with a drift in it."""

from pathlib import Path

import numpy as np
import pytest
from tests.unit.cli.system import System

from homeostat.events import ModelRegistered, Samples
from homeostat.events.columns import F4, F8
from homeostat.events.logs import TELEMETRY, TIMELINE
from homeostat_tools.cli.exports import write_export
from homeostat_tools.cli.rendering import event_of


def _serve(system: System, n: int = 4) -> None:
    """Publish rows of `team/m`: 50 an event, f = 0, 1, 2, …"""
    for number in range(n):
        rows = np.arange(50, dtype=F8) + 50 * number
        samples = Samples(
            version="v1",
            role="champion",
            request=[f"r{row:g}" for row in rows],
            time=rows.tobytes(),
            features=["x"],
            values=rows.astype(F4).tobytes(),
            prediction=np.zeros(50, F8).tobytes(),
            score=np.ones(50, F8).tobytes(),
        )
        system.log.publish(TELEMETRY, "team/m", samples, id_=f"rows-{number}", source="/svc")
    system.logs.flush()


def _injected(system: System, model: str) -> list[Samples]:
    events = [event_of(record) for record in system.log.all(TIMELINE)]
    return [event.data for event in events if event.subject == model and isinstance(event.data, Samples)]


def test_a_stream_is_published_again_with_a_drift_in_it(governed: System) -> None:
    """Under another name, in another family, through the door, marked from the onset on."""
    _serve(governed)

    (said,) = governed.json("inject-drift", "team/m", "feature-outage", "--feature", "x", "--onset", "100")

    assert said == {"model": "team/m-injected", "family": "synthetic", "events": 5}
    found = _injected(governed, "team/m-injected")
    assert [samples.is_synthetic for samples in found] == [False, False, True, True]
    assert np.concatenate([samples.matrix()[0] for samples in found]).tolist() == [*range(100), *[0.0] * 100]
    families = [
        event.data.family
        for event in map(event_of, governed.log.all(TIMELINE))
        if isinstance(event.data, ModelRegistered) and event.subject == "team/m-injected"
    ]
    assert families == ["synthetic"]


def test_an_export_is_as_good_as_the_timeline(governed: System, tmp_path: Path) -> None:
    """The records of the timeline, from a file."""
    _serve(governed)
    file = tmp_path / "timeline.jsonl.gz"
    write_export(file, governed.log.all(TIMELINE))

    governed("inject-drift", "team/m", "label-swap", "--export", str(file), "--as", "team/copy", "--family", "f")

    assert len(_injected(governed, "team/copy")) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("team/m", "nonsense"), 2, "there are: mean-shift"),
        (("team/m", "scale"), 2, "needs the name of a feature"),
        (("team/m", "scale", "--feature", "y"), 2, "there are: x"),
        (("team/m", "label-swap", "--course", "slow"), 2, "there are: abrupt"),
        (("team/m", "label-swap", "--as", "team/m"), 2, "cannot be published as the model"),
        (("team/m", "label-swap", "--export", "nothing.gz"), 3, "no file nothing.gz"),
    ],
)
def test_what_makes_no_drift_is_refused(governed: System, arguments: tuple[str, ...], code: int, reason: str) -> None:
    """With the reason, before anything is published."""
    _serve(governed, 1)

    governed("inject-drift", *arguments, code=code)

    assert reason in governed.stderr
    assert not _injected(governed, "team/m-injected")
