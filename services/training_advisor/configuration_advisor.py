"""Which configuration to run next on a task: a prior learnt from earlier tasks, and what was run on this one."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import AdviceGiven, AdviceRequested, Advised, EpisodeRecorded
from homeostat.services.training_advisor.hyperparameter_points import points_of
from homeostat.services.training_advisor.run_table import Floats, RunTable
from homeostat.services.training_advisor.settings import INTERVAL_Z
from homeostat.stats.expected_improvement import expected_improvement
from homeostat.stats.kernel_regression import overruling
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.portable import fixed_dot
from homeostat.stats.task_prior import Outlook, TaskPrior, completed

_MAX_TRIED: Final = 50
"""Results of the task that are conditioned on; of more, the best."""
_MAX_ALIKE: Final = 128
"""Tasks whose descriptors are compared, the last ones: the cost grows with their cube."""
_MAX_OPTIONS: Final = 1024
_N_DRAWS: Final = 64


@dataclass(slots=True)
class ConfigurationAdvisor:
    """Results of configurations on tasks; greater is better. Bounded; equal runs give equal answers, bit for bit.

    Args:
        table: What was run.
    """

    table: RunTable = field(default_factory=RunTable)

    def update(self, episode: EpisodeRecorded) -> None:
        """Take note of a run."""
        self.table.update(episode)

    def forget(self, source: str) -> None:
        """Unlearn, exactly, what a source told of."""
        self.table.forget(source)

    def answer(self, request: AdviceRequested, identity: str) -> AdviceGiven:
        """Order the options by what running them next is worth.

        What was run on the task already comes last, with its result. The value is the expected improvement on the best
        so far; the expected result where nothing was run, from tasks with like meta-features if these have been shown
        to matter, or where all results come anyway (`shadows`). Of more than 1,024 options the first are answered.

        Args:
            request: The question.
            identity: Of its event; keys the draws that `probability` is counted over.
        """
        options = request.options[:_MAX_OPTIONS]
        names = [option.configuration for option in options]
        results, features, own = self.table.table(request.task, names)
        if not len(results):
            return _unknown(request, own, Draws(identity))
        tried = np.flatnonzero(np.isfinite(own))
        prior = TaskPrior.of(results, points_of([option.hyperparameters for option in options]))
        conditions = np.sort(tried[np.argsort(-own[tried], kind="stable")[:_MAX_TRIED]])
        outlook = prior.outlook(conditions, own[conditions])
        mean, sd = outlook.results()
        if not len(tried):
            mean = _first(
                results, prior, outlook, (features, self.table.described(request.meta_features)), request.shadows
            )
        value = mean if request.shadows or not len(tried) else _improvement(outlook, float(own[tried].max()))
        mean, sd = np.where(np.isfinite(own), own, mean), np.where(np.isfinite(own), 0.0, sd)
        draws = mean + sd * Draws(identity).normal(_N_DRAWS * len(own)).reshape(_N_DRAWS, -1)
        share = np.bincount(draws.argmax(1), minlength=len(own)) / _N_DRAWS
        reason = f"{len(results)} earlier tasks and {len(tried)} runs on this one"
        answer = _given(request, own, value, mean, sd, share, len(results), reason)
        return _with_baselines(answer, names, results)


def _with_baselines(answer: AdviceGiven, names: list[str], results: Floats) -> AdviceGiven:
    """Add what each option came to on the other tasks, on average."""
    is_known = np.isfinite(results)
    totals = np.add.accumulate(np.where(is_known, results, 0.0), axis=0)[-1]
    n = np.count_nonzero(is_known, axis=0)
    means = {name: total / k if k else None for name, total, k in zip(names, totals.tolist(), n.tolist(), strict=True)}
    options = tuple(each.model_copy(update={"baseline": means[each.configuration]}) for each in answer.options)
    return answer.model_copy(update={"options": options})


def _first(
    results: Floats, prior: TaskPrior, outlook: Outlook, described: tuple[Floats, Floats], shadows: bool
) -> Floats:
    """Return the results expected of a task that nothing was run on, from the tasks that look like it.

    Where all results come anyway, the result itself is what counts, so tasks that differ much count much. A search is
    judged by how near it comes to the best of the task, so there each task counts the same.
    """
    features, asked = described
    table = completed(results) if shadows else prior.mean + prior.rest
    mean: Floats = np.add.accumulate(table, axis=0)[-1] / len(table)
    shift = overruling(table[-_MAX_ALIKE:], features[-_MAX_ALIKE:], asked)
    mean = mean if shift is None else mean + shift
    if shadows:
        return mean
    return fixed_dot(outlook.weight, outlook.low) + fixed_dot(outlook.weight, outlook.span) * mean


def _improvement(outlook: Outlook, best: float) -> Floats:
    value = np.zeros(len(outlook.sd))
    for weight, low, span, mean in zip(outlook.weight, outlook.low, outlook.span, outlook.mean, strict=True):
        value += weight * span * expected_improvement(mean, outlook.sd, (best - low) / span)
    return value


def _unknown(request: AdviceRequested, own: Floats, draws: Draws) -> AdviceGiven:
    """Answer without any other task: in an order that is drawn."""
    known = np.isfinite(own)
    middle = float(own[known].max()) if known.any() else 0.0
    mean, even = np.where(known, own, middle), np.full(len(own), 1.0 / len(own))
    reason = "no other task was run with these options: the order is drawn"
    return _given(request, own, draws.uniform(len(own)), mean, np.zeros(len(own)), even, 0, reason)


def _given(
    request: AdviceRequested,
    own: Floats,
    value: Floats,
    mean: Floats,
    sd: Floats,
    share: NDArray[np.float64],
    n_tasks: int,
    reason: str,
) -> AdviceGiven:
    is_tried = np.isfinite(own)
    best = float(own[is_tried].max()) if is_tried.any() else None
    order = np.lexsort((-np.where(is_tried, own, value), is_tried)).tolist()
    half = INTERVAL_Z * sd
    lows, highs, expected, shares = (mean - half).tolist(), (mean + half).tolist(), mean.tolist(), share.tolist()
    options = tuple(
        Advised(
            configuration=request.options[i].configuration,
            rows=request.options[i].rows,
            expected=expected[i],
            low=lows[i],
            high=highs[i],
            gain=0.0 if best is None else expected[i] - best,
            probability=shares[i],
        )
        for i in order
    )
    return AdviceGiven(task=request.task, question="configuration", options=options, n_tasks=n_tasks, reason=reason)
