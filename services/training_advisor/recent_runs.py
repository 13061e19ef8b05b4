"""The last runs, so that what a source recorded can be unlearned exactly: those of the others are learned again."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from homeostat.events import EpisodeRecorded, Provenance
from homeostat.events.sources import rests_on, shared_name

MOST_RUNS: Final = 1024
_MOST_VALUES: Final = 32_768
"""Hyperparameters and meta-features of all runs together: a run may have many."""
_N_NAMED: Final = 64
"""Sources that count as one each when room is made; further ones share names, so that many names gain nothing."""
_MOST_EVICTED: Final = 256
_UNUSED: Final[dict[str, object]] = {
    "episode": "recent",
    "model": None,
    "initial_weights": None,
    "loss_curve": (),
    "cost": 0.0,
    "environment": {},
    "seed": None,
}
"""What nothing is learned from is not kept: a run may have a long curve."""


@dataclass(slots=True)
class RecentRuns:
    """TaskRuns in the order in which they were recorded, without what nothing is learned from.

    Room is made by the source that has most of them: it cannot push the others out.

    Args:
        runs: The last ones.
        n_values: Of all of them.
        evicted: Sources of runs that have made room, as far as they can be told apart: what these taught stays for as
            long as nobody has to be unlearned.
    """

    runs: list[EpisodeRecorded] = field(default_factory=list)
    n_values: int = 0
    evicted: list[str] = field(default_factory=list)

    def update(self, episode: EpisodeRecorded) -> None:
        """Take note of a run that has a task and a configuration, and is not held out."""
        self.runs.append(episode.model_copy(update=_UNUSED | {"provenance": Provenance("", source_of(episode), "")}))
        self.n_values += _n_values(episode)
        while len(self.runs) > MOST_RUNS or self.n_values > _MOST_VALUES:
            self._make_room()

    def believed(self, distrusted: Collection[str]) -> Iterator[EpisodeRecorded]:
        """Yield the runs of everybody who is not distrusted."""
        return (run for run in self.runs if source_of(run) not in distrusted)

    def has(self, source: str) -> bool:
        """Tell whether a source has recorded a run, or may have."""
        return any(source_of(run) == source for run in self.runs) or rests_on(self.evicted, [source])

    def _make_room(self) -> None:
        names = list(dict.fromkeys(source_of(run) for run in self.runs))
        group = {name: name if place < _N_NAMED else "~" for place, name in enumerate(names)}
        counts = Counter(group[source_of(run)] for run in self.runs)
        largest = min(counts, key=lambda name: (-counts[name], name))
        oldest = next(place for place, run in enumerate(self.runs) if group[source_of(run)] == largest)
        run = self.runs.pop(oldest)
        self.n_values -= _n_values(run)
        name = source_of(run)
        if name not in self.evicted:
            name = name if len(self.evicted) < _MOST_EVICTED else shared_name(name)
            self.evicted += [name] if name not in self.evicted else []


def source_of(episode: EpisodeRecorded) -> str:
    """Return who recorded a run."""
    return "" if episode.provenance is None else episode.provenance.source


def _n_values(episode: EpisodeRecorded) -> int:
    return len(episode.hyperparameters) + len(episode.meta_features)
