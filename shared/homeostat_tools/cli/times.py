"""Times as people write them."""

import re
import time
from datetime import UTC, datetime
from typing import Final

from homeostat.codec.encode import rfc3339
from homeostat_tools.cli.exit_codes import usage

_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def duration_ms(text: str) -> int:
    """Read `90s`, `10m`, `2h`, `1d`.

    Raises:
        CommandFailed: It is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise usage(f"{text!r} is no length of time: write 90s, 10m, 2h or 1d")
    return round(float(match[1]) * _UNITS[match[2]])


def since_ms(text: str) -> int:
    """Read a moment: a length of time before now, `beginning`, or an ISO date and time (UTC unless it says).

    Raises:
        CommandFailed: It is none.
    """
    if text == "beginning":
        return 0
    if _DURATION.fullmatch(text.strip()):
        return max(0, int(time.time() * 1000) - duration_ms(text))
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise usage(f"{text!r} is no time: write 10m, 2h, beginning, or 2026-01-31T12:00") from None
    return max(0, int(seconds * 1000))


def clock(millis: int) -> str:
    """Write broker time for people: local time of day with milliseconds."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{millis} ms"  # a topic whose time stamps are the sender's may hold anything


def iso(millis: int) -> str:
    """Write broker time for programs: RFC 3339; the number itself where it is no time."""
    try:
        return rfc3339(millis)
    except (ValueError, OverflowError, OSError):
        return f"{millis} ms"


def span(millis: int) -> str:
    """Write a length of time for people."""
    if millis < 1000:
        return f"{millis} ms"
    if millis < 60_000:
        return f"{millis / 1000:.2f} s"
    if millis < 3_600_000:
        return f"{millis / 60_000:.1f} min"
    return f"{millis / 3_600_000:.1f} h"
