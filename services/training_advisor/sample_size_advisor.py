"""Advise on the rows of a training: what more of them gain, by the curve so far, its neighbours and like curves."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import AdviceGiven, AdviceRequested, Advised, EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.services.training_advisor.curve_features import (
    SIZE,
    CurveShape,
    Neighbours,
    features,
    neighbours_of,
    shape_of,
)
from homeostat.services.training_advisor.curve_growths import CurveGrowths
from homeostat.services.training_advisor.error_scale import ErrorScale
from homeostat.services.training_advisor.learning_curves import TaskCurves, slot_of
from homeostat.services.training_advisor.multilevel_logistic import MultilevelLogistic
from homeostat.services.training_advisor.pairwise_gains import N_LINES, STEPS
from homeostat.services.training_advisor.settings import INTERVAL_Z
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
class GainModel:
    """One pass over the episodes: a gain is learned when the larger run comes, with the features of the smaller one.

    Results are of one metric, to be maximised, in units where a point is 0.01: accuracy, area under a curve, 1 - error.

    Args:
        growths: Results seen, and how configurations compare.
        pays: Whether a gain exceeds `LEAST_GAIN`.
        gain: How large it is.
        spread: How far off `gain` is.
        effects: (steps, lines, 2) per configuration: outcomes and sum of gains.
        level: Mean and mean square of all results, and their number.
    """

    growths: CurveGrowths = field(default_factory=CurveGrowths)
    pays: MultilevelLogistic = field(default_factory=lambda: MultilevelLogistic.initial(_SIZE))
    gain: BayesianLinear = field(
        default_factory=lambda: BayesianLinear.prior(np.zeros(_SIZE), sd=_WEIGHT_SD, noise_sd=_NOISE_SD)
    )
    spread: ErrorScale = field(
        default_factory=lambda: ErrorScale.initial(_N_CIRCUMSTANCES, LEAST_GAIN, n_kinds=len(STEPS))
    )
    effects: Floats = field(default_factory=lambda: np.zeros((len(STEPS), N_LINES, 2)))
    level: tuple[float, float, int] = (0.0, 0.0, 0)

    def update(self, episode: EpisodeRecorded) -> None:
        """Learn from a run of a task and configuration, on at least one row."""
        assert episode.task is not None
        assert episode.configuration is not None
        mean, square, n = self.level
        result = max(-_LARGEST, min(_LARGEST, episode.result))
        self.level = (mean + (result - mean) / (n + 1), square + (result * result - square) / (n + 1), n + 1)
        name, slot = episode.task, slot_of(episode.rows)
        for growth in self.growths.update(name, episode.configuration, slot, result, _LEAST_ANCHOR):
            place = self._place(name, growth.task, growth.row, growth.anchor, STEPS[growth.index])
            self._update(place, growth.gain)

    def _update(self, place: _Place, gain: float) -> None:
        error = gain - fixed_dot(place.x, self.gain.mean)
        self.effects[place.step, place.line] += (1.0, gain)
        self.pays.update(*place.names, place.x, place.z, place.u, gain > LEAST_GAIN)
        self.gain.observe(place.x, gain, _USUAL_ERROR / max(_USUAL_ERROR, abs(error)))
        self.spread.update(place.about, error, place.step)
        self.growths.compare(place.step, place.line, gain, place.others, place.near.gains)

    def advise(self, name: str, option: Option) -> Advised:
        """Return the result to expect of an option of a task, and how likely it gains more than `LEAST_GAIN`."""
        task = self.growths.curves.tasks.get(name)
        slot = slot_of(option.rows)
        found = None if task is None else task.largest(option.configuration, slot)
        if task is None or found is None:
            return _unknown(option, self.level)
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

    def _place(self, name: str, task: TaskCurves, row: int, anchor: int, growth: int) -> _Place:
        step = min(range(len(STEPS)), key=lambda i: abs(STEPS[i] - growth))
        target = min(anchor + growth, task.levels.shape[1] - 1)
        near = neighbours_of(task.levels, row, anchor, target)
        line, others = self.growths.line(task, row), self.growths.lines(task, near.rows)
        pair = self.growths.pairs.expect(step, line, others, near.gains) if len(others) else (0.0, 0.0)
        shape = shape_of(task.levels[row], anchor, growth)
        n, total = self.effects[step, line].tolist()
        every, z, u = features(shape, near, pair, anchor, growth)
        x = np.concatenate((every, (total / _GAIN_UNIT / (n + _SHRINK),)))
        expected = fixed_dot(x, self.gain.mean)
        about = _circumstances(shape, pair[1], expected, anchor, growth)
        return _Place((task.names[row], name), x, z, u, about, step, line, others, near)


@dataclass(slots=True)
class SampleSizeAdvisor:
    """Answers from the learning curves seen so far; one pass, constant memory, nothing looked at before it came.

    Args:
        model: What was learned; None before the first run.
    """

    model: GainModel | None = None

    def update(self, episode: EpisodeRecorded) -> None:
        """Learn from a run that has a task, a configuration and rows; another teaches nothing."""
        if episode.task is None or episode.configuration is None or episode.rows < 1:
            return
        if self.model is None:
            self.model = GainModel()
        self.model.update(episode)

    def answer(self, request: AdviceRequested) -> AdviceGiven:
        """Say what result each option would have, and how likely it gains more than `LEAST_GAIN`; best result first.

        The gain of an option is over the run of the same configuration on the most rows, up to those asked for; what
        was run on as many rows already gains nothing.
        """
        model = self.model
        found = [_unknown(o, None) if model is None else model.advise(request.task, o) for o in request.options]
        options = tuple(sorted(found, key=lambda advised: -advised.expected))
        task = None if model is None else model.growths.curves.tasks.get(request.task)
        n_curves = 0 if task is None else len(task.names)
        best = max(options, key=lambda advised: advised.probability)
        return AdviceGiven(
            task=request.task,
            question=request.question,
            options=options,
            n_tasks=0 if model is None else len(model.growths.curves.tasks) - (task is not None),
            reason=f"{best.configuration} on {best.rows} rows is expected to gain {best.gain:+.3f}, with "
            f"{best.probability:.0%} more than {LEAST_GAIN:g}; curves of the task known: {n_curves}",
        )


def _unknown(option: Option, level: tuple[float, float, int] | None) -> Advised:
    """Return what is said of a configuration that was not run on the task: anything that results may be.

    Args:
        option: Asked for.
        level: Mean and mean square of all results, and their number, if there are any.
    """
    mean, square, n = level or (_FIRST_LEVEL, 0.0, 0)
    half = INTERVAL_Z * (float(np.sqrt(max(0.0, square - mean * mean))) if n > 1 else _FIRST_SD)
    name, rows = option.configuration, option.rows
    return Advised(configuration=name, rows=rows, expected=mean, low=mean - half, high=mean + half)


def _circumstances(shape: CurveShape, pair_sd: float, gain: float, anchor: int, growth: int) -> Floats:
    """What the error of a gain depends on: noise, agreement of the neighbours, size of the gain, place."""
    small = (shape.noise, pair_sd, abs(gain), abs(float(shape.differences[2])))
    points = (min(5.0, x / LEAST_GAIN) for x in small)
    return np.array([1.0, *points, anchor / 20.0 - 1.0, growth / 4.0, float(pair_sd == 0.0)])
