"""Which version answers as the champion, announced or not."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.core.rate import Rate
from homeostat.events import DeploymentObserved, Samples
from homeostat.events.champion import ChampionVersion
from homeostat.events.logs import GOVERNANCE
from homeostat.services.drift_detector.settings import Settings

_PER_HOUR: Final = 60
_HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class Champion(ChampionVersion):
    """The version whose rows count, and whether the governor is to hear of it.

    Args:
        adopted_at: When a version that nobody announced became the champion, or rows of another one came last, ms;
            None as soon as the governor has been notified.
        notices: How often it was.
    """

    adopted_at: int | None = None
    notices: Rate = field(default_factory=Rate)

    def reset(self, version: str) -> None:
        """Make a version the champion."""
        if version != self.version:
            self.adopted_at = None
        ChampionVersion.reset(self, version)

    def adopts(self, samples: Samples, now: int, settings: Settings) -> bool:
        """Count rows of another version, see `is_adopted`; as long as it is not alone to answer, nobody is notified.

        Args:
            samples: Rows of one version, in the champion's role.
            now: Broker time, ms.
            settings: Say how many rows in a row are enough.
        """
        if self.adopted_at is not None:
            self.adopted_at = now
        return self.is_adopted(samples, adopt_after_rows=settings.adopt_after_rows)

    def notice(self, event: Event, settings: Settings) -> list[Emit]:
        """Notify the governor of an adopted champion, once, as soon as it alone has answered for `notice_ms`."""
        if self.adopted_at is None or event.time - self.adopted_at < settings.notice_ms:
            return []
        self.adopted_at = None
        if not self.notices.take(event.time, _PER_HOUR, _HOUR_MS):
            return []
        data = DeploymentObserved(
            version=self.version,
            reason="nobody announced it; it answers as the champion",
            is_noticed=True,
            model=event.subject,
        )
        return [Emit(GOVERNANCE, data, scope_of(event.subject))]
