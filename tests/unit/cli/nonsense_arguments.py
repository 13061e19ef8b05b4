"""Arguments for every command: right ones, wrong ones, and what nobody would type."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from hypothesis import strategies as st

from homeostat_tools.cli.app import app

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


def example_of(parameter: Any) -> st.SearchStrategy[str]:
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
            found += [draw(example_of(parameter)) for _ in range(n)]
        elif not opts:
            continue
        elif parameter.name == "timeout" or draw(st.integers(0, 3)) == 0:
            found.append(draw(st.sampled_from([*opts, *parameter.secondary_opts])))
            if not parameter.is_flag:
                found.append(draw(example_of(parameter)))
    return [*found, *draw(st.sampled_from(REST))]
