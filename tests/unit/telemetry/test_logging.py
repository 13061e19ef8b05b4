"""A log line has an event, fields, and no secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from homeostat.telemetry.logging import REDACTED, LogSettingInvalid, configure_logging, quiet_logging, redact

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    """Every test begins with an unconfigured structlog."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def line(form: str = "json", **fields: object) -> str:
    """What one log call writes."""
    stream = io.StringIO()
    configure_logging("governor", stream=stream, environ={"HOMEOSTAT_LOG_FORMAT": form})
    structlog.get_logger().info("verdict_issued", **fields)
    return stream.getvalue()


def test_a_line_is_one_json_object() -> None:
    """Event, level, service, time and fields."""
    fields = json.loads(line(verdict="denied", rule="budget"))

    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "event": "verdict_issued", "level": "info", "service": "governor", "verdict": "denied", "rule": "budget",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"password": SECRET},
        {"sasl.password": SECRET},
        {"settings": {"api_key": SECRET, "more": [{"secret": SECRET}]}},
        {"url": f"redis://user:{SECRET}@cache:6379/0"},
        {"detail": f"sasl.password={SECRET}, retrying"},
        {"detail": f"Authorization: Bearer {SECRET}"},
        {"raw": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----".encode()},
        {"error": ValueError(f"password='{SECRET}' is wrong")},
    ],
    ids=str,
)
def test_a_secret_is_never_written(form: str, fields: dict[str, object]) -> None:
    """Under a telling name, inside a text, however deep, in either format."""
    written = line(form, **fields)

    assert SECRET not in written
    assert REDACTED in written


def test_a_secret_in_an_exception_is_never_written() -> None:
    """Tracebacks are redacted as well, and hold no local variables."""
    stream = io.StringIO()
    configure_logging("x", stream=stream, environ={"HOMEOSTAT_LOG_FORMAT": "json"})

    try:
        raise OSError(f"cannot reach https://user:{SECRET}@host/")
    except OSError:
        structlog.get_logger().exception("store_failed")

    assert SECRET not in stream.getvalue()
    assert "OSError" in json.loads(stream.getvalue())["exception"]


@given(
    st.dictionaries(
        st.sampled_from(["key", "key_id", "tokens", "subject", "n_tokens", "public_key"]), st.integers() | st.booleans()
    )
)
def test_the_words_of_the_system_are_no_secrets(fields: dict[str, object]) -> None:
    """Keys of records and tokens of budgets are shown."""
    assert redact(None, "info", dict(fields)) == fields


def test_auto_is_json_unless_on_a_terminal() -> None:
    """A pipe gets what machines read."""
    assert line("auto").startswith("{")


def test_the_level_hides_what_is_below() -> None:
    """As configured."""
    stream = io.StringIO()
    configure_logging("x", stream=stream, environ={"HOMEOSTAT_LOG_LEVEL": "warning"})

    structlog.get_logger().info("hidden")
    structlog.get_logger().warning("shown")

    assert [json.loads(one)["event"] for one in stream.getvalue().splitlines()] == ["shown"]


@pytest.mark.parametrize("environ", [{"HOMEOSTAT_LOG_FORMAT": "xml"}, {"HOMEOSTAT_LOG_LEVEL": "loud"}])
def test_a_wrong_setting_says_the_right_ones(environ: dict[str, str]) -> None:
    """Fail at the start."""
    with pytest.raises(LogSettingInvalid, match=r"is json|is debug"):
        configure_logging("x", environ=environ)


@pytest.mark.parametrize("is_configured", [False, True])
def test_logging_is_quiet_for_a_while_only(is_configured: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is written meanwhile, and the process logs afterwards as before, even after an error."""
    if is_configured:
        configure_logging("x", environ={"HOMEOSTAT_LOG_FORMAT": "json"})
    before = structlog.is_configured(), structlog.get_config()
    log = structlog.get_logger()

    def fail() -> None:
        log.info("left_out")
        log.warning("told")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), quiet_logging(logging.WARNING):
        fail()
    log.info("told_again")

    captured = capsys.readouterr()
    written = captured.out + captured.err
    assert ["left_out" in written, "told" in written, "told_again" in written] == [False, True, True]
    assert (structlog.is_configured(), structlog.get_config()) == before
