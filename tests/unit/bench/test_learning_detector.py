"""The rows of the detector's benchmark; no test of speed."""

from homeostat.services.drift_detector.settings import MEMBERS
from homeostat_lab.bench.learning_detector import detector


def test_every_member_is_measured_alone_and_all_together() -> None:
    """Beside river's ADWIN and a pass that only decodes, in one run."""
    rows = list(detector(rounds=1, runs=1))

    names = {row.name for row in rows}
    assert {f"drift_detector, {member} alone" for member in MEMBERS} <= names
    assert "drift_detector, as deployed" in names
    assert all(row.value is not None and row.value > 0.0 for row in rows)
    assert {row.reference for row in rows} >= {"river ADWIN on the errors, row by row", "decoding the columns only"}
