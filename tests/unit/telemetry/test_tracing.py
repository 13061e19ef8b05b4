"""Trace and span ids are derived, so every process names the same event's span alike."""

import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from homeostat.codec import encode_emit
from homeostat.codec.encode import traceparent
from homeostat.core import Emit, Event, Identity, Position
from homeostat.core.event import OPENS
from homeostat.events import ClockTicked
from homeostat.telemetry.otlp import OtelTracer
from homeostat.telemetry.tracing import (
    NullTracer,
    OtlpExtraMissing,
    TraceContext,
    context_of,
    open_tracer,
    parse,
    processing_span_id,
)

EVENT = Event(
    id="7.0",
    source="/homeostat/intake/homeostat.reports/x/0",
    type=ClockTicked.TYPE,
    subject="acme/m",
    time=1_000,
    data=ClockTicked(due=5),
    position=Position("homeostat.timeline", "t", 3, 9),
    story=Identity("/somebody#1"),
    emitter="/homeostat/drift_detector/homeostat.timeline/t/3",
)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Where spans end."""
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> OtelTracer:
    """A tracer that exports at once, into memory."""
    return OtelTracer("drift-detector", "0.1.0", SimpleSpanProcessor(exporter))


def ids(span: ReadableSpan) -> TraceContext:
    """Of a finished span."""
    context = span.get_span_context()
    assert context is not None
    return TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}")


@given(st.text(), st.text())
def test_a_derived_context_survives_its_text(story: str, identity: str) -> None:
    """Format and parse are inverse."""
    context = parse(traceparent(story, identity))

    assert context is not None
    assert parse(str(context)) == context


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01-more",
        "01-" + "1" * 32 + "-" + "1" * 16 + "-01more",
        b"\xff",
    ],
)
def test_what_is_no_traceparent_is_none(value: str | bytes) -> None:
    """As W3C Trace Context 3.2.2 demands."""
    assert parse(value) is None


def test_a_later_version_may_say_more() -> None:
    """What is known of it is taken; the flag is read."""
    context = parse("01-" + "1" * 32 + "-" + "2" * 16 + "-00-more")

    assert context == TraceContext("1" * 32, "2" * 16, is_sampled=False)


def test_an_output_is_the_child_of_its_input(tracer: OtelTracer, exporter: InMemorySpanExporter) -> None:
    """Under its own derived ids, from the input's broker time on."""
    outputs = encode_emit(EVENT, Emit("homeostat.indicators", ClockTicked(due=1)), 0, 12)

    tracer.emitted(EVENT, outputs, group="drift-detector", now_ms=1_004)

    (span,) = exporter.get_finished_spans()
    assert ids(span) == parse(dict(outputs[0].headers)["traceparent"])
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == context_of(EVENT).span_id
    assert (span.name, span.kind) == ("send homeostat.indicators", SpanKind.PRODUCER)
    assert (span.start_time, span.end_time) == (1_000_000_000, 1_004_000_000)
    assert (span.attributes or {})["messaging.message.conversation_id"] == EVENT.story


def test_an_output_that_opens_a_story_links_to_its_input(tracer: OtelTracer, exporter: InMemorySpanExporter) -> None:
    """A new trace, without a parent."""
    outputs = encode_emit(EVENT, Emit("homeostat.experience", ClockTicked(due=1), story=OPENS), 0, 12)

    tracer.emitted(EVENT, outputs, group="drift-detector", now_ms=1_004)

    (span,) = exporter.get_finished_spans()
    assert span.parent is None
    assert ids(span) == parse(dict(outputs[0].headers)["traceparent"])
    assert f"{span.links[0].context.trace_id:032x}" == context_of(EVENT).trace_id


def test_a_broadcast_is_one_span(tracer: OtelTracer, exporter: InMemorySpanExporter) -> None:
    """One identity, one span, however many places."""
    outputs = encode_emit(EVENT, Emit("homeostat.policy.rollout", ClockTicked(due=1), broadcast=True), 0, 12)

    tracer.emitted(EVENT, outputs, group="governor", now_ms=1_004)

    assert len(outputs) == 12
    assert len(exporter.get_finished_spans()) == 1


def test_work_on_an_event_is_the_child_of_the_event(tracer: OtelTracer, exporter: InMemorySpanExporter) -> None:
    """The same span however often it is done, another for another group."""
    for _ in range(2):
        with tracer.span_for(EVENT, group="rollout-actuator"):
            pass

    first, second = exporter.get_finished_spans()
    assert ids(first) == ids(second)
    assert ids(first).span_id == processing_span_id(EVENT, "rollout-actuator") != processing_span_id(EVENT, "other")
    assert (first.name, first.kind) == ("process homeostat.timeline", SpanKind.CONSUMER)
    assert (first.attributes or {})["messaging.kafka.offset"] == 9


def test_an_error_passes_and_is_noted(tracer: OtelTracer, exporter: InMemorySpanExporter) -> None:
    """Status and `error.type`."""
    with pytest.raises(LookupError), tracer.span_for(EVENT, group="x"):
        raise LookupError("gone")

    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "LookupError"


def test_a_story_is_one_trace() -> None:
    """Whatever the event."""
    other = replace(EVENT, id="8.0")

    assert context_of(other).trace_id == context_of(EVENT).trace_id
    assert context_of(other).span_id != context_of(EVENT).span_id


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_a_tracer_does_nothing(environ: dict[str, str]) -> None:
    """No SDK, no thread, no error."""
    tracer = open_tracer("governor", "0.1.0", environ)

    assert isinstance(tracer, NullTracer)
    tracer.emitted(EVENT, [], group="x", now_ms=0)
    with tracer.span_for(EVENT, group="x"):
        tracer.close()


def test_an_endpoint_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, not at the first span."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(OtlpExtraMissing, match=r"homeostat\[otlp\]"):
        open_tracer("governor", "0.1.0", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})


def test_an_endpoint_makes_an_exporting_tracer() -> None:
    """Nothing is sent until there is a span."""
    tracer = open_tracer("governor", "0.1.0", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})

    assert isinstance(tracer, OtelTracer)
    tracer.close()
