"""Structured logs on stderr: one line per transition, an event name and fields, no secrets."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from homeostat.core import Halt

FORMAT: Final = "HOMEOSTAT_LOG_FORMAT"
LEVEL: Final = "HOMEOSTAT_LOG_LEVEL"
REDACTED: Final = "[redacted]"

_SECRET_KEY: Final = re.compile(
    r"(^|[_.\-])(password|passwd|secret|secrets|private|private_key|api_?key|access_token|refresh_token"
    r"|authorization|cookie|credentials?)$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = (
    (re.compile(r"(://)[^/\s:@]*:[^/\s@]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        REDACTED,
    ),
    (re.compile(r"\b((?:bearer|basic)\s+)[A-Za-z0-9+/._~\-]{8,}=*", re.IGNORECASE), rf"\1{REDACTED}"),
    (
        re.compile(
            r"((?:password|passwd|secret|api[_-]?key|access[_-]?token)[\"']?\s*[=:]\s*[\"']?)[^\s,;\"']+", re.IGNORECASE
        ),
        rf"\1{REDACTED}",
    ),
)


class _Lossy:
    """A stream that drops what cannot be written, on a full disk for example: a log line stops no service."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class LogSettingInvalid(Halt, ValueError):
    """An environment variable of the logs has a value that is none of its values."""


def configure_logging(service: str, *, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """Set structlog up for this process; `structlog.get_logger()` is what everybody uses.

    Args:
        service: Field `service` of every line.
        stream: Where the lines go; None is stderr.
        environ: `HOMEOSTAT_LOG_FORMAT`: `json`, `console`, or `auto` (console on a terminal, else JSON).
            `HOMEOSTAT_LOG_LEVEL`: debug, info, warning, error.

    Raises:
        LogSettingInvalid: Another value.
    """
    out = stream or sys.stderr
    form = environ.get(FORMAT, "auto")
    level = environ.get(LEVEL, "info")
    if form not in ("auto", "json", "console"):
        raise LogSettingInvalid(f"{FORMAT} is json, console or auto, not {form!r}")
    if level not in ("debug", "info", "warning", "error"):
        raise LogSettingInvalid(f"{LEVEL} is debug, info, warning or error, not {level!r}")

    def name(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        fields["service"] = service
        return fields

    is_console = form == "console" or (form == "auto" and out.isatty())
    render: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if is_console
        else [structlog.processors.JSONRenderer(sort_keys=True, default=str)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name,
            structlog.processors.format_exc_info,  # before redaction: a message may quote a URL
            redact,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lossy(out))),
    )


@contextmanager
def quiet_logging(level: int) -> Iterator[None]:
    """Write no line of the logs below a level, as of `logging`; afterwards the process logs as it did before."""
    was_configured, before = structlog.is_configured(), structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    try:
        yield
    finally:
        if was_configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()


def redact(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    """Replace values under secret names, and secrets inside texts, however deep.

    Args:
        _: The logger; not used.
        __: The method; not used.
        fields: Of the line; not changed.
    """
    return {key: REDACTED if _SECRET_KEY.search(key) else _redact(value) for key, value in fields.items()}


def _redact(value: object) -> object:
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {key: REDACTED if _SECRET_KEY.search(str(key)) else _redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(item) for item in value]
    if isinstance(value, bytes | BaseException):
        return _redact(str(value))
    return value
