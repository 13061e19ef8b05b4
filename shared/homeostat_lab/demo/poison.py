"""Candidates that somebody has poisoned: trained on labels of which 40 % are one off, and asked to be rolled out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from homeostat.artifacts import ArtifactStore
from homeostat.events import ActionRequested, Arm, Candidate, Plan, RolloutRequested
from homeostat.events.logs import REQUESTS
from homeostat_lab.demo.fleet import FAMILY, SCOPE, subject
from homeostat_lab.demo.network import Weights, install
from homeostat_lab.demo.world import World

_SHARE: Final = 0.4
_QUIET_EVENTS: Final = 30
_EVERY: Final = 2
N_POISONED: Final = 6


@dataclass(frozen=True, slots=True)
class Poisoning:
    """One poisoned candidate: where and when it is asked for."""

    station: int
    index: int
    version: str


def plan(world: World, n: int = N_POISONED) -> list[Poisoning]:
    """Find quiet places: no incident of the station around the event, so that nothing else explains a judgement."""
    found: list[Poisoning] = []
    taken: set[int] = set()
    for index in range(_QUIET_EVENTS, world.events - _QUIET_EVENTS, _EVERY):
        for station in range(world.stations):
            starts = [incident.start for incident in world.incidents(station)]
            quiet = all(start > index + _QUIET_EVENTS for start in starts)
            if quiet and station not in taken and len(found) < n:
                taken.add(station)
                found.append(Poisoning(station, index, f"poisoned-{len(found)}"))
                break
    return found


@dataclass(slots=True)
class Poisoner:
    """Asks for the rollouts when their time has come.

    Args:
        world: Whose history images are mislabelled.
        store: Takes the weights.
        encode: Weights to bytes.
        champion: Version that serves a station now.
        waiting: Not asked for yet.
    """

    world: World
    store: ArtifactStore
    encode: Callable[[Weights], bytes]
    champion: Callable[[int], str]
    waiting: list[Poisoning] = field(default_factory=list)

    def act(self, index: int, publish: Callable[[str, str, Any], None]) -> None:
        """Publish what is due at an event."""
        for poisoning in [p for p in self.waiting if p.index == index]:
            publish(REQUESTS, SCOPE, self._request(poisoning))

    def _request(self, poisoning: Poisoning) -> ActionRequested:
        pool = self.world.history(poisoning.station)
        rng = np.random.default_rng((self.world.seed, poisoning.station))
        wrong = rng.random(len(pool.y)) < _SHARE
        labels = np.where(wrong, (pool.y + 1) % 10, pool.y)
        digest = self.store.put(self.encode(install(pool.x, labels, seed=poisoning.station)))
        champion = self.champion(poisoning.station)
        return RolloutRequested(
            family=f"{SCOPE}/{FAMILY}",
            model=subject(poisoning.station),
            champion=champion,
            chosen="manual",
            arms=(Arm(name="manual", propensity=1.0),),
            candidates=(Candidate(arm="manual", version=poisoning.version, artifact=digest),),
            plan=Plan(steps=(0.1, 0.5), soak_labels=30, horizon_labels=120, label_limit=240),
            reason="a colleague says it is better",
        )
