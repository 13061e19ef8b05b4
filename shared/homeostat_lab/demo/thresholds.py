"""Alert thresholds on a label-free score: a static quantile against one that is tracked.

Its own stream: the cameras see a noise that follows day and night, ages, and once steps up for good, none of
which anyone wants to be woken for; what alerts are for is a sensor that loses two rows for a few events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.core import Event, Identity, Payload, Position
from homeostat.core.identity import emit_id
from homeostat.events import ActionApplied, Band, ModelRegistered, Samples, ThresholdMoved
from homeostat.events.columns import pack
from homeostat.events.logs import TIMELINE
from homeostat.events.series import UNCERTAINTY
from homeostat.services.threshold_tracker.fold import ThresholdTracker
from homeostat_lab.demo.camera import capture, draw_optics, draw_pose, operator, standardise
from homeostat_lab.demo.digits import SIDE, Split, split
from homeostat_lab.demo.network import Weights, install, predict
from homeostat_lab.demo.world import N_SERVED

RATE: Final = 0.03
"""Stated share of events with an alert, as the meta-learner proposes it."""

ETA: Final = 0.1
"""Step of the tracker, as the meta-learner proposes it."""

N_CALIBRATION: Final = 192
"""Two days: a static threshold has seen every hour."""

_MODEL: Final = "demo/camera"
_DAY_EVENTS: Final = 96
_SWING: Final = 0.3
_AGEING: Final = 0.5
_STEP: Final = 1.8
"""Noise: +-30 % over a day, +50 % by age until the end, x1.8 at the step."""

_Scores = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """Score of one way to set the threshold, after calibration.

    Args:
        name: `static` or `tracked`.
        false_per_1000: Alerts per 1,000 events without an incident.
        miss_rate: Share of incidents without an alert while they lasted, in [0, 1].
        n_events: Events without an incident.
        n_incidents: Incidents.
    """

    name: str
    false_per_1000: float
    miss_rate: float
    n_events: int
    n_incidents: int


def compare_thresholds(seed: int, *, stations: int = 24, events: int = 800) -> tuple[ThresholdResult, ThresholdResult]:
    """Run both thresholds on the same scores.

    Args:
        seed: >= 0; fixes cameras, images, noise and incidents.
        stations: Cameras, >= 1.
        events: Per camera, more than `N_CALIBRATION`.

    Returns:
        static, tracked.
    """
    if events <= N_CALIBRATION:
        raise ValueError(f"more than {N_CALIBRATION} events are needed to judge a threshold, got {events}")
    pools = split(seed)
    tallies = {"static": _Tally(), "tracked": _Tally()}
    for station in range(stations):
        scores, windows = _stream(pools, np.random.default_rng((seed, station)), events)
        tallies["static"].add(static_alerts(scores), windows)
        tallies["tracked"].add(tracked_alerts(scores), windows)
    static, tracked = (tally.result(name) for name, tally in tallies.items())
    return static, tracked


def static_alerts(scores: _Scores) -> _Bools:
    """Alert above the (1 - `RATE`) quantile of the calibration events; one answer per later event."""
    alerts: _Bools = scores[N_CALIBRATION:] > np.quantile(scores[:N_CALIBRATION], 1.0 - RATE)
    return alerts


def tracked_alerts(scores: _Scores, *, eta: float = ETA) -> _Bools:
    """Alert where the threshold tracker does, with a band that is approved at the start; one answer per later event.

    The events go through the fold itself: what is compared is what runs.
    """
    fold = ThresholdTracker()
    state = fold.initial(_MODEL)
    band = Band(signal=UNCERTAINTY, rate=RATE, low=0.0, high=1.0, eta=eta)
    for data in (ModelRegistered(family="cameras", champion="v1", model=_MODEL), _approved(band)):
        state, _ = fold.step(state, _event(0, data))
    alerts, is_alert = np.zeros(len(scores), np.bool_), False
    for index, score in enumerate(scores.tolist()):
        state, emits = fold.step(state, _event(index, _bucket(index, score)))
        for emit in emits:
            if isinstance(emit.data, ThresholdMoved):
                is_alert = emit.data.is_alert
        alerts[index] = is_alert
    return alerts[N_CALIBRATION:]


def _approved(band: Band) -> ActionApplied:
    return ActionApplied(action="a", command="c", kind="threshold", family="demo/cameras", model=_MODEL, band=band)


def _bucket(index: int, score: float) -> Samples:
    return Samples(
        version="v1",
        role="champion",
        request=[f"{index}-{row}" for row in range(N_SERVED)],
        time=pack([float(index)] * N_SERVED),
        features=[],
        values=b"",
        prediction=pack([0.0] * N_SERVED),
        score=pack([1.0 - score] * N_SERVED),
    )


def _event(index: int, data: Payload) -> Event:
    position = Position(TIMELINE, "", 0, index)
    story = Identity("demo#0")
    return Event(
        id=emit_id(index),
        source="demo",
        type=data.TYPE,
        subject=_MODEL,
        time=index,
        data=data,
        position=position,
        story=story,
        emitter="demo",
    )


class _Tally:
    def __init__(self) -> None:
        self._n_false = self._n_quiet = self._n_caught = self._n_incidents = 0

    def add(self, alerts: _Bools, windows: list[tuple[int, int]]) -> None:
        is_quiet = np.ones(len(alerts), np.bool_)
        for start, end in windows:
            window = slice(start - N_CALIBRATION, end - N_CALIBRATION)
            is_quiet[window] = False
            self._n_caught += bool(alerts[window].any())
        self._n_incidents += len(windows)
        self._n_quiet += int(is_quiet.sum())
        self._n_false += int(np.count_nonzero(alerts & is_quiet))

    def result(self, name: str) -> ThresholdResult:
        miss_rate = 1.0 - self._n_caught / max(1, self._n_incidents)
        return ThresholdResult(
            name, 1000.0 * self._n_false / self._n_quiet, miss_rate, self._n_quiet, self._n_incidents
        )


def _stream(pools: Split, rng: np.random.Generator, n_events: int) -> tuple[_Scores, list[tuple[int, int]]]:
    matrix, optics = operator(draw_pose(rng)), draw_optics(rng)
    history = capture(pools.history.x, matrix, optics, rng)
    weights = install(standardise(history), pools.history.y, seed=int(rng.integers(2**31)))
    time = np.arange(n_events)
    day = 1.0 + _SWING * np.sin(2.0 * np.pi * (time + rng.integers(_DAY_EVENTS)) / _DAY_EVENTS)
    age = 1.0 + _AGEING * time / n_events
    step = np.where(time >= rng.integers(N_CALIBRATION, n_events), _STEP, 1.0)
    noise = optics.noise * day * age * step
    windows = list(_windows(rng, n_events))
    dead: dict[int, tuple[int, ...]] = {}
    for start, end in windows:
        first, second = rng.choice(SIDE, size=2, replace=False).tolist()
        dead.update(dict.fromkeys(range(start, end), (first, second)))
    scores = np.empty(n_events)
    for index in range(n_events):
        paper = pools.traffic.x[rng.integers(len(pools.traffic), size=N_SERVED)]
        raw = capture(paper, matrix, replace(optics, noise=float(noise[index])), rng, dead.get(index, ()))
        scores[index] = _uncertainty(weights, raw)
    return scores, windows


def _uncertainty(weights: Weights, raw: npt.NDArray[np.float32]) -> float:
    return 1.0 - float(predict(weights, standardise(raw))[1].mean())


def _windows(rng: np.random.Generator, n_events: int) -> Iterator[tuple[int, int]]:
    start = N_CALIBRATION + int(rng.integers(10, 120))
    while start + 10 <= n_events:
        end = start + int(rng.integers(6, 11))
        yield start, end
        start = end + int(rng.integers(60, 140))
