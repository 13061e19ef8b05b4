"""Invocations of AWS Lambda, as its log reports them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html (text) and
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (`platform.report`).
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from homeostat.adapters.errors import UnreadablePayload, quoted
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.node import Node
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.target import Target

_REPORT: Final = re.compile(
    r"\b(Billed Duration|Init Duration|Duration|Memory Size|Max Memory Used): ([0-9.]+) (ms|MB)"
)
_OF_TEXT: Final = {
    "Duration": "durationMs",
    "Billed Duration": "billedDurationMs",
    "Init Duration": "initDurationMs",
    "Memory Size": "memorySizeMB",
    "Max Memory Used": "maxMemoryUsedMB",
}
_SIGNALS: Final = {
    "durationMs": ("invocation_duration_seconds", 1e-3, "s"),
    "billedDurationMs": ("billed_duration_seconds", 1e-3, "s"),
    "initDurationMs": ("init_duration_seconds", 1e-3, "s"),
    "memorySizeMB": ("memory_size_bytes", 2.0**20, "By"),
    "maxMemoryUsedMB": ("memory_used_bytes", 2.0**20, "By"),
}
_LISTS: Final = ("logEvents", "events")
_GROUP: Final = "/aws/lambda/"


def reports(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read the reports of invocations; other lines of a log are left out.

    Each gives `invocation_duration_seconds`, `billed_duration_seconds`, `memory_size_bytes`, `memory_used_bytes`, and
    `init_duration_seconds` where it was a cold start. The function is an attribute where the log group says it.

    Args:
        payload: Text of a log (`REPORT RequestId: …`), lines of `platform.report` objects, what a subscription to
            CloudWatch Logs delivers (`logGroup`, `logEvents`), or the answer of `filter-log-events` (`events`).
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: There is no report in it, or one without numbers.
    """
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise UnreadablePayload("payload", f"is no UTF-8 at byte {error.start}; decompress it first") from None
    events = [event for found in _lines(text, target.received) for event in _signals(target, *found)]
    if not events:
        raise UnreadablePayload("payload", "has no REPORT line and no platform.report")
    return in_order(events)


def _lines(text: str, received: int) -> Iterator[tuple[str, str, int, str]]:
    """Yield place, function, time and text of each line of a log."""
    whole = _json(text)
    if isinstance(whole, dict) and any(name in whole for name in _LISTS):
        body = Node(whole)
        group = body.maybe("logGroup")
        function = str(group.value).removeprefix(_GROUP) if group is not None else ""
        for event in body[next(name for name in _LISTS if name in whole)].items():
            yield event.path, function, event["timestamp"].millis("ms"), event["message"].text()
        return
    for number, line in enumerate(text.splitlines(), 1):
        yield f"line {number}", "", received, line


def _signals(target: Target, where: str, function: str, time: int, line: str) -> Iterator[AdaptedEvent]:
    record = _json(line)
    if isinstance(record, dict):
        if record.get("type") != "platform.report":
            return
        report = Node(record, where)
        time = report["time"].millis()
        metrics = {name: value.finite() for name, value in report["record"]["metrics"].fields().items()}
    elif line.startswith("REPORT "):
        metrics = {_OF_TEXT[name]: float(number) for name, number, _ in _REPORT.findall(line)}
        if "durationMs" not in metrics:
            raise UnreadablePayload(where, f"is a REPORT without a Duration: {quoted(line)}")
    else:
        return
    labels = {"function": function} if function else {}
    for name in _SIGNALS:
        if name in metrics:
            ours, factor, unit = _SIGNALS[name]
            yield signal(target, where, time, "serverless", ours, factor * metrics[name], unit=unit, labels=labels)


def _json(text: str) -> object:
    if text[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
