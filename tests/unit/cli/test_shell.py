"""What a shell may rely on: help and version, completion, JSON that a line-wise reader takes."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.unit.cli.system import System
from typer.testing import CliRunner

from homeostat.events.logs import LOGS
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.process import ProcessStatus
from homeostat_tools.local_stack.status_file import write_report

COMMANDS: Any = typer.main.get_command(app)
SIGNAL = '{"layer": "edge", "name": "t", "value": 3}'


def test_the_version_is_that_of_the_package(system: System) -> None:
    """On stdout, also by its short name."""
    assert system("--version") == system("-V") == f"homeostat {version('homeostat')}\n"


@pytest.mark.parametrize("command", [(), ("tail",), ("quarantine",), ("quarantine", "list"), ("topics",)])
def test_help_has_a_short_name(system: System, command: tuple[str, ...]) -> None:
    """Of every command."""
    assert system(*command, "-h") == system(*command, "--help") != ""


def offered(system: System, *words: str) -> list[str]:
    """What bash offers for the last word."""
    environment = {
        "_HOMEOSTAT_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["homeostat", *words]),
        "COMP_CWORD": str(len(words)),
    }
    result = CliRunner().invoke(app, [], obj=system.logs, env=environment, prog_name="homeostat")
    assert result.exit_code == 0, result.output
    return result.stdout.split()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("tail", ""), [log.name.removeprefix("homeostat.") for log in LOGS]),
        (("tail", "ti"), ["timeline"]),
        (("export", "homeostat.ti"), ["homeostat.timeline"]),
        (("tail", "-t", "freeze."), ["freeze.lifted", "freeze.set"]),
        (("tail", "-s", "team/"), ["team/f", "team/m"]),
        (("why", ""), ["team/m"]),
        (("revert", "te"), ["team/m"]),
        (("freeze", ""), ["*", "team", "team/m"]),
        (("unfreeze", "team/"), ["team/m"]),
        (("budget", ""), ["*", "team"]),
        (("dataset", "report", ""), ["team/f"]),
        (("quarantine", "list", "--model", "team"), ["team", "team/f", "team/m"]),
        (("replay", "gov"), ["governor"]),
        (("budget", "--key", ""), ["operator"]),
        (("why", "nobody"), []),
    ],
)
def test_names_are_offered(governed: System, words: tuple[str, ...], names: list[str]) -> None:
    """Of logs and types, and of the scopes, models and families that somebody has spoken of."""
    assert sorted(offered(governed, *words)) == sorted(names)


def test_nothing_is_offered_where_nobody_answers(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is said: a line is being typed."""

    def away(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(governed.logs, "read", away)

    assert offered(governed, "why", "") == []


def json_options() -> list[tuple[str, Any]]:
    """Every `--json`, by command."""
    found: list[tuple[str, Any]] = []

    def walk(command: Any, path: str) -> None:
        found.extend((path.strip(), p) for p in command.params if "--json" in p.opts)
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}")

    walk(COMMANDS, "")
    return found


@pytest.mark.parametrize(("command", "option"), json_options())
def test_json_says_what_it_is(command: str, option: Any) -> None:
    """One object a line where it goes to stdout; a file says that it is one document."""
    words = ("one object a line",) if option.is_flag else ("one JSON list", "one JSON document")

    assert any(word in option.help for word in words), (command, option.help)


LINES: dict[str, tuple[str, ...]] = {
    "status": (),
    "doctor": (),
    "publish": ("signal.observed", "team/m", SIGNAL),
    "tail": (),
    "story": ("register-team/m",),
    "why": ("team/m",),
    "topics": (),
    "quarantine list": (),
    "quarantine show": ("ID",),
    "quarantine replay": ("--all", "--dry-run"),
    "dataset report": (),
    "dataset episodes": (),
    "distrust": ("/bad", "-s", "team"),
    "trust": ("/worse", "-s", "team"),
    "audit verify": (),
    "keys show": (),
    "roles show": (),
    "replay": ("governor",),
    "apply": ("FILE", "--dry-run"),
    "upgrade check": (),
    "erase": ("team/m",),
    "try": ("team/m", "mean-shift"),
    "adapt": (),
    "import": ("table", "CSV", "-s", "team/m", "--dry-run"),
    "check": ("team/m", "--no-recipe"),
    "report value": ("--out", "OUT"),
    "backtest": (),
    "whatif": ("ACTION", "--set", "rules.max_actions=1"),
    "inject-drift": ("team/m", "mean-shift", "--feature", "x"),
}
"""Arguments that give each command something to print."""


def test_every_json_is_tried() -> None:
    """But those of the feature store and of a model server, which need one."""
    apart = {"features show", "conform server"}
    assert {command for command, option in json_options() if option.is_flag} - apart == set(LINES)


@pytest.mark.parametrize("command", sorted(LINES))
def test_json_is_one_object_a_line(governed: System, tmp_path: Path, command: str) -> None:
    """Every line of stdout is one, whatever the exit code."""
    (tmp_path / "law.toml").write_text("[rules]\nmax_actions = 7\n")
    write_report(governed.folder / "processes.json", [ProcessStatus("a", None, "running", 0, 1.0, None)] * 2)
    (tmp_path / "rows.csv").write_text("time,version,request,x,prediction,label\n1700000000,v1,r1,0.5,1,1\n")
    action = governed.propose()
    governed("publish", "signal.observed", "team/late", SIGNAL)
    if command == "trust":
        governed("distrust", "/worse", "-s", "team")
    id_ = governed.json("quarantine", "list")[0]["id"]
    words = {"ID": id_, "ACTION": action}
    words |= {
        word: str(tmp_path / name) for word, name in (("FILE", "law.toml"), ("CSV", "rows.csv"), ("OUT", "a.html"))
    }
    given = [words.get(word, word) for word in LINES[command]]

    result = CliRunner().invoke(app, [*command.split(), *given, "--json"], obj=governed.logs)

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(isinstance(one, dict) for one in found)
    assert found or command.startswith("dataset") or result.exit_code == 3, result.output
