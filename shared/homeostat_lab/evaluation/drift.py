"""Drift in labelled streams: our detector, through its fold, beside river's and two that look at nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.events import DriftCleared, DriftDetected, FeatureContract, ModelRegistered, Samples
from homeostat.events.columns import F4, F8
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat_lab.evaluation.drift_baselines import BASELINES, Detector
from homeostat_lab.evaluation.drift_trials import KINDS, Stream, Trial, streams, trials
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, bootstrap_row, mean_row

_TASK: Final = "drift"
_FED_FROM: Final = 0.25
_BATCH_ROWS: Final = 10
_SMALL_ROWS: Final = 20_000
_DELAY: Final = 2500
_SMALL_DELAY: Final = 1500
_TRIALS: Final = 50
_LARGE_ROWS: Final = 60_000
_LARGE_TRIALS: Final = 3

_PROTOCOL: Final = (
    "the first quarter of a stream only trains the tree: no detector sees it",
    "ours does not watch prediction and score, which a tree that learns while it serves moves by itself",
    "an alarm of ours that says again that a drift is open counts as no alarm; river's detectors begin anew after each",
    "delay: over the drifts that were found; n says how many of all",
)
SETTINGS: Final = Settings(columns=("label",), is_seasonal=False)
"""As deployed, but for prediction and score: a tree that learns while it serves moves both by itself."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What the alarms of one trial were.

    Args:
        hits: 1 if an alarm fell between the onset and the longest delay, else 0.
        false_alarms: Alarms before the onset, or later than the longest delay.
        delay: Rows from the onset to the first hit; NaN without one.
        fed: Rows the detector saw.
    """

    hits: int
    false_alarms: int
    delay: float
    fed: int


def evaluate(job: Job) -> Result:
    """Run all methods on all trials.

    A stream of fewer than 60,000 rows has 50 trials a seed, a larger one 3; `n` of the rows says how many there were.
    """
    found, left_out = streams(job.folder("drift-streams"))
    rows: list[Row] = []
    plots: list[Plot] = []
    for stream in found:
        scored: dict[tuple[str, str], list[Hits]] = {}
        n = job.seeds * (_TRIALS if len(stream.y) < _LARGE_ROWS else _LARGE_TRIALS)
        for number in range(n):
            for trial in trials(stream, number):
                for method, detect in METHODS.items():
                    hits = score(trial, detect(trial, first_fed(trial)))
                    scored.setdefault((method, trial.kind), []).append(hits)
            job.say(f"{stream.name}: trial {number + 1} of {n}")
        rows += _rows(stream, scored)
        plots.append(_delays(stream, scored))
    return Result(rows, plots, [*_PROTOCOL, *left_out])


def first_fed(trial: Trial) -> int:
    """Return the index of the first row that detectors see: a quarter of the stream only trains the tree."""
    return int(np.searchsorted(trial.at, int(_FED_FROM * trial.n)))


def score(trial: Trial, alarms: Sequence[int]) -> Hits:
    """Compare alarms with the onset; more than one inside the delay is one hit."""
    longest = _DELAY if trial.n >= _SMALL_ROWS else _SMALL_DELAY
    inside = [at for at in alarms if trial.onset <= at <= trial.onset + longest]
    delay = float(inside[0] - trial.onset) if inside else float("nan")
    return Hits(len(inside[:1]), len(alarms) - len(inside), delay, len(trial.at) - first_fed(trial))


def f1(trials_: Sequence[Hits]) -> float:
    """Return the F1 of hits over all trials; each has one drift."""
    hits, false = sum(one.hits for one in trials_), sum(one.false_alarms for one in trials_)
    return 2.0 * hits / (hits + false + len(trials_))


def ours(trial: Trial, first: int) -> list[int]:
    """Feed the fold ten labelled rows at a time; an alarm is at the last row of the event that raised it.

    While a drift is open the level check says again what nobody has answered: that is no new alarm.
    """
    names = [f"x{column}" for column in range(trial.x.shape[1])]
    feeder = Feeder(DriftDetector(SETTINGS))
    registered = ModelRegistered(
        family="trees", champion="v1", features=tuple(FeatureContract(name=name) for name in names)
    )
    feeder.publish("evaluation/tree", registered)
    alarms, is_open = list[int](), False
    for start in range(first, len(trial.at), _BATCH_ROWS):
        rows = slice(start, min(start + _BATCH_ROWS, len(trial.at)))
        at = trial.at[rows]
        samples = Samples(
            version="v1",
            role="champion",
            request=[str(position) for position in at],
            time=at.astype(F8).tobytes(),
            features=names,
            values=trial.x[rows].T.astype(F4).tobytes(),
            prediction=trial.predicted[rows].astype(F8).tobytes(),
            score=trial.score[rows].astype(F8).tobytes(),
            label=trial.y[rows].astype(F8).tobytes(),
        )
        for emit in feeder.publish("evaluation/tree", samples):
            if isinstance(emit.data, DriftDetected):
                alarms += [int(at[-1])] if not (is_open and emit.data.is_recheck) else []
            if isinstance(emit.data, DriftDetected | DriftCleared):
                is_open = isinstance(emit.data, DriftDetected)
    return alarms


METHODS: Final[dict[str, Detector]] = {OURS: ours, **BASELINES}


def _rows(stream: Stream, scored: dict[tuple[str, str], list[Hits]]) -> list[Row]:
    rows = []
    for method in METHODS:
        by_kind = [scored[method, kind] for kind in KINDS]
        settings = [(f"{stream.name} {kind}", one) for kind, one in zip(KINDS, by_kind, strict=True)]
        for setting, one in settings:
            rows.append(bootstrap_row(_TASK, "f1", setting, method, one, _f1))
        rows.append(_mean_f1(f"{stream.name} mean", method, by_kind))
        settings.append((f"{stream.name} mean", [hits for one in by_kind for hits in one]))
        for setting, one in settings:
            rows.append(mean_row(_TASK, "delay", setting, method, [hits.delay for hits in one]))
            rows.append(bootstrap_row(_TASK, "false_alarms_per_10k", setting, method, one, _false_alarms_per_10k))
    return rows


def _f1(units: Sequence[object]) -> float:
    return f1([unit for unit in units if isinstance(unit, Hits)])


def _false_alarms_per_10k(units: Sequence[object]) -> float:
    hits = [unit for unit in units if isinstance(unit, Hits)]
    return 10_000.0 * sum(one.false_alarms for one in hits) / sum(one.fed for one in hits)


def _mean_f1(setting: str, method: str, by_kind: list[list[Hits]]) -> Row:
    """Average over the kinds; trials of one number share their rows, so they are resampled together."""

    def mean(units: Sequence[object]) -> float:
        tuples = [unit for unit in units if isinstance(unit, tuple)]
        return float(np.mean([f1(one) for one in zip(*tuples, strict=True)]))

    return bootstrap_row(_TASK, "f1", setting, method, list(zip(*by_kind, strict=True)), mean)


def _delays(stream: Stream, scored: dict[tuple[str, str], list[Hits]]) -> Plot:
    """Share of the drifts that were found within a delay, all kinds together."""
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for method in METHODS:
        delays = [hits.delay for kind in KINDS for hits in scored[method, kind]]
        known = sorted(delay for delay in delays if delay == delay)
        if known:
            lines[method] = (known, [(i + 1) / len(delays) for i in range(len(known))])
    return Plot(f"{stream.name}: drifts found", "rows since the onset", "share", lines)
