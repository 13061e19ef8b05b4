"""How a policy is scored, the same for every one of them: on traffic that nobody trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat_lab.demo.digits import Labels
from homeostat_lab.demo.incidents import HARMFUL
from homeostat_lab.demo.network import Weights, predict
from homeostat_lab.demo.world import N_SERVED, StationEvent, World

PRICE_IMAGES: Final = 60
"""Declared price of a retrain, in wrong predictions: 3 points of accuracy over 40 events."""

HARMFUL_LOSS: Final = 0.03
HARMFUL_EVENTS: Final = 20
"""A promotion is harmful if true traffic accuracy over this many events falls by more than `HARMFUL_LOSS`."""

_RECOVERED_LOSS: Final = 0.10
_RECOVERED_EVENTS: Final = 5
"""Recovered: the mean over this many events is within `_RECOVERED_LOSS` of the accuracy before any incident."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """A change of the serving model.

    Args:
        station: Where.
        index: First event served by the new model alone.
        gain: See `gain`.
    """

    station: int
    index: int
    gain: float


@dataclass(frozen=True, slots=True, eq=False)
class PolicyRun:
    """What a policy did on a world.

    Args:
        policy: Its name.
        n_right: (stations, events) right answers among the 50 served images of each event.
        n_retrains: Trainings that were decided; shadows are not counted.
        promotions: Every change of a serving model.
    """

    policy: str
    n_right: Labels
    n_retrains: int
    promotions: tuple[Promotion, ...]


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """Score of one policy on one world.

    Args:
        policy: Its name.
        accuracy: Share of right answers, in [0, 1].
        retrains: Trainings that were decided.
        harmful_promotions: Promotions that lost more than 3 points over the next 20 events.
        cost: Price of the retrains, in images.
        net: Accuracy after the price, each image of it counted as a wrong answer.
        time_to_adapt: Median number of events from the onset of a bump or replan to recovery; None if
            most were not recovered before the station's next incident of these kinds or the end.
        n_events: Station events scored.
    """

    policy: str
    accuracy: float
    retrains: int
    harmful_promotions: int
    cost: int
    net: float
    time_to_adapt: float | None
    n_events: int


def gain(old: Weights, new: Weights, following: Sequence[StationEvent]) -> float:
    """Return the true traffic accuracy of the new model minus the old one's, on the events after a promotion.

    Both answer the same images, so an incident right after a promotion is not blamed on it.

    Args:
        old: Served before.
        new: Promoted.
        following: The next 20 events of the station, or as many as are left; none gives 0.
    """
    if not following:
        return 0.0
    x = np.concatenate([event.served for event in following])
    y = np.concatenate([event.served_truth for event in following])
    return float(np.mean(predict(new, x)[0] == y) - np.mean(predict(old, x)[0] == y))


def score(world: World, run: PolicyRun) -> PolicyResult:
    """Score a finished run.

    Raises:
        ValueError: The run is not of this world's size.
    """
    if run.n_right.shape != (world.stations, world.events):
        raise ValueError(f"a run of {world.stations} x {world.events} is needed, got {run.n_right.shape}")
    n_images, cost = run.n_right.size * N_SERVED, run.n_retrains * PRICE_IMAGES
    n_right = int(run.n_right.sum())
    return PolicyResult(
        policy=run.policy,
        accuracy=n_right / n_images,
        retrains=run.n_retrains,
        harmful_promotions=sum(promotion.gain < -HARMFUL_LOSS for promotion in run.promotions),
        cost=cost,
        net=(n_right - cost) / n_images,
        time_to_adapt=_time_to_adapt(world, run.n_right / N_SERVED),
        n_events=run.n_right.size,
    )


def _time_to_adapt(world: World, accuracy: npt.NDArray[np.float64]) -> float | None:
    times: list[float] = []
    for station in range(world.stations):
        incidents = world.incidents(station)
        onsets = [incident.start for incident in incidents if incident.kind in HARMFUL]
        if not onsets:
            continue
        level = float(accuracy[station, : incidents[0].start].mean()) - _RECOVERED_LOSS
        for onset, end in zip(onsets, [*onsets[1:], world.events], strict=True):
            times.append(_events_until(accuracy[station, onset:end], level))
    median = float(np.median(times)) if times else float("inf")
    return median if np.isfinite(median) else None


def _events_until(accuracy: npt.NDArray[np.float64], level: float) -> float:
    if len(accuracy) < _RECOVERED_EVENTS:
        return float("inf")
    means = np.convolve(accuracy, np.full(_RECOVERED_EVENTS, 1.0 / _RECOVERED_EVENTS), mode="valid")
    reached = np.flatnonzero(means >= level)
    return float(reached[0]) if len(reached) else float("inf")
