"""What a process says about itself: metrics, logs, traces. Nothing is started or registered at import."""

from homeostat.telemetry.logging import configure_logging, quiet_logging
from homeostat.telemetry.registry import Metrics
from homeostat.telemetry.server import Server, serve
from homeostat.telemetry.tracing import NullTracer, TraceContext, Tracer, context_of, open_tracer, parse

__all__ = [
    "Metrics",
    "NullTracer",
    "Server",
    "TraceContext",
    "Tracer",
    "configure_logging",
    "context_of",
    "open_tracer",
    "parse",
    "quiet_logging",
    "serve",
]
