"""What more rows gain, learned from curves: the curve so far, its neighbours, and how such curves went on elsewhere."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Advised, EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.services.meta_learner.advice.curves import Curves, Task, slot_of
from homeostat.services.meta_learner.advice.odds import Odds
from homeostat.services.meta_learner.advice.pairs import N_LINES, STEPS, Pairs
from homeostat.services.meta_learner.advice.shapes import SIZE, Neighbours, Shape, features, neighbours_of, shape_of
from homeostat.services.meta_learner.advice.spread import Spread
from homeostat.services.meta_learner.settings import INTERVAL_Z
from homeostat.stats.linear import BayesianLinear
from homeostat.stats.portable import fixed_dot

Floats = NDArray[np.float64]

LEAST_GAIN: Final = 0.01
"""Gain worth a training on more rows: a point, in units of the metric."""
_LEAST_ANCHOR: Final = 12
"""Half-octave of 64 rows: shorter curves are too noisy to learn from."""
_MOST_GROWTH: Final = 8
"""Half-octaves; sixteen times the rows and more are judged alike."""
_SIZE: Final = SIZE + 1
_SHRINK: Final = 20.0
"""Outcomes that "this configuration is as any other" is worth."""
_GAIN_UNIT: Final = 0.1
_WEIGHT_SD: Final = 0.1
_NOISE_SD: Final = 0.05
_USUAL_ERROR: Final = 0.02
"""Errors beyond it count by their size, not its square (Huber 1964)."""
_N_CIRCUMSTANCES: Final = 8
_FIRST_LEVEL: Final = 0.5
_FIRST_SD: Final = 0.3
_LARGEST: Final = 1e3
"""A wild number from a job must not break the arithmetic for everyone."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a curve stands and where it may go.

    Args:
        names: Of the configuration and the task.
        x: (_SIZE,) features.
        z: Those that corrections of the configuration are linear in.
        u: Those that corrections of the task are linear in.
        about: (_N_CIRCUMSTANCES,) what the error of the gain depends on.
        step: Index of the learned growth that is nearest.
        line: Of the configuration in the tables.
        others: Lines of the neighbours.
        near: The neighbours.
    """

    names: tuple[str, str]
    x: Floats
    z: Floats
    u: Floats
    about: Floats
    step: int
    line: int
    others: NDArray[np.int64]
    near: Neighbours


@dataclass(slots=True)
class Gains:
    """One pass over the episodes: a gain is learned when the larger run comes, with the features of the smaller one.

    Results are of one metric, to be maximised, in units where a point is 0.01: accuracy, area under a curve, 1 - error.

    Args:
        curves: Results seen.
        pairs: How configurations compare.
        pays: Whether a gain exceeds `LEAST_GAIN`.
        gain: How large it is.
        spread: How far off `gain` is.
        effects: (steps, lines, 2) per configuration: outcomes and sum of gains.
        level: Mean and mean square of all results, and their number.
    """

    curves: Curves = field(default_factory=Curves)
    pairs: Pairs = field(default_factory=Pairs)
    pays: Odds = field(default_factory=lambda: Odds.first(_SIZE))
    gain: BayesianLinear = field(
        default_factory=lambda: BayesianLinear.prior(np.zeros(_SIZE), sd=_WEIGHT_SD, noise_sd=_NOISE_SD)
    )
    spread: Spread = field(default_factory=lambda: Spread.first(_N_CIRCUMSTANCES, LEAST_GAIN, n_kinds=len(STEPS)))
    effects: Floats = field(default_factory=lambda: np.zeros((len(STEPS), N_LINES, 2)))
    level: tuple[float, float, int] = (0.0, 0.0, 0)

    def learn(self, episode: EpisodeRecorded) -> None:
        """Learn from a run of a task and configuration, on at least one row."""
        assert episode.task is not None
        assert episode.configuration is not None
        mean, square, n = self.level
        result = max(-_LARGEST, min(_LARGEST, episode.result))
        self.level = (mean + (result - mean) / (n + 1), square + (result * result - square) / (n + 1), n + 1)
        slot = slot_of(episode.rows)
        self.pairs.name(episode.configuration)
        task, row = self.curves.record(episode.task, episode.configuration, slot, result)
        curve = task.levels[row]
        for growth in STEPS:
            anchor = slot - growth
            if anchor >= _LEAST_ANCHOR and curve[anchor] == curve[anchor]:
                place = self._place(episode.task, task, row, anchor, growth)
                self._observe(place, float(curve[slot] - curve[anchor]))

    def _observe(self, place: _Place, gain: float) -> None:
        error = gain - fixed_dot(place.x, self.gain.mean)
        self.effects[place.step, place.line] += (1.0, gain)
        self.pays.observe(*place.names, place.x, place.z, place.u, gain > LEAST_GAIN)
        self.gain.observe(place.x, gain, _USUAL_ERROR / max(_USUAL_ERROR, abs(error)))
        self.spread.observe(place.about, error, place.step)
        named = place.others > 0
        if place.line and named.any():
            self.pairs.learn(place.step, place.line, gain, place.others[named], place.near.gains[named])

    def advise(self, name: str, option: Option) -> Advised:
        """Return the result to expect of an option of a task, and how likely it gains more than `LEAST_GAIN`."""
        task = self.curves.tasks.get(name)
        slot = slot_of(option.rows)
        found = None if task is None else task.largest(option.configuration, slot)
        if task is None or found is None:
            return unknown(option, self.level)
        row, anchor = found
        now = float(task.levels[row, anchor])
        if anchor == slot:
            return Advised(configuration=option.configuration, rows=option.rows, expected=now, low=now, high=now)
        place = self._place(name, task, row, anchor, min(slot - anchor, _MOST_GROWTH))
        gain = fixed_dot(place.x, self.gain.mean)
        below, above = self.spread.interval(place.about, place.step)
        return Advised(
            configuration=option.configuration,
            rows=option.rows,
            expected=now + gain,
            low=now + gain + below,
            high=now + gain + above,
            gain=gain,
            baseline=now,
            probability=self.pays.predict(*place.names, place.x, place.z, place.u),
        )

    def _place(self, name: str, task: Task, row: int, anchor: int, growth: int) -> _Place:
        step = min(range(len(STEPS)), key=lambda i: abs(STEPS[i] - growth))
        target = min(anchor + growth, task.levels.shape[1] - 1)
        near = neighbours_of(task.levels, row, anchor, target)
        line = self.pairs.line(task.names[row])
        others = np.array([self.pairs.line(task.names[other]) for other in near.rows.tolist()], np.int64)
        pair = self.pairs.expect(step, line, others, near.gains) if len(others) else (0.0, 0.0)
        shape = shape_of(task.levels[row], anchor, growth)
        n, total = self.effects[step, line].tolist()
        every, z, u = features(shape, near, pair, anchor, growth)
        x = np.concatenate((every, (total / _GAIN_UNIT / (n + _SHRINK),)))
        expected = fixed_dot(x, self.gain.mean)
        about = _circumstances(shape, pair[1], expected, anchor, growth)
        return _Place((task.names[row], name), x, z, u, about, step, line, others, near)


def unknown(option: Option, level: tuple[float, float, int] | None) -> Advised:
    """Return what is said of a configuration that was not run on the task: anything that results may be.

    Args:
        option: Asked for.
        level: Mean and mean square of all results, and their number, if there are any.
    """
    mean, square, n = level or (_FIRST_LEVEL, 0.0, 0)
    half = INTERVAL_Z * (float(np.sqrt(max(0.0, square - mean * mean))) if n > 1 else _FIRST_SD)
    name, rows = option.configuration, option.rows
    return Advised(configuration=name, rows=rows, expected=mean, low=mean - half, high=mean + half)


def _circumstances(shape: Shape, pair_sd: float, gain: float, anchor: int, growth: int) -> Floats:
    """What the error of a gain depends on: noise, agreement of the neighbours, size of the gain, place."""
    small = (shape.noise, pair_sd, abs(gain), abs(float(shape.differences[2])))
    points = (min(5.0, x / LEAST_GAIN) for x in small)
    return np.array([1.0, *points, anchor / 20.0 - 1.0, growth / 4.0, float(pair_sd == 0.0)])
