"""Announced deployments of one model: how many of them are passed on to the law."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Reject
from homeostat.core.rate import Rate

_WINDOW_MS: Final = 3_600_000


@dataclass(slots=True)
class Deployments:
    """What was announced of a model lately.

    Args:
        version: Last one that was passed on.
        changes: Announcements of another version than the last one.
        repeats: Announcements of the same: pods announce themselves again and again.
    """

    version: str = ""
    changes: Rate = field(default_factory=Rate)
    repeats: Rate = field(default_factory=Rate)

    def admit(self, version: str, now: int, limit: int) -> bool:
        """Count an announcement; return whether it goes on.

        A repetition goes on too, as long as there are not too many: what serves may have been changed from inside
        meanwhile, which the door does not see.

        Args:
            version: Announced.
            now: Broker time, ms.
            limit: Of changes in an hour, and of repetitions.

        Raises:
            Reject: `deployment_rate`: other versions are announced too often.
        """
        if version == self.version:
            return self.repeats.take(now, limit, _WINDOW_MS)
        if not self.changes.take(now, limit, _WINDOW_MS):
            raise Reject(
                "deployment_rate", f"{limit} versions were announced within an hour; {version} is not followed"
            )
        self.version = version
        return True
