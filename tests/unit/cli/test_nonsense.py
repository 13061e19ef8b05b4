"""Whatever the arguments are: an exit code of the documented ones, one line that says what is wrong, no traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.cli.system import System
from typer.testing import CliRunner

from homeostat_lab.bench import Row
from homeostat_lab.evaluation.rows import Result
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable

Parts = list[str]

TEXTS: Final = (
    "",
    " ",
    "*",
    "/",
    "a/b",
    "team",
    "team/m",
    "a/b/c",
    "x",
    "ü/ß",
    "日本",
    "👾",
    "a b",
    "a#b",
    "..",
    "~",
    "%s",
    "[red]x[/red]",
    "[/]",
    "[bold",
    ":warning:",
    "a\nb",
    "\t",
    "\x1b[31m",
    "\u202e",
    "'",
    '"',
    "\\",
    "{",
    "null",
    "[]",
    '{"type": 1, "subject": 2, "data": 3}',
    "[" * 5000,
    "x" * 5000,
    "signal.observed",
    "verdict.given",
    "governor",
    "timeline",
    "homeostat.timeline",
    "mean-shift",
    "operator",
    "admin",
    "drift",
    "demo",
    "pipeline",
)
NUMBERS: Final = ("0", "1", "-1", "3.5", "nan", "inf", "-inf", "1e40", "-1e40", "1e-400", "9" * 400, "abc", "", "٣")
TIMES: Final = (
    "10m",
    "1d",
    "0s",
    "-1d",
    "nan",
    "beginning",
    "999999999999d",
    "1e9h",
    "٣d",
    "2026-13-45",
    "0001-01-01T00:00",
    "0001-01-01T00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-31T12:00",
    "yesterday",
    "",
    " ",
)
PATHS: Final = (
    "nowhere",
    "nowhere/at/all",
    "folder",
    "garbage",
    "garbage/below",
    "empty",
    "latin1",
    "lines",
    "law.toml",
    "nul.gz",
    "new.jsonl.gz",
    "données à/x",
    "x" * 300,
    "/proc/nowhere/x",
    "/dev/null/x",
    "",
)
VALID: Final = {
    "scope": ("team", "*"),
    "model": ("team/m",),
    "family": ("team/f", "f"),
    "money": ("5",),
    "id_": ("1.0", "9.0", "0"),
    "name": ("operator", "pipeline", "ana"),
    "key": ("operator",),
    "by": ("operator",),
    "role": ("approver",),
    "what": ("signal.observed", "-", "lines", "garbage", "latin1"),
    "subject": ("team/m",),
    "data": ('{"layer": "edge", "name": "t", "value": 3}', "-", '{"layer": "edge", "name": "[/]", "value": 1e400}'),
    "kind": ("mean-shift", "scale", "class-prior", "label-swap", "feature-outage"),
    "feature": ("x",),
    "course": ("gradual", "recurring"),
    "log": ("timeline", "governance", "verdicts", "quarantine"),
    "logs": ("timeline", "governance", "verdicts", "quarantine"),
    "fold": ("governor", "intake.telemetry"),
    "task": ("demo", "sinusoid", "drift", "all"),
    "ids": ("telemetry-0-0", "telemetry-1-0"),
    "why": ("model_unregistered",),
    "since": ("beginning",),
    "types": ("signal.*", "*"),
    "reason": ("[/]", "because"),
}
"""What gets a command past its first check, by name of the argument or option."""

SAMPLES: Final = (
    '{"version": "v1", "request": ["a", "b"], "time": [1.7e9, 1.7e9], "prediction": [0, 1], "features": {"x": [1, 2]}}'
)
FLAGS_LEFT_OUT: Final = ("--follow", "--help", "--install-completion", "--show-completion")
"""Endless on purpose, or not ours."""


def leaves(command: Any, path: Parts) -> Iterator[tuple[Parts, Any]]:
    """Every command that can be run, with its full name."""
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield path, command
    for name, child in children.items():
        yield from leaves(child, [*path, name])


COMMANDS: Final = {" ".join(path): command for path, command in leaves(typer.main.get_command(app), [])}


def values_of(parameter: Any) -> st.SearchStrategy[str]:
    """Nonsense for one argument or option, of its own kind and of others."""
    names = " ".join([parameter.name, *parameter.opts])
    kind = parameter.type_descriptor.annotation
    if kind is Path or "file" in names or parameter.name in ("what", "folder", "export", "data_dir"):
        return st.sampled_from(PATHS)  # nothing else: what is a path might be written to
    if parameter.name == "timeout":
        return st.sampled_from(("0",) * 8 + ("-1", "nan", "inf", "1e40", "x"))  # nobody waits here
    if kind in (int, float):
        return st.sampled_from(("1", "5", "7") * 3 + NUMBERS)
    if parameter.name in ("since", "period"):
        return st.sampled_from(TIMES) | st.text(max_size=8)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
    return st.sampled_from(TEXTS) | st.sampled_from(NUMBERS) | text


def _value(parameter: Any) -> st.SearchStrategy[str]:
    valid = VALID.get(parameter.name)
    if valid is None:
        return values_of(parameter)
    return st.one_of(*[st.sampled_from(valid)] * 3, values_of(parameter))


REST: Final[tuple[Parts, ...]] = (*([] for _ in range(12)), ["--nonsense"], ["one", "too", "many"], ["--"])


@st.composite
def arguments(draw: st.DrawFn, command: Any) -> Parts:
    """Some arguments and options of a command, with nonsense in them; sometimes one too many, or an unknown one."""
    found: Parts = []
    for parameter in command.params:
        opts = [] if set(FLAGS_LEFT_OUT) & set(parameter.opts) else parameter.opts
        if parameter.param_type_name == "argument":
            n = draw(st.integers(0, 2)) if parameter.nargs == -1 else draw(st.sampled_from((0, 1, 1, 1, 1, 1, 1, 1)))
            found += [draw(_value(parameter)) for _ in range(n)]
        elif not opts:
            continue
        elif parameter.name == "timeout" or draw(st.integers(0, 3)) == 0:
            found.append(draw(st.sampled_from([*opts, *parameter.secondary_opts])))
            if not parameter.is_flag:
                found.append(draw(_value(parameter)))
    return [*found, *draw(st.sampled_from(REST))]


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
        patch.setattr("homeostat_tools.cli.answers._SETTLE_SECONDS", 0.0)
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
