"""What happens to a station: drawn ahead per seed, felt by the model only through its pictures and labels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from homeostat_lab.demo.camera import Optics, Pose
from homeostat_lab.demo.digits import N_CLASSES, SIDE, Labels


class Kind(StrEnum):
    """Kinds of incidents."""

    BUMP = "bump"
    """The camera is knocked out of its pose, for good."""
    REPLAN = "replan"
    """Some bins change places, for good: the same digit has another right answer."""
    LAMP = "lamp"
    """Another lamp, for good; harmless to the model by construction."""
    OUTAGE = "outage"
    """Two sensor rows read 0 for a while; heals by itself."""
    NUDGE = "nudge"
    """A small bump and another lamp, for good."""
    GLITCH = "glitch"
    """Most audit labels are wrong for a while; traffic is untouched."""


SHARES: Final = {
    Kind.BUMP: 0.24,
    Kind.REPLAN: 0.14,
    Kind.LAMP: 0.22,
    Kind.OUTAGE: 0.17,
    Kind.NUDGE: 0.08,
    Kind.GLITCH: 0.15,
}
HARMFUL: Final = frozenset({Kind.BUMP, Kind.REPLAN})
"""Kinds that lower the accuracy for good and by much: the ones a model must be adapted to."""

PACES: Final = (0.8, 1.6, 3.5)
"""Factor on the gaps: busy, normal and quiet stations, in turn."""

GLITCH_SHARE: Final = 0.8
"""Share of audit labels that are wrong during a glitch."""

_FARTHEST: Final = 1.2
"""Pixels; bumps add up, and a camera that looks past the paper is no drift but a defect."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of one station.

    Args:
        kind: What happens.
        start: First event with it.
        end: First event without it; None if it stays.
    """

    kind: Kind
    start: int
    end: int | None = None

    def is_in_force(self, index: int) -> bool:
        """Return whether it is felt at an event."""
        return self.start <= index and (self.end is None or index < self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """State of a station from one event on.

    Args:
        start: First event in this state.
        pose: Of the camera.
        optics: Lamp and sensor.
        plan: (10,) int64, the bin of each digit.
        dead_rows: Sensor rows that read 0.
        is_glitched: Whether audit labels are mostly wrong.
    """

    start: int
    pose: Pose
    optics: Optics
    plan: Labels
    dead_rows: tuple[int, ...] = ()
    is_glitched: bool = False


def draw_incidents(rng: np.random.Generator, *, pace: float, n_events: int) -> tuple[Incident, ...]:
    """Draw what will happen to a station, in order; incidents that heal never overlap the next one.

    Args:
        rng: Advanced.
        pace: Incidents per event, in (0, 1).
        n_events: Length of the run.
    """
    return tuple(_incidents(rng, pace, n_events))


def _incidents(rng: np.random.Generator, pace: float, n_events: int) -> Iterator[Incident]:
    kinds, shares = list(SHARES), list(SHARES.values())
    # The first gap has no pace: quiet stations too have met something by the first quarter of a run.
    start = _gap(rng, 1.0)
    while start < n_events:
        kind = kinds[int(rng.choice(len(kinds), p=shares))]
        if kind is Kind.OUTAGE:
            yield Incident(kind, start, start + int(rng.integers(8, 15)))
        elif kind is Kind.GLITCH:
            yield Incident(kind, start, start + int(rng.integers(7, 12)))
        else:
            yield Incident(kind, start)
        start += _gap(rng, pace)


def _gap(rng: np.random.Generator, pace: float) -> int:
    return round(float(rng.uniform(50.0, 90.0)) * pace)


def scenes(rng: np.random.Generator, first: Scene, incidents: tuple[Incident, ...]) -> tuple[Scene, ...]:
    """Return the states a station goes through, the first one first.

    Args:
        rng: Draws the size of each incident; advanced.
        first: State at event 0, as installed.
        incidents: In order, none starting before the one before has ended.
    """
    states, home = [first], first.optics
    for incident in incidents:
        before = states[-1]
        after = replace(_change(rng, before, incident.kind, home), start=incident.start)
        states.append(after)
        if incident.end is not None:
            states.append(replace(before, start=incident.end))
    return tuple(states)


def _change(rng: np.random.Generator, scene: Scene, kind: Kind, home: Optics) -> Scene:
    if kind is Kind.BUMP:
        return replace(scene, pose=_turned(rng, scene.pose, (15.0, 40.0), shift=0.5))
    if kind is Kind.REPLAN:
        return replace(scene, plan=_replanned(rng, scene.plan))
    if kind is Kind.LAMP:
        return replace(scene, optics=_relit(rng, scene.optics, home))
    if kind is Kind.OUTAGE:
        dead = rng.choice(SIDE, size=2, replace=False)
        return replace(scene, dead_rows=(int(dead[0]), int(dead[1])))
    if kind is Kind.NUDGE:
        turned = _turned(rng, scene.pose, (4.0, 9.0), shift=0.0)
        return replace(scene, pose=turned, optics=_relit(rng, scene.optics, home))
    return replace(scene, is_glitched=True)


def _turned(rng: np.random.Generator, pose: Pose, degrees: tuple[float, float], shift: float) -> Pose:
    turn = float(rng.uniform(*degrees)) * (1.0 if rng.random() < 0.5 else -1.0)
    dx, dy = (float(np.clip(at + rng.uniform(-shift, shift), -_FARTHEST, _FARTHEST)) for at in (pose.dx, pose.dy))
    return replace(pose, theta_degrees=pose.theta_degrees + turn, dx=dx, dy=dy)


def _replanned(rng: np.random.Generator, plan: Labels) -> Labels:
    moved = rng.choice(N_CLASSES, size=int(rng.integers(2, 6)), replace=False)
    changed = plan.copy()
    changed[moved] = plan[np.roll(moved, 1)]
    return changed


def _relit(rng: np.random.Generator, optics: Optics, home: Optics) -> Optics:
    # Relative to the lamp of the install: lamps are replaced, their gains do not multiply.
    gain, offset = float(rng.uniform(0.5, 1.8)), float(rng.uniform(-0.3, 0.3))
    return replace(optics, gain=home.gain * gain, offset=home.offset + offset)
