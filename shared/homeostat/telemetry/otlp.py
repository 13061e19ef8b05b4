"""Spans by OpenTelemetry, under derived ids. Imported only where spans are exported."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from homeostat.codec import Output
from homeostat.core import Event
from homeostat.telemetry.tracing import TraceContext, context_of, parse, processing_span_id

_NS_PER_MS: Final = 1_000_000


class _GivenIds(IdGenerator):
    """Hands out the ids that were set for the span that this thread is about to start."""

    def __init__(self) -> None:
        self._next = threading.local()

    def give(self, context: TraceContext) -> None:
        self._next.context = context

    def generate_trace_id(self) -> int:
        return int(self._next.context.trace_id, 16)

    def generate_span_id(self) -> int:
        return int(self._next.context.span_id, 16)


class OtelTracer:
    """A `Tracer` over one OpenTelemetry span processor, which it owns.

    Args:
        service: `service.name`, kebab-case.
        version: `service.version`.
        processor: Where ended spans go.
    """

    def __init__(self, service: str, version: str, processor: SpanProcessor) -> None:
        self._ids = _GivenIds()
        resource = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(id_generator=self._ids, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("homeostat", version)

    def emitted(self, event: Event, outputs: Sequence[Output], *, group: str, now_ms: int) -> None:
        """See `Tracer.emitted`. An output of the input's story is its child; one that opens a story links to it."""
        done = set()
        origin = context_of(event)
        for output in outputs:
            headers = {name: value.decode() for name, value in output.headers}
            own = parse(headers.get("traceparent", ""))
            if own is None or own.span_id in done:  # a broadcast is one event in many places
                continue
            done.add(own.span_id)
            is_child = own.trace_id == origin.trace_id
            self._ids.give(own)
            span = self._tracer.start_span(
                f"send {output.topic}",
                context=_inside(origin) if is_child else Context(),
                kind=SpanKind.PRODUCER,
                attributes={
                    **_messaging("send", "send", output.topic, output.partition, group),
                    "messaging.message.id": headers["ce_id"],
                    "messaging.message.conversation_id": headers["ce_correlationid"],
                    "messaging.kafka.message.key": output.key.decode(errors="replace"),
                    "cloudevents.event_id": headers["ce_id"],
                    "cloudevents.event_source": headers["ce_source"],
                    "cloudevents.event_type": headers["ce_type"],
                    "cloudevents.event_subject": headers["ce_subject"],
                },
                links=[] if is_child else [Link(_span_context(origin))],
                start_time=event.time * _NS_PER_MS,
            )
            span.end(max(now_ms, event.time) * _NS_PER_MS)

    def span_for(self, event: Event, *, group: str) -> AbstractContextManager[None]:
        """See `Tracer.span_for`. The span is a child of the event's own: one message, one parent."""
        return self._processing(event, group)

    @contextmanager
    def _processing(self, event: Event, group: str) -> Iterator[None]:
        origin = context_of(event)
        self._ids.give(TraceContext(origin.trace_id, processing_span_id(event, group)))
        span = self._tracer.start_span(
            f"process {event.position.topic}",
            context=_inside(origin),
            kind=SpanKind.CONSUMER,
            attributes={
                **_messaging("process", "process", event.position.topic, event.position.partition, group),
                "messaging.consumer.group.name": group,
                "messaging.kafka.offset": event.position.offset,
                "messaging.message.id": event.id,
                "messaging.message.conversation_id": event.story,
                "messaging.kafka.message.key": event.subject,
                "cloudevents.event_id": event.id,
                "cloudevents.event_source": event.source,
                "cloudevents.event_type": event.type,
                "cloudevents.event_subject": event.subject,
            },
        )
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR, str(error))
            raise
        finally:
            span.end()

    def close(self) -> None:
        """See `Tracer.close`."""
        self._provider.shutdown()


def _messaging(name: str, type_: str, topic: str, partition: int, client: str) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": name,
        "messaging.operation.type": type_,
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.client.id": client,
    }


def _span_context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags)


def _inside(context: TraceContext) -> Context:
    return set_span_in_context(NonRecordingSpan(_span_context(context)), Context())
