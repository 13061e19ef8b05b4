"""What an import has done, counted; and the file that nothing gets lost in."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from homeostat.adapters import AdaptedEvent
from homeostat.codec.encode import rfc3339
from homeostat.core import Reject
from homeostat.events import short
from homeostat_tools.cli.exit_codes import CommandFailed, Exit
from homeostat_tools.cli.output import as_json, hint, table
from homeostat_tools.cli.rendering import payload
from homeostat_tools.history import Unreadable
from homeostat_tools.history.marking import Marked

_SHOWN: Final = 5
"""Unreadable parts that are shown."""


class ImportReport:
    """Counts of an import; opens its file when there is something to write.

    Args:
        path: Where what could not be read goes, a line each; None keeps the first few to be shown, and no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._first: list[Unreadable] = []
        self._found: dict[tuple[str, str], list[int]] = {}
        self.n_unreadable = self.n_published = self.n_rows_published = self.n_known = self.n_left_out = 0
        self.is_ended = False

    def __enter__(self) -> "ImportReport":
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add_unreadable(self, found: Unreadable) -> None:
        """Take what gave no event."""
        self.n_unreadable += 1
        if len(self._first) < _SHOWN:
            self._first.append(found)
        if self._path is not None:
            self._file = self._file or self._path.open("w", encoding="utf-8")
            self._file.write(json.dumps(asdict(found), ensure_ascii=False, default=str) + "\n")

    def add_refused(self, event: Marked, reject: Reject) -> None:
        """Take an event that no door would have taken."""
        content = {"type": short(event.data.TYPE), "subject": event.subject, "data": payload(event.data)}
        self.add_unreadable(Unreadable("", f"event {event.id}", reject.reason, reject.detail, content))

    def read(self, events: Sequence[AdaptedEvent]) -> None:
        """Count what was read: events, rows, first and last time, by subject and type."""
        for event in events:
            counts = self._found.setdefault((event.subject, short(event.data.TYPE)), [0, 0, event.time, event.time])
            counts[0] += 1
            counts[1] += getattr(event.data, "n_rows", 1)
            counts[2], counts[3] = min(counts[2], event.time), max(counts[3], event.time)

    def show(self, *, is_json: bool, is_dry: bool) -> None:
        """Print all of it.

        Raises:
            CommandFailed: The import was ended before its end.
        """
        found: list[dict[str, Any]] = [
            {"subject": subject, "type": type_, "events": n, "rows": rows, "from": rfc3339(low), "to": rfc3339(high)}
            for (subject, type_), (n, rows, low, high) in sorted(self._found.items())
        ]
        if is_json:
            as_json(
                {
                    "read": found,
                    "published": self.n_published,
                    "rows_published": self.n_rows_published,
                    "known": self.n_known,
                    "left_out": self.n_left_out,
                    "unreadable": self.n_unreadable,
                    "unreadable_file": str(self._path) if self._file is not None else None,
                    "is_dry_run": is_dry,
                }
            )
        else:
            table(("subject", "type", "events", "rows", "from", "to"), [list(row.values()) for row in found])
        self._say(is_dry=is_dry)
        if self.is_ended:
            raise CommandFailed(Exit.FAILED, "ended before its end: run it again, and it goes on from here")

    def _say(self, *, is_dry: bool) -> None:
        for one in self._first:
            hint(f"{one.place}, {one.field}: {one.reason}")
        if self.n_unreadable:
            where = f", in {self._path}" if self._file is not None else ""
            hint(f"{self.n_unreadable} could not be read{where}")
        if self.n_left_out:
            hint(f"{self.n_left_out} deployments left out: what served once is nothing to follow")
        if is_dry:
            hint("nothing was published")
            return
        hint(
            f"{self.n_published} events published, {self.n_known} were there already; "
            "what a door refuses is in `homeostat quarantine list`"
        )
