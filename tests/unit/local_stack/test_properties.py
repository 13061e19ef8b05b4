"""The broker's settings file."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from homeostat_tools.local_stack.properties import server_properties
from homeostat_tools.local_stack.scram import ScramUsers


def read_as_java(text: str) -> dict[str, str]:
    r"""What `java.util.Properties.load` reads, of lines that have no continuation.

    Source: its documentation: ISO 8859-1; `#` and `!` begin comments; a key ends at `=`, `:` or a blank that is not
    escaped; blanks before a value do not count; a backslash escapes, `\\uxxxx` is a UTF-16 unit.
    """
    found = {}
    for line in text.encode("utf-8").decode("latin-1").split("\n"):
        line = line.lstrip(" \t\f")
        if line and line[0] not in "#!":
            key, value = re.fullmatch(r"((?:\\.|[^\\=: ])*)[ \t\f]*[=:]?[ \t\f]*(.*)", line).groups()  # type: ignore[union-attr]  # it always does
            found[_unescaped(key)] = _unescaped(value)
    return found


def _unescaped(text: str) -> str:
    def unit(match: re.Match[str]) -> str:
        code, letter = match.groups()
        return chr(int(code, 16)) if code else {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}.get(letter, letter)

    units = re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", unit, text)
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


def test_settings_are_one_per_line() -> None:
    """The file names ports, directory, and the rules that the design relies on."""
    lines = server_properties("logs", 9092, 9093).splitlines()

    settings = dict(line.split("=", 1) for line in lines)
    assert settings["log.dirs"] == "logs"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert settings["controller.quorum.bootstrap.servers"] == "127.0.0.1:9093"
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["log.message.timestamp.type"] == "LogAppendTime"


def test_heartbeats_fit_into_the_session() -> None:
    """A broker on a busy machine may miss several heartbeats before it is fenced."""
    settings = dict(line.split("=", 1) for line in server_properties("d", 1, 2).splitlines())

    assert int(settings["broker.session.timeout.ms"]) >= 5 * int(settings["broker.heartbeat.interval.ms"])


@given(
    value=st.one_of(st.text(min_size=1), st.sampled_from(["données à", "a\\b", " lead", "#=:!", "日本😀", "a\nb=c"]))
)
def test_java_reads_what_was_meant(value: str) -> None:
    """Whatever is in a value: its reader knows Latin-1 and escapes, and nothing else of the file changes."""
    text = server_properties(value, 9092, 9093)

    settings = read_as_java(text)
    assert text.isascii()
    assert settings["log.dirs"] == value
    assert settings | {"log.dirs": "logs"} == read_as_java(server_properties("logs", 9092, 9093))


def test_a_broker_with_users_has_no_listener_without(tmp_path: Path) -> None:
    """Clients and controller log in on both; whoever is not granted something may nothing."""
    lines = server_properties("logs", 9092, 9093, None, ScramUsers(tmp_path).broker_settings()).splitlines()
    settings = dict(line.split("=", 1) for line in lines)

    assert settings["listeners"] == "SASL_PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert settings["listener.security.protocol.map"] == "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
    assert settings["allow.everyone.if.no.acl.found"] == "false"
    assert settings["super.users"] == "User:broker;User:admin"
    assert "PLAINTEXT://" not in settings["advertised.listeners"].replace("SASL_PLAINTEXT://", "")
