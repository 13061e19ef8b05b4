"""What more rows gain, as questions that curves can answer, and what simple rules and batch learning answer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat_lab.evaluation.learning_curves import GROWTHS, Curve

Floats = NDArray[np.float64]

LEAST_GAIN: Final = 0.01
_N_FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """A question: the curve, the run it stands at, the run that will come, and how many times the rows that has."""

    curve: int
    anchor: int
    target: int
    growth: int


@dataclass(frozen=True, slots=True)
class Questions:
    """What there is to decide.

    Args:
        curves: All of them.
        decisions: Over them.
        gains: What came of each.
        growths: Of each.
        sets: Number of the data set of each.
    """

    curves: list[Curve]
    decisions: list[Decision]
    gains: Floats
    growths: NDArray[np.int64]
    sets: NDArray[np.int64]

    @property
    def pays(self) -> NDArray[np.bool_]:
        """Whether the gain was above a point."""
        return self.gains > LEAST_GAIN


def questions_of(curves: list[Curve]) -> Questions:
    """Return every question that the curves can answer."""
    found = [
        Decision(c, i, j, growth)
        for c, curve in enumerate(curves)
        for i in range(len(curve.rows))
        for growth, j in curve.larger(i)
    ]
    numbers = {task: n for n, task in enumerate(sorted({curve.task for curve in curves}))}
    gains = [curves[d.curve].results[d.target] - curves[d.curve].results[d.anchor] for d in found]
    sets = [numbers[curves[d.curve].task] for d in found]
    return Questions(curves, found, np.array(gains), np.array([d.growth for d in found]), np.array(sets))


def slopes_of(questions: Questions) -> Floats:
    """Gain over the last half-octave before the anchor; 0 for a curve that begins there."""
    slopes = []
    for decision in questions.decisions:
        curve = questions.curves[decision.curve]
        before = max(0, decision.anchor - 1)
        slopes.append(curve.results[decision.anchor] - curve.results[before])
    return np.array(slopes)


def means_of(questions: Questions, places: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Share of gains above a point, and mean gain, over the decisions of earlier curves; by growth.

    Args:
        questions: All of them.
        places: Of each in an order of the curves; those of one curve share theirs.
        chosen: The decisions of that order.
    """
    shares, means = np.full(len(places), 0.5), np.zeros(len(places))
    for growth in GROWTHS:
        of_growth = np.flatnonzero(chosen & (questions.growths == growth))
        order = of_growth[np.argsort(places[of_growth], kind="stable")]
        first = np.searchsorted(places[order], places[order])  # outcomes known when the curve began
        known = first > 0
        for out, values in ((shares, questions.pays), (means, questions.gains)):
            total = np.concatenate(([0.0], np.cumsum(values[order])))
            out[order[known]] = total[first[known]] / first[known]
    return shares, means


def boosted(questions: Questions, growth: int) -> tuple[Floats, Floats] | None:
    """Probabilities and gains of batch gradient boosting, trained on the other four fifths of the data sets."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        return None
    learners = {name: n for n, name in enumerate(sorted({curve.configuration for curve in questions.curves}))}
    chosen = np.flatnonzero(questions.growths == growth)
    rows = []
    for n in chosen.tolist():
        decision = questions.decisions[n]
        curve, i = questions.curves[decision.curve], decision.anchor
        now = curve.results[i]
        past = [now - curve.results[max(0, i - back)] for back in range(1, 9)]
        rows.append([now, np.log2(curve.rows[i]), *past, learners[curve.configuration]])
    x, pays, gains = np.array(rows), questions.pays[chosen], questions.gains[chosen]
    folds = np.random.default_rng(0).permutation(int(questions.sets.max()) + 1)[questions.sets[chosen]] % _N_FOLDS
    shares, means = np.zeros(len(questions.decisions)), np.zeros(len(questions.decisions))
    with threadpool_limits(1):  # waiting threads slow each other down on a busy machine
        for fold in range(_N_FOLDS):
            train, test = folds != fold, folds == fold
            classifier = HistGradientBoostingClassifier(random_state=0).fit(x[train], pays[train])
            regressor = HistGradientBoostingRegressor(random_state=0).fit(x[train], gains[train])
            shares[chosen[test]] = classifier.predict_proba(x[test])[:, 1]
            means[chosen[test]] = regressor.predict(x[test])
    return shares, means
