"""Advise on how long a training takes: by the runs of the same curve, else by what such runs take elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import AdviceGiven, AdviceRequested, Advised, EpisodeRecorded
from homeostat.events.advice import Estimate, Option
from homeostat.events.base import Scalar
from homeostat.services.training_advisor import descriptors
from homeostat.services.training_advisor.curve_features import filled
from homeostat.services.training_advisor.curve_growths import CurveGrowths, Growth
from homeostat.services.training_advisor.descriptors import Descriptors
from homeostat.services.training_advisor.error_scale import ErrorScale
from homeostat.services.training_advisor.learning_curves import TaskCurves, slot_of
from homeostat.services.training_advisor.multilevel_linear import MultilevelLinear
from homeostat.services.training_advisor.pairwise_gains import N_LINES, STEPS
from homeostat.stats.linear import BayesianLinear
from homeostat.stats.portable import exp, fixed_dot, fixed_sum, log

Floats = NDArray[np.float64]

_LEAST_SECONDS: Final = 1e-6
"""Shorter times are those of the clock."""
_MOST_LOG: Final = 30.0
"""Longer than the world: keeps the answer finite."""
_LEAST_ANCHOR: Final = 10
"""Half-octave of 32 rows: shorter trainings are mostly overhead and are not learned from."""
_N_CORE: Final = 12
_PRODUCTS: Final = np.triu_indices(_N_CORE)
_N_WARM: Final = _N_CORE * (_N_CORE + 1) // 2
_N_COLD: Final = 3 + descriptors.SIZE
_N_ABOUT: Final = 5
_SHRINK: Final = 5.0
_WARM_SD: Final = 0.3
_WARM_NOISE_SD: Final = 0.15
_COLD_SD: Final = 0.5
_COLD_NOISE_SD: Final = 0.7
_USUAL_ERROR: Final = 0.1
_UNIT: Final = 0.3
_LEVEL: Final = 4.0
"""Tasks and configurations differ more in how long they take than in what that depends on: four times the spread."""
_LN2: Final = 0.69314718055994530942
_LINEAR: Final = _LN2 / 2.0
"""Growth of the logarithm per half-octave of rows where time is proportional to rows."""


@dataclass(slots=True)
class DurationModel:
    """One pass over the episodes; all in logarithms of seconds.

    Args:
        growths: Logarithms of seconds seen, by rows, and how configurations compare.
        growth: Growth per half-octave of rows, less that of proportional time.
        effects: (lines, 2) per configuration: growths seen and their sum, likewise.
        scale: Of descriptors.
        level: Of runs without a smaller one.
        near: Errors of predictions from a smaller run.
        far: Errors of those without.
    """

    growths: CurveGrowths = field(default_factory=CurveGrowths)
    growth: BayesianLinear = field(
        default_factory=lambda: BayesianLinear.prior(np.zeros(_N_WARM), sd=_WARM_SD, noise_sd=_WARM_NOISE_SD)
    )
    effects: Floats = field(default_factory=lambda: np.zeros((N_LINES, 2)))
    scale: Descriptors = field(default_factory=Descriptors)
    level: MultilevelLinear = field(
        default_factory=lambda: MultilevelLinear.initial(_N_COLD, sd=_COLD_SD, noise_sd=_COLD_NOISE_SD)
    )
    near: ErrorScale = field(default_factory=lambda: ErrorScale.initial(_N_ABOUT, _UNIT, n_kinds=len(STEPS)))
    far: ErrorScale = field(default_factory=lambda: ErrorScale.initial(1, _UNIT))

    def update(self, episode: EpisodeRecorded) -> None:
        """Learn from a run of a task and configuration that took longer than nothing."""
        assert episode.task is not None
        assert episode.configuration is not None
        seconds = log(max(_LEAST_SECONDS, episode.seconds))
        slot = slot_of(episode.rows)
        described = {**episode.meta_features, **episode.hyperparameters}
        x, z = self._cold(described, slot)
        name = (episode.task, episode.configuration)
        self.far.update(np.ones(1), seconds - self.level.predict(*name, x, z))
        self.level.update(*name, x, z, seconds)
        self.scale.update(described)
        if not slot:
            return
        for growth in self.growths.update(*name, slot, seconds, _LEAST_ANCHOR):
            self._update(growth)

    def _update(self, growth: Growth) -> None:
        index, gained, step = growth.index, growth.gain, STEPS[growth.index]
        core, line, others, gains = self._warm(growth.task, growth.row, growth.anchor, step)
        x = _products(core)
        rate = gained / step - _LINEAR
        error = rate - fixed_dot(x, self.growth.mean)
        self.near.update(_about(core, step), error * step, index)
        self.growth.observe(x, rate, _USUAL_ERROR / max(_USUAL_ERROR, abs(error)))
        self.effects[line] += (1.0, rate)
        self.growths.compare(index, line, gained, others, gains)

    def advise(self, request: AdviceRequested, option: Option) -> Advised:
        """Return the seconds to expect of an option."""
        task = self.growths.curves.tasks.get(request.task)
        slot = slot_of(option.rows)
        found = None if task is None or not slot else task.largest(option.configuration, slot)
        proportional = None
        if task is None or found is None:
            x, z = self._cold({**request.meta_features, **option.hyperparameters}, slot)
            middle = self.level.predict(request.task, option.configuration, x, z)
            below, above = self.far.interval(np.ones(1))
        else:
            row, anchor = found
            step = slot - anchor
            core, _, _, _ = self._warm(task, row, anchor, max(1, step))
            rate = fixed_dot(_products(core), self.growth.mean) + _LINEAR
            middle = float(task.levels[row, anchor]) + rate * step
            proportional = _seconds(float(task.levels[row, anchor]) + _LINEAR * step)
            below, above = self.near.interval(_about(core, max(1, step)), _index(step))
        return Advised(
            configuration=option.configuration,
            rows=option.rows,
            expected=_seconds(middle),
            low=_seconds(middle + below),
            high=_seconds(middle + above),
            baseline=proportional,
        )

    def _cold(self, described: Mapping[str, Scalar], slot: int) -> tuple[Floats, Floats]:
        """Features of a run: all of them, and those that corrections are linear in."""
        place = slot / 10.0 - 1.5 if slot else 0.0
        x = np.concatenate(((1.0, place, place * place), self.scale.columns(described)))
        return x, np.concatenate(((_LEVEL,), x[1:2], x[3 : 3 + descriptors.N_NAMES]))

    def _warm(
        self, task: TaskCurves, row: int, anchor: int, step: int
    ) -> tuple[Floats, int, NDArray[np.int64], Floats]:
        """Features of a growth, the configuration's line, its neighbours' lines and their growths."""
        index = _index(step)
        span = STEPS[index]
        line = self.growths.line(task, row)
        past = filled(task.levels[row], anchor)
        now = past[-1]
        length = len(past) - 1
        slopes = [(now - past[length - back]) / max(1, back) for back in (min(b, length) for b in (1, 2, 4, 8))]
        target = min(anchor + span, task.levels.shape[1] - 1)
        steps = task.levels[:, target] - task.levels[:, anchor]
        known = steps == steps
        known[row] = False
        rows = np.flatnonzero(known)
        gains = steps[rows]
        others = self.growths.lines(task, rows)
        expected, sd, usual = 0.0, 0.0, 0.0
        if len(rows):
            expected, sd = self.growths.pairs.expect(index, line, others, gains)
            expected = expected / span - _LINEAR
            usual = fixed_sum(gains) / len(gains) / span - _LINEAR
        n, total = self.effects[line].tolist()
        own = [max(-2.0, min(2.0, (slope - _LINEAR) * 3.0)) if length else 0.0 for slope in slopes]
        level = max(-1.5, min(1.5, now / 8.0))
        beside = (3.0 * expected, 3.0 * usual, min(1.0, 3.0 * sd), 3.0 * total / (n + _SHRINK))
        core = np.array([1.0, *own, *beside, level, anchor / 20.0 - 1.0, float(not len(rows))])
        return core, line, others, gains


@dataclass(slots=True)
class TrainingTimeAdvisor:
    """Answers from the training times seen so far; one pass, constant memory.

    Args:
        model: What was learned; None before the first run.
    """

    model: DurationModel | None = None

    def update(self, episode: EpisodeRecorded) -> None:
        """Learn from a run that has a task, a configuration and a time; another teaches nothing."""
        if episode.task is None or episode.configuration is None or episode.seconds <= 0.0:
            return
        if self.model is None:
            self.model = DurationModel()
        self.model.update(episode)

    def estimates(self, request: AdviceRequested) -> list[Estimate] | None:
        """Say what each option would take, in the order asked; None before anything was learned."""
        model = self.model
        if model is None:
            return None
        found = (model.advise(request, option) for option in request.options)
        return [Estimate(expected=each.expected, low=each.low, high=each.high) for each in found]

    def answer(self, request: AdviceRequested) -> AdviceGiven:
        """Say how long each option would take, in the order asked."""
        model = self.model or DurationModel()
        options = tuple(model.advise(request, option) for option in request.options)
        first, known = options[0], model.level.tasks
        return AdviceGiven(
            task=request.task,
            question=request.question,
            options=options,
            n_tasks=len(known) - (request.task in known),
            reason=f"{first.configuration}: {first.expected:.3g} s, with 90 % between {first.low:.3g} and "
            f"{first.high:.3g} s",
        )


def _products(core: Floats) -> Floats:
    products: Floats = (core[:, None] * core)[_PRODUCTS]
    return products


def _about(core: Floats, step: int) -> Floats:
    """What the error of a predicted time depends on."""
    bend = abs(float(core[2] - core[1]))
    return np.array([1.0, step / 4.0, min(2.0, bend), float(core[9]), float(core[7])])


def _seconds(logarithm: float) -> float:
    return exp(max(-_MOST_LOG, min(_MOST_LOG, logarithm)))


def _index(step: int) -> int:
    """Place of the learned growth that is nearest."""
    return min(range(len(STEPS)), key=lambda i: abs(STEPS[i] - step))
