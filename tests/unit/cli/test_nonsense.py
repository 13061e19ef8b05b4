"""Whatever the arguments are: an exit code of the documented ones, one line that says what is wrong, no traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.cli.nonsense_arguments import COMMANDS, SAMPLES, Parts, arguments
from tests.unit.cli.system import System
from typer.testing import CliRunner

from homeostat_lab.bench import Row
from homeostat_lab.evaluation.rows import Result
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable


@contextmanager
def surroundings(folder: Path) -> Iterator[System]:
    """A small system, files of every kind, and nothing that takes long or leaves the folder."""
    made = folder / "files"
    made.mkdir()
    (made / "folder").mkdir()
    (made / "garbage").write_bytes(os.urandom(300))
    (made / "empty").write_bytes(b"")
    (made / "latin1").write_bytes("name = 'Küche'\n".encode("latin-1"))
    (made / "lines").write_text('{"type": "signal.observed", "subject": "team/m", "data": {}}\n[]\n3\n"x"\n{\n')
    (made / "law.toml").write_text("[rules]\nmax_actions = 1e400\n[scopes]\nx = 3\n[roles]\na = 4\n")
    (made / "nul.gz").write_bytes(b"\x1f\x8b\0\0")

    def unavailable(*_: Any, **__: Any) -> None:
        raise KafkaUnavailable("There is no Kafka.", "This is a test.")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("HOMEOSTAT_DATA_DIR", str(folder / "data"))
        patch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        patch.setenv("NO_COLOR", "1")
        patch.setattr("homeostat_tools.cli.responses._SETTLE_SECONDS", 0.0)  # nothing is on its way
        patch.setattr("homeostat_tools.local_stack.local.LocalStack.start", unavailable)
        patch.setattr("homeostat_tools.local_stack.topics.ensure_topics", unavailable)
        patch.setattr("homeostat_tools.local_stack.topics.repair_topics", unavailable)
        patch.setattr("homeostat_lab.demo.run.system_of", unavailable)
        patch.setattr("homeostat_tools.cli.evaluate._demo", lambda *_: Result([]))
        patch.setattr("homeostat_tools.cli.evaluate._run", lambda *_: Result([]))
        patch.setattr("homeostat_lab.bench.run", lambda *_, **__: iter([Row("x", "s", 1.0)]))
        patch.setattr("homeostat.runtime.cluster.Cluster.load", away)
        system = System(folder / "data")
        system("keys", "create", "operator")
        system.register()
        system.propose()
        system("publish", "samples.observed", "team/m", SAMPLES)
        system("publish", "signal.observed", "team/late", '{"layer": "edge", "name": "t", "value": 3}')
        yield system


def away(self: Any, timeout_seconds: float = 0.0) -> None:
    from homeostat.runtime.kafka_errors import BrokerUnreachable

    raise BrokerUnreachable("127.0.0.1:1", "test")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("freeze", "a/b"), 3, "--force"),
        (("freeze", "a/b/c"), 2, "scope/model"),
        (("freeze", "team", "-m", "x" * 2001), 2, "reason"),
        (("budget", "x", "1e40"), 2, "money"),
        (("budget", "x", "nan"), 2, "money"),
        (("budget", "x", "5", "--period", "99999999999d"), 2, "period_ms"),
        (("revert", "x"), 2, "scope/model"),
        (("why", "x"), 2, "scope/model"),
        (("export", "timeline", "/nonexistent/x.jsonl.gz"), 2, "no folder"),
        (("export", "timeline", "."), 2, "is a folder"),
        (("publish", "garbage"), 2, "not UTF-8"),
        (("publish", "folder"), 1, "Is a directory"),
        (("publish", "signal.observed", "team/m", "[" * 5000), 2, "nested too deeply"),
        (("publish", "signal.observed", "team/m", "\udcff"), 2, "not UTF-8"),
        (("apply", "latin1"), 2, "not TOML"),
        (("keys", "show", "../x"), 2, "letters"),
        (("freeze", "team", "--key", "../x"), 2, "letters"),
        (("tail", "--since", "2026-13-45"), 2, "10m, 2h"),
        (("tail", "--limit", "-1"), 2, "--limit"),
        (("bench", "--json", "/nonexistent/x.json"), 2, "no folder"),
        (("inject-drift", "team/m", "scale", "--feature", "x", "--size", "inf"), 2, "no number"),
        (("inject-drift", "team/m", "scale", "--export", "garbage", "--feature", "x"), 2, "not an export"),
        (("inject-drift", "team/m", "scale", "--export", "nul.gz", "--feature", "x"), 2, "not an export"),
        (("up", "--partitions", "0"), 2, "--partitions"),
        (("demo", "--seed", "-1"), 2, "--seed"),
        (("demo", "--data-dir", "garbage"), 1, "garbage"),
        (("nonsense",), 2, "homeostat --help"),
        (("tail", "--nonsense"), 2, "homeostat tail --help"),
    ],
)
def test_what_is_wrong_is_named(args: tuple[str, ...], code: int, says: str, tmp_path: Path) -> None:
    """Some of what has had a traceback, and what it says now."""
    with surroundings(tmp_path) as system:
        system(*args, code=code)

        (line,) = system.stderr.splitlines()
        assert line.startswith("error: ")
        assert says in line


def test_what_nobody_has_foreseen_is_said_to_be_a_bug(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and a file with the traceback for the report."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("[/] by zero")

    monkeypatch.setattr(system.logs, "ranges", broken)

    system("tail", code=1)

    assert "ZeroDivisionError: [/] by zero; this is a bug" in system.stderr
    kept = Path(system.stderr.split(" with ")[-1].strip())
    assert "Traceback" in kept.read_text()
    kept.unlink()


PRINTED_WHOLE: Final = ("doctor", "status", "replay", "audit verify", "evaluate")
"""Commands that end with a code that is not 0 after they have printed what they found."""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_nonsense_is_answered_in_one_line(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every command, with arguments of every kind."""
    with surroundings(tmp_path_factory.mktemp("nonsense")) as system:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(arguments(COMMANDS[name]), st.sampled_from(("", "x\n", "{}\n", "[" * 5000, "y\n")))
        def check(args: Parts, stdin: str) -> None:
            result = CliRunner().invoke(app, [*name.split(), *args], obj=system.logs, input=stdin)

            told = (args, result.exit_code, result.stdout[-300:], result.stderr[-1000:])
            assert result.exception is None or isinstance(result.exception, SystemExit), (told, result.exception)
            assert 0 <= result.exit_code <= 6, told
            assert "Traceback" not in result.output, told
            assert "this is a bug" not in result.stderr, told
            errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
            if result.exit_code and name not in PRINTED_WHOLE:
                assert len(errors) <= 1, told
                assert errors or result.stdout, told
            assert result.exit_code or not errors, told

        check()
