"""One model's value: the policies played beside each other, their sums, and what each action was worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.events import Data
from homeostat_tools.value import deciding
from homeostat_tools.value.decisions import Decision, decisions_of
from homeostat_tools.value.intervals import Estimate, estimate
from homeostat_tools.value.playing import LEAST_WINDOW, PolicyRun, Training, play
from homeostat_tools.value.prices import Prices
from homeostat_tools.value.rows import Floats, ModelRows, unplayable
from homeostat_tools.value.simulating import simulate
from homeostat_tools.value.summary import Curves, ModelValue, PolicySummary, Unknown
from homeostat_tools.value.triggers import AtRows, Never, OnAlarm, Schedule

HOMEOSTAT: Final = deciding.POLICY
_DAY_SECONDS: Final = 86_400.0
_LEAST_PERIODS: Final = 8
_DEFAULT_PERIODS: Final = 20
_N_POINTS: Final = 400
_SMOOTHED_SHARE: Final = 0.02
_MUCH_WORSE: Final = 0.02
"""Errors per row by which a fresh stand-in may lie above the recorded answers before its word is doubted."""

Say = Callable[[str, int, int], None]
"""Told what is done, how many rows of it are, and of how many."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a history.

    Args:
        training: How every policy trains.
        period_seconds: Of the scheduled policy; 0: a week, or a twentieth of a history shorter than eight weeks.
        law: Rules, budgets and settings that Homeostat is simulated under.
        prices: Of a model.
    """

    training: Training
    period_seconds: float
    law: Sequence[Data]
    prices: Callable[[str], Prices]

    def period_of(self, rows: ModelRows) -> float:
        """Seconds between two scheduled retrains."""
        if self.period_seconds:
            return self.period_seconds
        span, week = float(rows.time[-1] - rows.time[0]), 7 * _DAY_SECONDS
        return week if span >= _LEAST_PERIODS * week else max(1.0, span / _DEFAULT_PERIODS)


def value_model(rows: ModelRows, question: Question, recorded: Sequence[Decision] | None, say: Say) -> ModelValue:
    """Play every policy on a model's rows.

    Args:
        rows: What was recorded.
        question: What is asked.
        recorded: Decisions of a live system about this model; None: the history is not of one.
        say: See `Say`.
    """
    n_labels, prices = int(rows.is_labelled.sum()), question.prices(rows.model)
    first, last = float(rows.time[0]), float(rows.time[-1])
    found = ModelValue(rows.model, rows.kind, rows.n, n_labels, first, last, currency=prices.currency)
    if why := unplayable(rows):
        found.unknowns.append(Unknown("what any policy would have gained", why, "record inputs, answers and labels"))
        found.actions = [deciding.action_of(decision, prices) for decision in recorded or ()]
        return found
    start = _first_window(rows, question.training)
    promotions = [one for one in recorded or () if one.promoted_at]
    runs = _as_it_ran(rows, question, promotions, start, say) if promotions else _played(rows, question, start, say)
    decided = [deciding.recorded_action(rows, one, question.training, prices) for one in recorded or ()]
    if promotions:
        runs[-1].actions = decided
    _sum_up(found, rows, runs, question, start if promotions else 0)
    if not promotions:
        found.actions = sorted([*found.actions, *decided], key=lambda action: action.seconds)
    found.unknowns += _doubts(found, rows, has_ran=bool(promotions))
    return found


def _played(rows: ModelRows, question: Question, start: int, say: Say) -> list[PolicyRun]:
    """What was recorded went on without a change: everything is compared with it."""
    training = question.training
    runs = [PolicyRun("never", "never (as recorded)", rows.prediction.copy())]
    runs += _fixed(rows, question, start, say, is_stand_in=False)
    prices = question.prices(rows.model)
    simulated = simulate(rows, training, question.law, prices.training_seconds, lambda n: say("Homeostat", n, rows.n))
    actions = deciding.simulated_actions(rows, simulated, decisions_of(simulated.logs), training, prices)
    return [*runs, PolicyRun(HOMEOSTAT, "Homeostat", simulated.prediction, actions)]


def _as_it_ran(
    rows: ModelRows, question: Question, promotions: Sequence[Decision], start: int, say: Say
) -> list[PolicyRun]:
    """What served has changed: nobody knows what the first model would have gone on to answer, so stand-ins play."""
    moments = [(one.promoted_at / 1000.0, one.id) for one in promotions]
    runs = _fixed(rows, question, start, say, is_stand_in=True)
    installed = question.training.fit(rows, rows.known_at(float(rows.time[start - 1])))
    stand_in = play(
        rows,
        HOMEOSTAT,
        "Homeostat's times (stand-in)",
        AtRows(moments),
        question.training,
        installed=installed,
        start=start,
    )
    for action in stand_in.actions:
        action.cost = action.n_trained * question.prices(rows.model).per_training
    return [*runs, stand_in, PolicyRun(deciding.AS_IT_RAN, "as it ran (recorded)", rows.prediction.copy())]


def _fixed(rows: ModelRows, question: Question, start: int, say: Say, *, is_stand_in: bool) -> list[PolicyRun]:
    training, prices = question.training, question.prices(rows.model)
    fresh = training.fit(rows, rows.known_at(float(rows.time[start - 1])))
    period = question.period_of(rows)
    once = "never (stand-in)" if is_stand_in else "stand-in, trained once"
    runs = []
    for name, title, trigger, installed in (
        ("never" if is_stand_in else "stand_in", once, Never(), fresh),
        ("scheduled", f"every {_length(period)}", Schedule(period), fresh if is_stand_in else None),
        ("on_alarm", "on every alarm", OnAlarm(), fresh if is_stand_in else None),
    ):
        run = play(
            rows,
            name,
            title,
            trigger,
            training,
            installed=installed,
            start=start if installed is not None else 0,
            progress=lambda n, title=title: say(title, n, rows.n),  # type: ignore[misc]
        )
        for action in run.actions:
            action.cost = action.n_trained * prices.per_training
        runs.append(run)
    return runs


def _first_window(rows: ModelRows, training: Training) -> int:
    """First row by which as many labels are known as the first training needs."""
    times = np.sort(rows.label_time[rows.is_labelled])
    n = min(max(LEAST_WINDOW, training.window), len(times) // 4)
    return min(rows.n - 1, max(1, rows.first_row_after(float(times[n - 1]))))


def _sum_up(found: ModelValue, rows: ModelRows, runs: Sequence[PolicyRun], question: Question, start: int) -> None:
    prices, base = question.prices(rows.model), next(run for run in runs if run.name == "never")
    errors = {run.name: rows.errors(run.prediction) for run in runs}
    found.baseline = base.title
    seconds = float(rows.time[-1] - rows.time[start])
    for run in sorted(runs, key=lambda run: run is not base):
        difference = errors[base.name][start:] - errors[run.name][start:]
        avoided = estimate(difference)
        served = [action for action in run.actions if action.served]
        judged = [action.judgement for action in served]
        found.policies.append(
            PolicySummary(
                run.name,
                run.title,
                float(np.nanmean(errors[run.name][start:])),
                avoided,
                len(served),
                judged.count("gain"),
                judged.count("loss"),
                sum(action.n_trained for action in run.actions),
                sum(action.cost for action in run.actions),
                prices.worth(avoided, seconds) if run is not base else None,
                _beside(errors, run.name, start),
            )
        )
        found.actions += run.actions
    found.actions.sort(key=lambda action: action.seconds)
    found.curves = _curves(rows, errors, base.name, start)


def _beside(errors: Mapping[str, Floats], name: str, start: int) -> Estimate | None:
    """Homeostat against one of the others, on the same rows."""
    ours = errors.get(HOMEOSTAT)
    return (
        None
        if ours is None or name in (HOMEOSTAT, deciding.AS_IT_RAN)
        else estimate(errors[name][start:] - ours[start:])
    )


def _curves(rows: ModelRows, errors: dict[str, Floats], base: str, start: int) -> Curves:
    labelled = np.flatnonzero(np.isfinite(errors[base]))
    labelled = labelled[labelled >= start]
    at = np.unique(np.linspace(0, len(labelled) - 1, min(_N_POINTS, len(labelled))).astype(np.intp))
    half = max(10, int(len(labelled) * _SMOOTHED_SHARE))
    avoided, smoothed = {}, {}
    for name, values in errors.items():
        own = np.nan_to_num(values[labelled])
        avoided[name] = np.cumsum(errors[base][labelled] - own)[at]
        total = np.concatenate(([0.0], np.cumsum(own)))
        low, high = np.maximum(0, at - half), np.minimum(len(own), at + half)
        smoothed[name] = (total[high] - total[low]) / (high - low)
    return Curves(rows.time[labelled[at]], avoided, smoothed)


def _doubts(found: ModelValue, rows: ModelRows, *, has_ran: bool) -> list[Unknown]:
    doubts = []
    control = found.policy("stand_in")
    if control is not None and -control.avoided.mean > _MUCH_WORSE and control.avoided.judgement == "loss":
        doubts.append(
            Unknown(
                "how much your own recipe would have gained",
                f"the stand-in, trained once, errs in {control.error:.1%} of the rows, what was recorded less: "
                "a retrain by your recipe may gain where the stand-in loses",
                "try --recipe linear, or import the inputs that the model itself sees",
            )
        )
    n_known = int(rows.is_labelled.sum())
    if n_known < rows.n:
        doubts.append(
            Unknown(
                f"{rows.n - n_known:,} of {rows.n:,} rows",
                "they have no label; if labels come for some kinds of rows only, what is said holds for those",
                "label a random sample",
            )
        )
    if has_ran:
        doubts.append(
            Unknown(
                "what the first model would have gone on to answer",
                "it was replaced; `never` is a stand-in trained on the first window, and what it is compared with, too",
                "hold old champions back for longer",
            )
        )
    unsure = [p.title for p in found.policies if p.title != found.baseline and p.avoided.judgement == "cannot tell"]
    if unsure:
        reasons = {p.title: p.avoided.reason for p in found.policies}
        doubts.append(
            Unknown(
                f"whether {', '.join(unsure)} gained or lost over the whole history",
                "; ".join(dict.fromkeys(reasons[title] for title in unsure)),
                "more labelled rows",
            )
        )
    n_unknown = sum(action.judgement == "cannot tell" and action.served for action in found.actions)
    if n_unknown:
        doubts.append(
            Unknown(
                f"whether {n_unknown} of {sum(action.served for action in found.actions)} actions paid",
                "each says why in the table: mostly too few labelled rows before the next one",
                "fewer actions, or more labels",
            )
        )
    return doubts


def _length(seconds: float) -> str:
    for unit, size in (("d", _DAY_SECONDS), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
