"""The demo's world: 24 digit-reading cameras, event by event.

Real: the digits, every label, every training run and accuracy measured on them. Induced: camera pose,
lamp, sensor noise, routing plan, outages and label glitches. Nothing about an effect is scripted.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from homeostat_lab.demo.camera import capture, draw_optics, draw_pose, operator, raw_features, standardise
from homeostat_lab.demo.digits import N_AUDIT, N_CLASSES, Floats, Labels, Pool, split
from homeostat_lab.demo.incidents import GLITCH_SHARE, PACES, Incident, Kind, Scene, draw_incidents, scenes

N_SERVED: Final = 50
N_AUDITED: Final = 10
EVENTS_PER_CYCLE: Final = N_AUDIT // N_AUDITED
"""Events until the audit pool has been used up once and is shuffled again."""

_TASK_IMAGES: Final = 300
_N_META: Final = 500
"""History images for meta-training; the other 300 are for its held-out tasks."""

_STATION, _INSTALL, _EVENT, _AUDIT, _TASK = range(5)
"""Purposes of chance: each has its own streams, so that any event can be drawn without those before it."""


@dataclass(frozen=True, slots=True, eq=False)
class StationEvent:
    """What one station does in one event.

    Args:
        station: 0-based.
        index: 0-based event.
        served: (50, 64) float32, input of the model.
        served_truth: (50,) int64, right bins; only for scoring, never for training.
        audited: (10, 64) float32, input of the model.
        audited_label: (10,) int64, bins as the audit reports them; mostly wrong during a glitch.
        audited_truth: (10,) int64, right bins.
        features: By name (60,) float32 of the raw pixels, served then audited; see `raw_features`.
        incident: In force: one that heals while it lasts, else the latest permanent one, else None.
    """

    station: int
    index: int
    served: Floats
    served_truth: Labels
    audited: Floats
    audited_label: Labels
    audited_truth: Labels
    features: dict[str, Floats]
    incident: Kind | None


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A few-shot task: one camera pose, two disjoint sets of images in random order.

    Args:
        support_x: (150, 64) float32 model input to adapt on; take the first rows of a class for k shots.
        support_y: (150,) int64 digits.
        query_x: (150, 64) float32 to be scored on.
        query_y: (150,) int64.
    """

    support_x: Floats
    support_y: Labels
    query_x: Floats
    query_y: Labels


class World:
    """All stations of one seed. Any event can be drawn at any time, in any order, with the same result.

    Iterating gives, event after event, the events of all stations; nothing is kept.

    Args:
        seed: >= 0; fixes everything.
        stations: Number of stations, >= 1.
        events: Events per station, >= 1.
    """

    def __init__(self, seed: int, stations: int = 24, events: int = 400) -> None:
        self.seed, self.stations, self.events = seed, stations, events
        self._split = split(seed)
        self._incidents: list[tuple[Incident, ...]] = []
        self._scenes: list[tuple[Scene, ...]] = []
        for station in range(stations):
            rng = _rng(seed, _STATION, station)
            first = Scene(0, draw_pose(rng), draw_optics(rng), np.arange(N_CLASSES))
            incidents = draw_incidents(rng, pace=PACES[station % len(PACES)], n_events=events)
            self._incidents.append(incidents)
            self._scenes.append(scenes(rng, first, incidents))
        self._matrices = [[operator(scene.pose) for scene in states] for states in self._scenes]

    def __iter__(self) -> Iterator[tuple[StationEvent, ...]]:
        return (tuple(self.event(station, index) for station in range(self.stations)) for index in range(self.events))

    def incidents(self, station: int) -> tuple[Incident, ...]:
        """Return everything that will happen to a station, in order."""
        return self._incidents[station]

    def event(self, station: int, index: int) -> StationEvent:
        """Draw one event of one station.

        Raises:
            IndexError: No such station or event.
        """
        if not (0 <= station < self.stations and 0 <= index < self.events):
            raise IndexError(f"station {station}, event {index} of {self.stations} x {self.events}")
        at = bisect_right(self._scenes[station], index, key=lambda scene: scene.start) - 1
        scene, pools, rng = self._scenes[station][at], self._split, _rng(self.seed, _EVENT, station, index)
        cycle, place = divmod(index, EVENTS_PER_CYCLE)
        audit = _audit_order(self.seed, station, cycle)[place * N_AUDITED : (place + 1) * N_AUDITED]
        traffic = rng.integers(len(pools.traffic), size=N_SERVED)
        paper = np.concatenate((pools.traffic.x[traffic], pools.audit.x[audit]))
        raw = capture(paper, self._matrices[station][at], scene.optics, rng, scene.dead_rows)
        x, truth = standardise(raw), scene.plan[pools.audit.y[audit]]
        return StationEvent(
            station=station,
            index=index,
            served=x[:N_SERVED],
            served_truth=scene.plan[pools.traffic.y[traffic]],
            audited=x[N_SERVED:],
            audited_label=_glitched(rng, truth) if scene.is_glitched else truth,
            audited_truth=truth,
            features=raw_features(raw),
            incident=_in_force(self._incidents[station], index),
        )

    def history(self, station: int) -> Pool:
        """Return what a station's model is installed from: all 800 history images as its camera saw them at event 0."""
        scene, pool = self._scenes[station][0], self._split.history
        raw = capture(pool.x, self._matrices[station][0], scene.optics, _rng(self.seed, _INSTALL, station))
        return Pool(standardise(raw), pool.y)

    def tasks(self, n: int, seed: int, *, is_held_out: bool = False) -> Iterator[Task]:
        """Draw tasks for meta-training: cameras in any pose, plain digits, history images only.

        Args:
            n: Number of tasks, >= 0.
            seed: >= 0; the same seed gives the same tasks.
            is_held_out: Images that no other task shows, for judging; poses are new in any case.
        """
        history = self._split.history
        pool = history.take(np.arange(_N_META, len(history)) if is_held_out else np.arange(_N_META))
        for number in range(n):
            yield _task(pool, _rng(self.seed, _TASK, seed, int(is_held_out), number))


def _task(pool: Pool, rng: np.random.Generator) -> Task:
    matrix, optics = operator(draw_pose(rng)), draw_optics(rng)
    shown = pool.take(rng.permutation(len(pool))[:_TASK_IMAGES])
    x = standardise(capture(shown.x, matrix, optics, rng))
    # Every other image of each class: both halves hold all classes nearly equally often.
    by_class = np.argsort(shown.y, kind="stable")
    support, query = np.sort(by_class[0::2]), np.sort(by_class[1::2])
    return Task(x[support], shown.y[support], x[query], shown.y[query])


def _glitched(rng: np.random.Generator, truth: Labels) -> Labels:
    wrong = (truth + rng.integers(1, N_CLASSES, size=truth.shape)) % N_CLASSES
    return np.where(rng.random(truth.shape) < GLITCH_SHARE, wrong, truth)


def _in_force(incidents: tuple[Incident, ...], index: int) -> Kind | None:
    # The latest that is in force: those that heal start after the permanent ones before them.
    return next((incident.kind for incident in reversed(incidents) if incident.is_in_force(index)), None)


def _rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


@lru_cache(maxsize=256)
def _audit_order(seed: int, station: int, cycle: int) -> Labels:
    return _rng(seed, _AUDIT, station, cycle).permutation(N_AUDIT)
