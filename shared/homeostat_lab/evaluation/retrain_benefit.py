"""Does training on more rows pay: learners on data sets in random order, each outcome revealed after the decision.

The learner is asked after every run of at least 128 rows what 2 and 4 times the rows would bring, and is told the
larger runs afterwards. It may use what other learners did on the same data set if they came earlier; the rows marked
`alone` withhold that. An order has so many of the data sets, drawn by its seed; all methods are scored on the decisions
that the orders asked for. Batch gradient boosting learns from the other data sets, whether they came earlier or not:
it knows more than could be known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import AdviceGiven, AdviceRequested
from homeostat.events.advice import Option
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.learning_curves import GROWTHS, read
from homeostat_lab.evaluation.ranking import Ranking
from homeostat_lab.evaluation.retrain_questions import Questions, boosted, means_of, questions_of, slopes_of
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, bootstrap_row

Floats = NDArray[np.float64]

TASK: Final = "retrain-benefit"
_SUBJECT: Final = "evaluation/learning-curves"
_N_SETS: Final = 120
_N_SETS_ALONE: Final = 60
"""Data sets of an order, drawn by its seed."""
_N_PLOTTED: Final = 12
_SLOPE: Final = "slope of the last half-octave"
_BATCH: Final = "gradient boosting (batch)"
_MEAN: Final = "always the mean"


@dataclass(frozen=True, slots=True)
class Answers:
    """To all decisions, in their order.

    Args:
        gains: Expected.
        probabilities: That the gain is above a point.
        covered: Whether the 90 % interval holds the result.
        places: Share of the order that came before.
        is_asked: Whether the order had the decision at all.
    """

    gains: Floats
    probabilities: Floats
    covered: Floats
    places: Floats
    is_asked: NDArray[np.bool_]


def play(questions: Questions, seed: int, n_sets: int, *, is_alone: bool = False) -> Answers:
    """Tell the learner all runs and ask it on the way.

    Args:
        questions: To ask.
        seed: Draws the data sets and the order of their curves.
        n_sets: Data sets, if there are as many.
        is_alone: Every curve is a task of its own, so that nothing is known of its data set.
    """
    from homeostat.services.training_advisor.fold import TrainingAdvisor

    generator = np.random.default_rng(seed)
    feeder = Feeder(TrainingAdvisor(), topic_id=f"{TASK}-{seed}")
    names = sorted({curve.task for curve in questions.curves})
    drawn = {names[i] for i in generator.permutation(len(names))[:n_sets].tolist()}
    chosen = [c for c, curve in enumerate(questions.curves) if curve.task in drawn]
    by_curve: dict[int, dict[int, list[int]]] = {}
    for n, decision in enumerate(questions.decisions):
        by_curve.setdefault(decision.curve, {}).setdefault(decision.anchor, []).append(n)
    size = len(questions.decisions)
    gains, probabilities, covered, places = (np.zeros(size) for _ in range(4))
    answers = Answers(gains, probabilities, covered, places, np.zeros(size, np.bool_))
    for place, position in enumerate(generator.permutation(len(chosen)).tolist()):
        c = chosen[position]
        curve = questions.curves[c]
        if is_alone:
            curve = replace(curve, task=f"{curve.task}-{c}")
        for i in range(len(curve.rows)):
            feeder.publish(_SUBJECT, curve.episode(i))
            asked = by_curve.get(c, {}).get(i, [])
            if not asked:
                continue
            rows = {n: curve.rows[questions.decisions[n].target] for n in asked}
            options = tuple(Option(configuration=curve.configuration, rows=size) for size in rows.values())
            request = AdviceRequested(
                task=curve.task, question="benefit", meta_features=curve.meta_features, options=options
            )
            given = next(e.data for e in feeder.publish(_SUBJECT, request) if isinstance(e.data, AdviceGiven))
            told = {option.rows: option for option in given.options}
            for n, size in rows.items():
                option, result = told[size], curve.results[questions.decisions[n].target]
                answers.gains[n], answers.probabilities[n] = option.gain, option.probability
                answers.covered[n], answers.places[n] = option.low <= result <= option.high, place / len(chosen)
                answers.is_asked[n] = True
    return answers


def evaluate(job: Job) -> Result:
    """Play every seed, then score beside the baselines; intervals are over data sets."""
    curves, left_out = read(job.folder("lcdb"))
    questions = questions_of(curves)
    ours = []
    for seed in range(job.seeds):
        job.say(f"order {seed + 1} of {job.seeds}, of {len(questions.decisions):,} decisions")
        ours.append(play(questions, seed, _N_SETS))
    job.say("every curve alone")
    alone = play(questions, 0, _N_SETS_ALONE, is_alone=True)
    job.say("baselines")
    scorer = Scorer(questions)
    for growth in GROWTHS:
        is_it = questions.growths == growth
        batch = boosted(questions, growth)
        whole = [(a, is_it & a.is_asked) for a in ours]
        parts = {
            f"x{growth}": whole,
            f"x{growth} last half": [(a, chosen & (a.places >= 0.5)) for a, chosen in whole],
            f"x{growth} alone": [(alone, is_it & alone.is_asked)],
        }
        for setting, part in parts.items():
            _compare(scorer, setting, growth, part, batch)
    notes = [
        *left_out,
        f"an order has {_N_SETS} data sets drawn by its seed, alone {_N_SETS_ALONE} and one order",
        f"{_BATCH} learns from the other data sets, whether they came earlier or not",
    ]
    if not any(row.method == _BATCH for row in scorer.rows):
        notes.append(f"no scikit-learn, so no {_BATCH}")
    return Result(scorer.rows, [_learning(questions, ours), _reliability(questions, ours)], notes)


def _compare(
    scorer: "Scorer",
    setting: str,
    growth: int,
    part: list[tuple[Answers, NDArray[np.bool_]]],
    batch: tuple[Floats, Floats] | None,
) -> None:
    """Score ours and the baselines on the same decisions, those that were asked in each order."""
    questions = scorer.questions
    chosen = [mask for _, mask in part]
    scorer.add(setting, OURS, [a.probabilities for a, _ in part], chosen, gains=[a.gains for a, _ in part])
    scorer.coverage(setting, [a.covered for a, _ in part], chosen)
    slopes = slopes_of(questions)
    gains = slopes * 2.0 * np.log2(growth)
    scorer.add(setting, _SLOPE, [slopes] * len(part), chosen, gains=[gains] * len(part), is_probability=False)
    means = [means_of(questions, a.places, a.is_asked) for a, _ in part]
    scorer.add(setting, _MEAN, [shares for shares, _ in means], chosen, gains=[gains for _, gains in means])
    if batch is not None:
        scorer.add(setting, _BATCH, [batch[0]] * len(part), chosen, gains=[batch[1]] * len(part))


class Scorer:
    """Rows with intervals over data sets; several orders of the same decisions are averaged."""

    def __init__(self, questions: Questions) -> None:
        self.rows: list[Row] = []
        self.questions = questions
        self._n_sets = int(questions.sets.max()) + 1

    def add(
        self,
        setting: str,
        method: str,
        scores: Sequence[Floats],
        chosen: Sequence[NDArray[np.bool_]],
        *,
        gains: Sequence[Floats],
        is_probability: bool = True,
    ) -> None:
        """Add the area under the curve, the error of the gain and, for probabilities, the Brier score.

        Args:
            setting: Column of the table.
            method: Row of the table.
            scores: By data set, (n,): higher is more worth retraining.
            chosen: By data set, (n,): questions that count.
            gains: By data set, (n,): what the method expects to gain.
            is_probability: Whether scores are in [0, 1] and calibrated.
        """
        pays = self.questions.pays
        rankings = [Ranking(s[c], pays[c]) for s, c in zip(scores, chosen, strict=True)]

        def auc(weights: Floats) -> float:
            return _known_mean([r.auc(weights[c]) for r, c in zip(rankings, chosen, strict=True)])

        self._row("auc", setting, method, chosen, auc)
        errors = [np.abs(g - self.questions.gains) for g in gains]
        self._row("mae", setting, method, chosen, _average(errors, chosen))
        if is_probability:
            self._row("brier", setting, method, chosen, _average([(s - pays) ** 2 for s in scores], chosen))

    def coverage(self, setting: str, covered: Sequence[Floats], chosen: Sequence[NDArray[np.bool_]]) -> None:
        """Add the share of outcomes inside the 90 % interval.

        Args:
            setting: Column of the table.
            covered: By data set, (n,): 1 where the interval held the outcome.
            chosen: By data set, (n,): questions that count.
        """
        self._row("coverage of 90 %", setting, OURS, chosen, _average(covered, chosen))

    def _row(
        self,
        metric: str,
        setting: str,
        method: str,
        chosen: Sequence[NDArray[np.bool_]],
        statistic: Callable[[Floats], float],
    ) -> None:
        def resampled(units: Sequence[object]) -> float:
            counts = np.bincount(np.array(units, dtype=np.int64), minlength=self._n_sets).astype(np.float64)
            return statistic(counts[self.questions.sets])

        units = np.unique(self.questions.sets[np.logical_or.reduce(list(chosen))]).tolist()
        self.rows.append(bootstrap_row(TASK, metric, setting, method, units, resampled))


def _known_mean(values: Sequence[float]) -> float:
    """Mean of what is not NaN; NaN where nothing is."""
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


def _average(values: Sequence[Floats], chosen: Sequence[NDArray[np.bool_]]) -> Callable[[Floats], float]:
    def mean(weights: Floats) -> float:
        return float(np.mean([np.average(v[c], weights=weights[c]) for v, c in zip(values, chosen, strict=True)]))

    return mean


def _learning(questions: Questions, ours: Sequence[Answers]) -> Plot:
    """Area under the curve within consecutive stretches of the order."""
    edges = np.linspace(0.0, 1.0, _N_PLOTTED + 1)
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for growth in GROWTHS:
        values = []
        for low, high in pairwise(edges):
            inside = [a.is_asked & (a.places >= low) & (a.places < high) & (questions.growths == growth) for a in ours]
            stretches = zip(ours, inside, strict=True)
            aucs = [Ranking(a.probabilities[c], questions.pays[c]).auc() for a, c in stretches]
            values.append(_known_mean(aucs))
        lines[f"{OURS} x{growth}"] = (((edges[:-1] + edges[1:]) / 2.0).tolist(), values)
    return Plot("Whether more rows pay, as curves are seen", "share of the curves seen", "AUC in the stretch", lines)


def _reliability(questions: Questions, ours: Sequence[Answers]) -> Plot:
    """Share that paid, by stated probability."""
    stated = np.concatenate([a.probabilities[a.is_asked] for a in ours])
    pays = np.concatenate([questions.pays[a.is_asked] for a in ours])
    bins = np.minimum((stated * 10).astype(int), 9)
    used = [b for b in range(10) if (bins == b).any()]
    means = [float(stated[bins == b].mean()) for b in used]
    shares = [float(pays[bins == b].mean()) for b in used]
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {OURS: (means, shares), "ideal": ((0, 1), (0, 1))}
    return Plot("Reliability: how often it paid", "stated probability", "share that paid", lines)
