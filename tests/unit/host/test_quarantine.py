"""What is refused is described verbatim, whatever its headers hold."""

import pytest

from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.host.quarantine import refused


@pytest.mark.parametrize(
    ("header", "attempts"), [(b"3", 3), (b"", 0), (b"-1", 0), (b"x", 0), ("٣".encode(), 0), (b"9" * 5000, 0)]
)
def test_attempts_are_a_small_number_or_none(header: bytes, attempts: int) -> None:
    """Anybody may write the header; a number of thousands of digits would not even be converted."""
    record = Record("t", "id", 0, 7, 1000, b"k", b"v", [("homeostat-attempts", header)])

    assert refused(record, Reject("unreadable", "why"), "intake.telemetry").attempts == attempts
