"""Playing a policy over recorded rows: serve, learn of labels when they came, train on what was known then.

Prequential (Dawid 1984): every row is answered by a model that was trained on labels known before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.error import error_of
from homeostat_tools.value.actions import Action
from homeostat_tools.value.intervals import estimate
from homeostat_tools.value.recipe import Fitted, RecipeName, fit
from homeostat_tools.value.rows import Floats, ModelRows
from homeostat_tools.value.triggers import Trigger

LEAST_WINDOW: Final = 50
"""Labelled rows below which a policy does not train yet."""

Progress = Callable[[int], None]
"""Told how many rows are played."""


@dataclass(frozen=True, slots=True)
class Training:
    """How every policy trains.

    Args:
        recipe: Stand-in.
        window: Newest labelled rows that are trained on.
        step: Rows served between two looks at what has become known.
        seed: Of every draw.
    """

    recipe: RecipeName = "forest"
    window: int = 1000
    step: int = 50
    seed: int = 0

    def fit(self, rows: ModelRows, known: NDArray[np.intp]) -> Fitted:
        """Train on the newest labelled rows among those that are known, in their order."""
        newest = known[-self.window :]
        return fit(self.recipe, rows.kind, rows.x[newest], rows.label[newest], self.seed)


@dataclass(slots=True, eq=False)
class PolicyRun:
    """What a policy would have answered, and done.

    Args:
        name: Of the policy.
        title: For people.
        prediction: (n,) answers of what served.
        actions: In order.
        is_stand_in: Whether it began with a stand-in; otherwise with what was recorded.
    """

    name: str
    title: str
    prediction: Floats
    actions: list[Action] = field(default_factory=list)
    is_stand_in: bool = False


class Arrivals:
    """Labels in the order in which they became known.

    Args:
        rows: What was recorded.
    """

    def __init__(self, rows: ModelRows) -> None:
        known = np.where(rows.is_labelled, rows.label_time, np.nan)
        order = np.argsort(known, kind="stable")
        self._times = known[order]
        self._order, self._n = order, 0
        self._early = np.empty(0, np.intp)

    @property
    def n_taken(self) -> int:
        """Labels that are known by now."""
        return self._n

    def take(self, seconds: float, last: int) -> NDArray[np.intp]:
        """Return the rows whose label has become known since the last call, of rows [0, last).

        Args:
            seconds: Now; not before that of the last call.
            last: Row after the last that was served.
        """
        n = int(np.searchsorted(self._times, seconds, side="right"))
        fresh = np.concatenate((self._early, self._order[self._n : n]))
        self._n, self._early = n, fresh[fresh >= last]  # of the same second, and not served yet
        return fresh[fresh < last]

    def taken(self) -> NDArray[np.intp]:
        """Return all rows whose label is known by now, in the order of the rows."""
        return np.setdiff1d(self._order[: self._n], self._early)


@dataclass(slots=True)
class _Serving:
    """A model that served from a row on; None is what was recorded."""

    model: Fitted | None
    first: int


def answers(rows: ModelRows, model: Fitted | None, first: int, last: int) -> Floats:
    """Return what a model answers to some rows.

    Args:
        rows: All of them.
        model: None is what was recorded.
        first: Row to begin with.
        last: Row after the last.
    """
    return rows.prediction[first:last] if model is None else model.predict(rows.x[first:last])[0]


def play(
    rows: ModelRows,
    name: str,
    title: str,
    trigger: Trigger,
    training: Training,
    *,
    installed: Fitted | None = None,
    start: int = 0,
    progress: Progress = lambda n: None,
) -> PolicyRun:
    """Play a policy that serves at once what it trains.

    Args:
        rows: What was recorded.
        name: Of the policy.
        title: For people.
        trigger: When it trains; keeps its own state.
        training: How.
        installed: Serves at first; None: the recorded answers.
        start: Row from which it serves; before it, what was recorded counts for every policy.
        progress: Told how many rows are played.
    """
    run = PolicyRun(name, title, np.empty(rows.n), is_stand_in=installed is not None)
    served, labels = [_Serving(installed, 0)], Arrivals(rows)
    labels.take(float(rows.time[start - 1]) if start else -np.inf, start)
    run.prediction[:start] = rows.prediction[:start]
    for first in range(start, rows.n, training.step):
        last = min(first + training.step, rows.n)
        run.prediction[first:last] = answers(rows, served[-1].model, first, last)
        now = float(rows.time[last - 1])
        fresh = labels.take(now, last)
        errors = error_of(run.prediction[fresh], rows.label[fresh], rows.unit)
        why = trigger.observe(now, errors[np.isfinite(errors)].tolist())
        if why and last < rows.n and labels.n_taken >= LEAST_WINDOW:
            known = labels.taken()
            served.append(_Serving(training.fit(rows, known), last))
            run.actions.append(_trained(rows, name, why, training, known, last))
            trigger.restart()
        progress(last)
    for action, before, after in zip(run.actions, served[:-1], served[1:], strict=True):
        following = next((one.row for one in run.actions if one.row > action.row), rows.n)
        value_action(rows, action, before.model, after.model, following)
    return run


def value_action(rows: ModelRows, action: Action, before: Fitted | None, after: Fitted | None, until: int) -> None:
    """Estimate what an action gained: errors of what served less those of what came, on the rows that followed.

    Args:
        rows: What was recorded.
        action: Its row is known; gains are put into it.
        before: What would have gone on serving; None: the recorded answers.
        after: What it put there.
        until: Row at which the policy did the next thing.
    """
    first, label = action.row, rows.label[action.row : until]
    old = error_of(answers(rows, before, first, until), label, rows.unit)
    new = error_of(answers(rows, after, first, until), label, rows.unit)
    action.gain, action.basis, action.until = estimate(old - new), "estimated", until


def _trained(rows: ModelRows, policy: str, why: str, training: Training, known: NDArray[np.intp], row: int) -> Action:
    window = known[-training.window :]
    return Action(
        policy,
        float(rows.time[row - 1]),
        why,
        f"train on {len(window)} labelled rows, serve at once",
        row=row,
        n_trained=1,
        trace={
            "trained on": f"{rows.place[window[0]]} to {rows.place[window[-1]]}",
            "serves from": rows.place[row],
        },
    )
