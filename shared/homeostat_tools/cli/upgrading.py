"""`homeostat upgrade check`: what the release that is installed will find in the history that is here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

if TYPE_CHECKING:
    from homeostat.core import Fold

app = typer.Typer(no_args_is_help=True, help="See what an upgrade will meet, before it is made.")
_NEWEST: Final = 2_000
"""Records of each partition whose types are looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of one fold, or one event type.

    Args:
        what: Its name.
        state: same, new, taken over, rebuilt, halts, or unknown type.
        stored: Versions that the newest snapshots are of.
        installed: Version that is installed here.
        refolds: Records that are folded when it is started.
        is_input_whole: Whether the input is there from its first record on.
        todo: What to do; empty where nothing is to be done.
    """

    what: str
    state: str
    stored: str = ""
    installed: str = ""
    refolds: int = 0
    is_input_whole: bool = True
    todo: str = ""


@app.callback()
def upgrade() -> None:
    """See what an upgrade will meet, before it is made."""


@app.command()
def check(ctx: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR, is_json: Json = False) -> None:
    """Compare the folds of this release with the snapshots that are stored, and its event types with the logs.

    Run it with the new release, from a folder or image of its own, against the broker of the old one: nothing is
    written. Exits 8 where a fold would not start, or where the logs hold types that this release does not know.
    """
    from homeostat_tools.cli.connection import session, settings_of
    from homeostat_tools.cli.exit_codes import Exit
    from homeostat_tools.cli.output import hint, rows

    settings = settings_of(data_dir)
    with session(ctx, data_dir) as opened:
        found = [*_folds(opened.logs, settings.salt), *_types(opened.logs)]
    columns = ("what", "state", "stored", "installed", "refolds", "input", "do")
    table = [
        (f.what, f.state, f.stored, f.installed, f.refolds, "whole" if f.is_input_whole else "expired in part", f.todo)
        for f in found
    ]
    rows(columns, table, is_json=is_json)
    blocked = [f.what for f in found if f.todo]
    hint(f"{', '.join(blocked)}: see docs/upgrade.md" if blocked else "this release can go on where the other one is")
    if blocked:
        raise typer.Exit(Exit.OTHER_VERSION)


def _folds(logs: Any, salt: Any) -> Iterator[Finding]:
    from homeostat.runtime import registry
    from homeostat_tools.cli.folds import fold_of

    present = logs.topics()
    for name, entry in registry.folds().items():
        if entry.topic in present:
            yield _fold(logs, entry.topic, fold_of(name, salt), is_stored=_snapshots(name) in present)


def _snapshots(name: str) -> str:
    from homeostat.events.logs import SNAPSHOTS

    return SNAPSHOTS + name


def _fold(logs: Any, topic: str, fold: "Fold[Any]", *, is_stored: bool) -> Finding:
    from homeostat.runtime.keyframes import markers
    from homeostat.runtime.version import version_of

    installed, ranges = version_of(fold), logs.ranges([topic])
    is_whole = all(low == 0 for low, _ in ranges.values())
    n_there = sum(high - low for low, high in ranges.values())
    newest: dict[int, Any] = {}
    for place in range(logs.n_partitions(_snapshots(fold.name)) if is_stored else 0):
        for _, marker in markers(list(logs.read([_snapshots(fold.name)], partition=place))):
            if place not in newest or marker.epoch >= newest[place].epoch:
                newest[place] = marker
    if not newest:
        return Finding(fold.name, "new", "", installed, n_there, is_whole)
    ends = {place: high for (_, place), (_, high) in ranges.items()}
    behind = sum(max(0, ends.get(place, 0) - marker.position) for place, marker in newest.items())
    stored = " ".join(sorted({marker.version for marker in newest.values()}))
    if stored == installed:
        return Finding(fold.name, "same", stored, installed, behind, is_whole)
    if all(marker.is_clean or marker.version == installed for marker in newest.values()):
        return Finding(fold.name, "taken over", stored, installed, behind, is_whole)
    rebuild = f"homeostat folds rebuild {fold.name}" + ("" if is_whole else " --partial, and some of it is lost")
    return Finding(
        fold.name,
        "halts",
        stored,
        installed,
        behind,
        is_whole,
        f"stop its service gracefully with the old release first; else HOMEOSTAT_HOST_ADOPT_VERSION=true, or {rebuild}",
    )


def _types(logs: Any) -> Iterator[Finding]:
    """Types that a newer release has written."""
    from homeostat.events import MODELS
    from homeostat.events.logs import DOORS, LOGS, QUARANTINE
    from homeostat_tools.cli.rendering import attributes

    present, unknown = logs.topics(), dict[str, int]()
    checked = [log.name for log in LOGS if log.name in present and log.name not in (*DOORS, QUARANTINE)]
    for record in logs.read(checked, last=_NEWEST):
        type_ = attributes(record).type
        if type_.startswith("homeostat.") and type_ not in MODELS:
            unknown[type_] = unknown.get(type_, 0) + 1
    for type_, n in sorted(unknown.items()):
        todo = "a newer release has written it: install that one, or a later one"
        yield Finding(type_, "unknown type", refolds=n, todo=todo)
