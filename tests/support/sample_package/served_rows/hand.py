"""Notes every approved band of an alert threshold in a file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from homeostat.core import CommandExecution, Event, Hand, Report
from homeostat.events import ActionApplied, ThresholdSet
from homeostat.events.logs import POLICY_THRESHOLD
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context


class BandNotesSettings(BaseSettings):
    """From the environment, `HOMEOSTAT_BAND_NOTES_…`.

    Args:
        file: Where the notes are kept; None for `<data dir>/band-notes/bands.json`.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_BAND_NOTES_", frozen=True, extra="forbid")

    file: Path | None = None


class BandNotes:
    """A `Hand`: by model the band that holds, under the command that set it. Noting the same one twice changes nothing.

    Its reports count where the law names it: by the role `hand:band_notes/alert-threshold`.

    Args:
        file: Where.
    """

    name = "band_notes"

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def logs(self) -> Sequence[str]:
        """See `Hand.logs`."""
        return (POLICY_THRESHOLD,)

    def start(self, command: Event) -> CommandExecution | None:
        """See `Hand.start`; the note is written when it returns."""
        if not isinstance(command.data, ThresholdSet) or command.data.model is None:
            return None
        notes = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        band = command.data.band
        notes[command.data.model] = {"command": command.id, "signal": band.signal, "low": band.low, "high": band.high}
        self._file.write_text(json.dumps(notes, sort_keys=True), "utf-8")
        return _Noted(command, command.data)


class _Noted:
    """A command that was carried out in `start`, and is still to be reported."""

    def __init__(self, command: Event, data: ThresholdSet) -> None:
        self.is_done = False
        self._applied = ActionApplied(
            action=data.action,
            command=command.identity,
            kind="threshold",
            family=data.family,
            model=data.model,
            band=data.band,
        )

    def poll(self) -> Iterator[Report]:
        """See `CommandExecution.poll`."""
        if not self.is_done:
            self.is_done = True
            yield Report("applied", self._applied)

    def cancel(self) -> None:
        """See `CommandExecution.cancel`."""
        self.is_done = True


def band_notes(context: Context) -> Hand:
    """Wire the hand to its file."""
    settings = settings_of_environment(BandNotesSettings)
    return BandNotes(settings.file or context.workdir("band-notes") / "bands.json")
