"""Thousands of models at once: which of them have moved, and how many of those named have not.

What the detector says of each model goes to the learner, as on the experience log; the models that the learner's
screening stands by at the end are those that are named.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import FeatureContract, ModelRegistered, Samples
from homeostat.events.columns import F4, F8
from homeostat.events.logs import EXPERIENCE
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.meta_learner.fold import MetaLearner
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, mean_row

_TASK: Final = "drift-many"
_STREAMS: Final = 2000
_DRIFTED: Final = 0.05
_REFERENCE: Final = 500
_ROWS: Final = 500
_BATCH_ROWS: Final = 50
_RATE: Final = 0.05
"""Of false discoveries, for Benjamini and Hochberg: the learner's default."""

_FAMILY: Final = "evaluation/streams"
_SHIFTS: Final = (0.3, 0.5)
_LAWS: Final = ("gauss", "t3", "lognormal")

_PROTOCOL: Final = (
    f"alarms in the first {_REFERENCE} rows, before anything can have moved, are counted against nobody",
    f"ours: the reference has {_REFERENCE} rows and each event of {_BATCH_ROWS} rows is an epoch; all else as deployed",
)
SETTINGS: Final = Settings(
    first_reference_rows=125, reference_rows=_REFERENCE, watch_rows=_BATCH_ROWS, is_seasonal=False
)
"""As deployed, but for the reference, which the protocol names, and the epoch: so short that each event counts."""

Floats = NDArray[np.float64]


def evaluate(job: Job) -> Result:
    """Count false discoveries and discoveries at two sizes of the shift, over seeds."""
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    falls: dict[float, list[float]] = {shift: [] for shift in _SHIFTS}
    for seed in range(job.seeds):
        for shift in _SHIFTS:
            streams, has_moved = world(seed, shift)
            is_named, bits = screened(streams)
            falls[shift] += bits[has_moved].tolist()
            named = {
                OURS: is_named,
                "ADWIN": np.array([_adwin(one) for one in streams]),
                "PageHinkley": np.array([_page_hinkley(one) for one in streams]),
                "KS + BH": _ks_bh(streams),
            }
            for method, one in named.items():
                found.setdefault((method, shift), []).append(_shares(one, has_moved))
            job.say(f"seed {seed + 1} of {job.seeds}, shift {shift:g}")
    rows = []
    for (method, shift), shares in found.items():
        setting = f"{shift:g} sd"
        rows.append(mean_row(_TASK, "false_discovery_proportion", setting, method, [one[0] for one in shares]))
        rows.append(mean_row(_TASK, "power", setting, method, [one[1] for one in shares]))
    return Result(rows, [_plot(falls)], [*_PROTOCOL])


def world(seed: int, shift: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Make 2,000 streams of three laws with unit variance; 5 % move after the reference.

    Returns:
        (2000, 1000) values, and which have moved.
    """
    rng = np.random.default_rng((seed, int(1000 * shift)))
    values = np.empty((_STREAMS, _REFERENCE + _ROWS))
    for stream in range(_STREAMS):
        values[stream] = _drawn(_LAWS[stream % len(_LAWS)], rng)
    has_moved = np.zeros(_STREAMS, np.bool_)
    has_moved[rng.choice(_STREAMS, int(_DRIFTED * _STREAMS), replace=False)] = True
    values[has_moved, _REFERENCE:] += shift
    return values, has_moved


def screened(streams: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Run the detector on every stream and the learner on what it says.

    Each stream is the one feature of a model; all models are of one family. 50 rows an event.

    Args:
        streams: (n, rows).

    Returns:
        (n,) whether the learner would act on a drift of the model, and the evidence that it holds on it, in bits.
    """
    detector, learner = Feeder(DriftDetector(SETTINGS)), Feeder(MetaLearner())
    models = [f"evaluation/m{number}" for number in range(len(streams))]
    for model in models:
        learner.publish(_FAMILY, ModelRegistered(family="streams", champion="v1", model=model))
    for model, values in zip(models, streams, strict=True):
        detector.publish(model, ModelRegistered(family="streams", champion="v1", features=(FeatureContract(name="x"),)))
        for samples in _events(values):
            for emit in detector.publish(model, samples):
                if emit.log == EXPERIENCE:
                    learner.publish(_FAMILY, emit.data)
        del detector.states[model]
    known = learner.states[_FAMILY].models
    bits = np.array([known[model].change.log2_e or 0.0 for model in models])
    return np.array([known[model].change.is_discovery for model in models]), bits


def _events(values: Floats) -> Iterator[Samples]:
    nothing = np.full(_BATCH_ROWS, np.nan, F8).tobytes()
    for start in range(0, len(values), _BATCH_ROWS):
        yield Samples(
            version="v1",
            role="champion",
            request=[str(row) for row in range(start, start + _BATCH_ROWS)],
            time=np.arange(start, start + _BATCH_ROWS, dtype=F8).tobytes(),
            features=["x"],
            values=values[start : start + _BATCH_ROWS].astype(F4).tobytes(),
            prediction=nothing,
            score=nothing,
        )


def _drawn(law: str, rng: np.random.Generator) -> Floats:
    n = _REFERENCE + _ROWS
    if law == "gauss":
        return rng.normal(size=n)
    if law == "t3":
        return rng.standard_t(3.0, size=n) / float(np.sqrt(3.0))
    return rng.lognormal(size=n) / float(np.sqrt((np.e - 1.0) * np.e))


def _shares(named: NDArray[np.bool_], has_moved: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the false discovery proportion and the power."""
    n = int(np.count_nonzero(named))
    return (
        float(np.count_nonzero(named & ~has_moved)) / max(n, 1),
        float(np.count_nonzero(named & has_moved)) / float(np.count_nonzero(has_moved)),
    )


def _adwin(values: Floats) -> bool:
    from river.drift import ADWIN

    detector, fired = ADWIN(), False  # type: ignore[no-untyped-call]  # river
    for row, value in enumerate(values.tolist()):
        detector.update(value)  # type: ignore[no-untyped-call]  # river
        fired = fired or (row >= _REFERENCE and bool(detector.drift_detected))
    return fired


def _page_hinkley(values: Floats) -> bool:
    from river.drift import PageHinkley

    detector, fired = PageHinkley(), False
    for row, value in enumerate(values.tolist()):
        detector.update(value)  # type: ignore[no-untyped-call]  # river
        fired = fired or (row >= _REFERENCE and bool(detector.drift_detected))
    return fired


def _ks_bh(streams: Floats) -> NDArray[np.bool_]:
    """Compare both halves by Kolmogorov and Smirnov; Benjamini and Hochberg select at 5 %."""
    p = np.array([ks(one[:_REFERENCE], one[_REFERENCE:]) for one in streams])
    order = np.argsort(p)
    reached = np.flatnonzero(p[order] <= _RATE * np.arange(1, len(p) + 1) / len(p))
    selected = np.zeros(len(p), np.bool_)
    selected[order[: reached[-1] + 1 if reached.size else 0]] = True
    return selected


def ks(a: Floats, b: Floats) -> float:
    """Return the p-value of the two-sample test, from the limit law of its statistic."""
    both = np.concatenate((a, b))
    below = [np.searchsorted(np.sort(one), both, side="right") / len(one) for one in (a, b)]
    root = float(np.max(np.abs(below[0] - below[1]))) * float(np.sqrt(len(a) * len(b) / len(both)))
    terms = np.arange(1, 101)
    return float(np.clip(2.0 * np.sum((-1.0) ** (terms - 1) * np.exp(-2.0 * (terms * root) ** 2)), 0.0, 1.0))


def _plot(falls: dict[float, list[float]]) -> Plot:
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for shift, bits in falls.items():
        ordered = sorted(bits)
        lines[f"shift of {shift:g} sd"] = (ordered, [1.0 - i / len(ordered) for i in range(len(ordered))])
    return Plot("Evidence of the streams that moved", "bits of evidence", "share that has more", lines)
