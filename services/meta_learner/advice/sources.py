"""Who has taught: what a distrusted source told must be able to leave without a trace."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import EpisodeRecorded

_MAX_SOURCES: Final = 256
"""Further sources teach nothing: unbounded, they would be a way to hide."""


@dataclass(slots=True)
class Sources:
    """Names of the sources whose episodes were learned from, in the order they came."""

    names: list[str] = field(default_factory=list)

    def admit(self, episode: EpisodeRecorded) -> bool:
        """Note the source of an episode; return whether it may be learned from."""
        name = "" if episode.provenance is None else episode.provenance.source
        if name not in self.names:
            if len(self.names) == _MAX_SOURCES:
                return False
            self.names.append(name)
        return True
