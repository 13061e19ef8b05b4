"""A state that another version has stored in another form is named, with what to do."""

import msgspec
import pytest

from homeostat.codec import encode_state
from homeostat.runtime.errors import SnapshotOutdated
from homeostat.runtime.snapshots import SnapshotWriter
from homeostat.services.drift_detector.fold import DriftDetector


@pytest.mark.parametrize(
    "raw",
    [
        msgspec.msgpack.encode({"season": {"days": 3}}),
        msgspec.msgpack.encode([1, 2]),
        b"\xc1",
        encode_state(DriftDetector().initial("acme/m"))[:-3],
    ],
)
def test_a_state_in_another_form_says_what_to_do(raw: bytes) -> None:
    """The fold halts before it writes anything; the line names the topic, the unit, and both ways out."""
    writer = SnapshotWriter(DriftDetector(), 2, "w")

    with pytest.raises(SnapshotOutdated) as found:
        writer.decode("acme/m", raw, {})

    assert (found.value.topic, found.value.partition, found.value.unit) == (
        "homeostat.snapshots.drift_detector",
        2,
        "acme/m",
    )
    assert "delete the topic" in str(found.value)
    assert "Go back to that one" in str(found.value)
