"""The broker's settings file."""

from pathlib import Path

from homeostat.stack.properties import server_properties


def test_settings_are_one_per_line() -> None:
    """The file names ports, directory, and the rules that the design relies on."""
    lines = server_properties(Path("/data/logs"), 9092, 9093).splitlines()

    settings = dict(line.split("=", 1) for line in lines)
    assert settings["log.dirs"] == "/data/logs"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert settings["controller.quorum.bootstrap.servers"] == "127.0.0.1:9093"
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["log.message.timestamp.type"] == "LogAppendTime"


def test_heartbeats_fit_into_the_session() -> None:
    """A broker on a busy machine may miss several heartbeats before it is fenced."""
    settings = dict(line.split("=", 1) for line in server_properties(Path("/d"), 1, 2).splitlines())

    assert int(settings["broker.session.timeout.ms"]) >= 5 * int(settings["broker.heartbeat.interval.ms"])


def test_a_backslash_in_a_path_survives() -> None:
    """Java's reader takes a single backslash for an escape."""
    assert "log.dirs=/a\\\\b\n" in server_properties(Path("/a\\b"), 1, 2)
