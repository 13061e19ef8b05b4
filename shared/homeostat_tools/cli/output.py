"""How things are printed: data on stdout, as a table or JSON; everything else on stderr."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

_WIDE: Final = 200
"""Columns of a table that is not shown on a terminal: nothing is cut there."""


def data() -> Console:
    """Console of stdout; colours only on a terminal and without NO_COLOR."""
    console = Console(highlight=False, soft_wrap=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE, emoji=False)


def hints() -> Console:
    """Console of stderr."""
    return Console(stderr=True, highlight=False, emoji=False)


def plain(text: str) -> str:
    """Return text as it may stand in what is printed: no markup, no control of the terminal, whoever wrote it."""
    return escape(text if text.isprintable() else "".join(_shown(character) for character in text))


def _shown(character: str) -> str:
    is_control = unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\t"
    return repr(character)[1:-1] if is_control else character


def show(text: RenderableType) -> None:
    """Print something to read, unwrapped; what somebody else wrote stands in it as `plain`."""
    data().print(text, soft_wrap=True)


def say(text: str) -> None:
    """Print a sentence, unwrapped, as it is."""
    show(plain(text))


def hint(text: str) -> None:
    """Say what to do next, or what goes on."""
    hints().print(f"[dim]{plain(text)}[/dim]", soft_wrap=True)


def problem(text: str) -> None:
    """Say what is wrong, in one line."""
    hints().print(f"[bold red]error:[/bold red] {plain(' '.join(text.split()))}", soft_wrap=True)


def as_json(value: object) -> None:
    """Print one JSON document on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; numbers stand right."""
    body = [list(row) for row in rows]
    grid = Table(*(), title=title, box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        is_number = bool(body) and all(isinstance(row[index], int | float) for row in body)
        grid.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in body:
        grid.add_row(*(plain(_cell(value)) for value in row))
    data().print(grid)


def rows(columns: Sequence[str], values: Iterable[Sequence[Any]], *, is_json: bool, title: str | None = None) -> None:
    """Print rows as a table, or one JSON object a line."""
    if not is_json:
        table(columns, values, title=title)
        return
    for row in values:
        as_json(dict(zip(columns, row, strict=True)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
