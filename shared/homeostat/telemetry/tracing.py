"""Traces whose ids are derived: the trace is the story, the span is the event.

An action leads to its trace without a look-up, and every process names the same event's span alike. Spans
are exported only where an OTLP endpoint is configured; else a tracer does nothing.

Source: W3C Trace Context level 1; OpenTelemetry semantic conventions for messaging (development).
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from homeostat.codec import Output
from homeostat.codec.encode import traceparent
from homeostat.core import Event, Halt

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class OtlpExtraMissing(Halt):
    """An OTLP endpoint is configured and the exporter is not installed.

    Operator: `pip install "homeostat[otlp]"`, or unset the endpoint.
    """

    def __init__(self) -> None:
        super().__init__(f'{" or ".join(_ENDPOINTS)} is set: `pip install "homeostat[otlp]"`, or unset it')


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace.

    Args:
        trace_id: 32 hex digits, not all zero.
        span_id: 16 hex digits, not all zero.
        is_sampled: Whether whoever began the trace records it.
    """

    trace_id: str
    span_id: str
    is_sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


def parse(value: bytes | str) -> TraceContext | None:
    """Read a `traceparent`; None if it is not one (then a trace is begun anew, as the specification says).

    Later versions than 00 may append fields; what is known is taken.
    """
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    match = _TRACEPARENT.match(text)
    rest = text[match.end() :] if match else ""
    if match is None or (rest and (text.startswith("00") or not rest.startswith("-"))):
        return None
    return TraceContext(match[1], match[2], bool(int(match[3], 16) & 1))


def context_of(event: Event) -> TraceContext:
    """Return the context of an event's own span, derived from its story and identity."""
    derived = parse(traceparent(event.story, event.identity))
    assert derived is not None
    return derived


def processing_span_id(event: Event, group: str) -> str:
    """Derive the span of a consumer group's work on an event; a repeated act has the same."""
    return hashlib.sha256(f"{event.identity}|{group}".encode()).hexdigest()[:16]


class Tracer(Protocol):
    """Reports what a process did. Never raises on behalf of a collector; not used in replays."""

    def emitted(self, event: Event, outputs: Sequence[Output], *, group: str, now_ms: int) -> None:
        """Report the outputs of a step: one span each, from the input's broker time to `now_ms`.

        Args:
            event: Input of the step.
            outputs: What it emitted, addressed.
            group: Consumer group of the host.
            now_ms: Wall clock.
        """

    def span_for(self, event: Event, *, group: str) -> AbstractContextManager[None]:
        """Report the work inside the context as the processing of one event; errors pass and are noted."""

    def close(self) -> None:
        """Export what is left."""


class NullTracer:
    """A tracer that does nothing."""

    def emitted(self, event: Event, outputs: Sequence[Output], *, group: str, now_ms: int) -> None:
        """See `Tracer.emitted`."""

    def span_for(self, event: Event, *, group: str) -> AbstractContextManager[None]:
        """See `Tracer.span_for`."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing."""


def open_tracer(service: str, version: str, environ: Mapping[str, str] = os.environ) -> Tracer:
    """Return a tracer that exports if the standard variables of OpenTelemetry name an endpoint, else a `NullTracer`.

    `OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none` turn it off; headers, certificates and
    time-outs are read by the exporter itself.

    Args:
        service: `service.name`, kebab-case.
        version: `service.version`.
        environ: Where the variables are.

    Raises:
        OtlpExtraMissing: The extra `otlp` is needed.
    """
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if is_off or not any(environ.get(name) for name in _ENDPOINTS):
        return NullTracer()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError:
        raise OtlpExtraMissing from None
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from homeostat.telemetry.otlp import OtelTracer  # costs a tenth of a second: paid only here

    return OtelTracer(service, version, BatchSpanProcessor(OTLPSpanExporter()))
