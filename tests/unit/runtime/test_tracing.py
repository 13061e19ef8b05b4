"""Outputs are spans where somebody collects them, and cost nothing elsewhere."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from homeostat.codec import Record
from homeostat.core import Halt
from homeostat.events import SignalObserved
from homeostat.events.logs import INDICATORS, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.memory import MemoryLog, MemoryOutbox
from homeostat.runtime.tracing import observer_of
from homeostat.telemetry.otlp import OtelTracer
from homeostat.telemetry.tracing import NullTracer, Tracer, open_tracer, parse
from homeostat.testing.counter import Counter


def folded(tracer: Tracer, *values: float) -> MemoryLog:
    """A log in which a counter has folded signals of one subject."""
    log = MemoryLog(partitions=1)
    assignment = Assignment(
        Counter(every=2),
        version="v",
        topic_id=log.topic_id(TIMELINE),
        partition=0,
        n_partitions=log.n_partitions,
        outbox=MemoryOutbox(log),
        writer="w",
        observer=observer_of(tracer, "counter-group"),
    )
    for number, value in enumerate(values):
        signal = SignalObserved(layer="edge", name="t", value=value)
        log.publish(TIMELINE, "acme/m", signal, id_=str(number), source="/s")
    for record in log.records(TIMELINE, 0):
        assignment.process(record)
    return log


def span_id(record: Record) -> str:
    """That the record itself says it has."""
    context = parse(dict(record.headers)["traceparent"])
    assert context is not None
    return context.span_id


def test_every_output_is_the_span_that_its_record_names() -> None:
    """And only outputs: events that led to nothing, and refused ones, are none."""
    exporter = InMemorySpanExporter()

    log = folded(OtelTracer("counter", "0", SimpleSpanProcessor(exporter)), 1, 1, -1, 1)

    spans = exporter.get_finished_spans()
    assert [f"{span.context.span_id:016x}" for span in spans] == [span_id(r) for r in log.records(INDICATORS, 0)]
    assert len(spans) == 2
    assert {(span.attributes or {})["messaging.client.id"] for span in spans} == {"counter-group"}


def test_spans_change_nothing_that_is_written() -> None:
    """Byte for byte."""
    traced = folded(OtelTracer("counter", "0", SimpleSpanProcessor(InMemorySpanExporter())), 1, 1, -1, 1)
    plain = folded(NullTracer(), 1, 1, -1, 1)

    assert list(traced.all(INDICATORS)) == list(plain.all(INDICATORS))


def test_without_an_endpoint_nobody_is_told() -> None:
    """No call is made for a record."""
    assert observer_of(open_tracer("counter", "0", {}), "g") is None


def test_an_endpoint_is_sent_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTLP over HTTP, at the latest when the tracer is closed."""
    bodies: list[tuple[str, bytes]] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    sink = HTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.server_port}", "NO_PROXY": "127.0.0.1"}
    for name, value in (environ | {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}).items():
        monkeypatch.setenv(name, value)
    try:
        tracer = open_tracer("counter", "0", environ)
        folded(tracer, 1, 1)
        tracer.close()
    finally:
        sink.shutdown()
        sink.server_close()
        thread.join()

    assert {path for path, _ in bodies} == {"/v1/traces"}
    assert b"send homeostat.indicators" in b"".join(body for _, body in bodies)


def test_a_gap_still_halts() -> None:
    """What the plain assignment checks, the traced one does."""
    tracer = OtelTracer("counter", "0", SimpleSpanProcessor(InMemorySpanExporter()))
    log = MemoryLog(partitions=1)
    signal = SignalObserved(layer="edge", name="t", value=1)
    for number in range(2):
        log.publish(TIMELINE, "acme/m", signal, id_=str(number), source="/s")
    assignment = Assignment(
        Counter(),
        version="v",
        topic_id="t",
        partition=0,
        n_partitions=log.n_partitions,
        outbox=MemoryOutbox(log),
        writer="w",
        observer=observer_of(tracer, "g"),
    )

    with pytest.raises(Halt):
        assignment.process(log.records(TIMELINE, 0)[1])
