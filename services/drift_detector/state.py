"""What the detector remembers of one model."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from river.drift import ADWIN

from drift_detector.reference import Floats, Reference, empty_reference
from drift_detector.settings import Settings
from homeostat.events import Band
from homeostat.stats.page_hinkley import ZPageHinkley


@dataclass(slots=True)
class Batch:
    """One bucket of served rows, by the event that opened it.

    Args:
        index: Number of the bucket since the reset.
        id: `ce_id` of that event.
        time: Its broker time, ms.
        until: Greatest event time of its rows and of all before, seconds.
        n_labels: Labelled rows known when it was opened.
        errors: Their errors.
    """

    index: int
    id: str
    time: int
    until: float
    n_labels: int
    errors: float


@dataclass(slots=True)
class Group:
    """Consecutive labelled rows.

    Args:
        id: `ce_id` of the event that holds the first of these rows' inputs.
        time: Its broker time, ms.
        batch: Bucket it lies in.
        n_before: Labelled rows before the group.
        errors_before: Their errors.
        n: Rows.
        errors: Sum of their errors, each in [0, 1].
        n_wrong: Rows with an error of at least one half.
        wrong_score: Sum of the scores of those that have one.
        n_wrong_scored: Number of those.
        wrong_labels: Number of wrong rows by label; classifiers only.
    """

    id: str
    time: int
    batch: int
    n_before: int
    errors_before: float
    n: int = 0
    errors: float = 0.0
    n_wrong: int = 0
    wrong_score: float = 0.0
    n_wrong_scored: int = 0
    wrong_labels: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class OpenDrift:
    """A drift that is neither cleared nor answered by a promotion.

    Args:
        story: Identity of its `drift.detected`.
        kind: As in the event.
        id: `ce_id` of the event at the onset.
        time: Its broker time, ms.
        batch: Bucket of the onset.
        n_labels: Labelled rows before the onset.
        errors: Their errors.
        error_before: Error rate before the onset, if any row was labelled.
        next_profile: Labels since the onset at which the next profile is due; 0 when there is no more.
        n_carried: Labelled rows since the onset that champions before the present one answered.
    """

    story: str
    kind: Literal["data", "concept"]
    id: str
    time: int
    batch: int
    n_labels: int
    errors: float
    error_before: float | None
    next_profile: int
    n_carried: int = 0


@dataclass(slots=True)
class Tracker:
    """An alert threshold inside its approved band.

    Args:
        band: As approved.
        threshold: Now; None until the first bucket.
        published: Last one told.
        is_alert: Whether the last bucket was above.
        streak: Alerts in a row.
        n: Buckets seen.
        alerts: Of which above.
    """

    band: Band
    threshold: float | None = None
    published: float = 0.0
    is_alert: bool = False
    streak: int = 0
    n: int = 0
    alerts: int = 0


@dataclass(slots=True)
class Signal:
    """Exponentially forgotten mean and mean absolute deviation of 1 - score, and its recent peak.

    Args:
        n: Buckets.
        mean: Mean.
        spread: Mean absolute deviation.
        recent: Last values, oldest first.
    """

    n: int = 0
    mean: float = 0.0
    spread: float = 0.0
    recent: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What the next set of indicators will say."""

    rows: int = 0
    score: float = 0.0
    n_scored: int = 0
    labels: int = 0
    errors: float = 0.0


@dataclass(slots=True)
class State:
    """State of one model; nothing is counted before it is registered.

    Args:
        family: Name of its family, empty before it is registered.
        is_classifier: Otherwise errors are absolute errors over `scale`.
        features: Monitored features, the order of all columns.
        version: The champion, empty before the first row.
        stranger: Version that answers as champion without having been announced.
        n_stranger: Rows it answered in a row.
        source: `ce_source` of the remembered events.
        scale: Absolute error that counts as 1; 0 until learned.
        scale_sum: Absolute errors so far, while learning.
        scale_n: Their number.
        sums: Column sums of the open bucket: the features, then the score.
        counts: Known values behind them.
        n_rows: Rows in the open bucket.
        means: Last known mean per column.
        n_batches: Buckets opened since the reset.
        batches: Remembered buckets, oldest first; the last may be open.
        recent: Means of the last closed buckets, oldest first.
        reference: What they were before.
        inputs: Change detector of the bucket means.
        errors: Change detector of single errors.
        n_labels: Labelled rows since the reset.
        sum_errors: Their errors.
        groups: Remembered groups, oldest first; the last may be open.
        stretch_n: Labelled rows before the present stretch, in which no change was found.
        stretch_errors: Their errors.
        best: Lowest error rate of the stretches that have ended.
        detected_at: `n_labels` at the last detection of risen errors.
        drift: The open drift.
        signal: 1 - score.
        tracker: Threshold on it, while approved.
        tally: Indicators under way.
    """

    family: str = ""
    is_classifier: bool = True
    features: list[str] = field(default_factory=list)
    version: str = ""
    stranger: str = ""
    n_stranger: int = 0
    source: str = ""
    scale: float = 0.0
    scale_sum: float = 0.0
    scale_n: int = 0
    sums: Floats = field(default_factory=lambda: np.zeros(1))
    counts: Floats = field(default_factory=lambda: np.zeros(1))
    n_rows: int = 0
    means: Floats = field(default_factory=lambda: np.zeros(1))
    n_batches: int = 0
    batches: list[Batch] = field(default_factory=list)
    recent: list[Floats] = field(default_factory=list)
    reference: Reference = field(default_factory=lambda: empty_reference(1))
    inputs: ZPageHinkley | None = None
    errors: ADWIN = field(default_factory=ADWIN)
    n_labels: int = 0
    sum_errors: float = 0.0
    groups: list[Group] = field(default_factory=list)
    stretch_n: int = 0
    stretch_errors: float = 0.0
    best: float | None = None
    detected_at: int | None = None
    drift: OpenDrift | None = None
    signal: Signal = field(default_factory=Signal)
    tracker: Tracker | None = None
    tally: Tally = field(default_factory=Tally)


def relearn_reference(state: State) -> None:
    """Forget what the inputs were like: the next buckets say it anew."""
    state.recent = []
    state.reference = empty_reference(len(state.features) + 1)


def new_adwin(settings: Settings) -> ADWIN:
    """Return a change detector of errors that has seen none."""
    return ADWIN(delta=settings.adwin_delta, clock=settings.adwin_clock)  # type: ignore[no-untyped-call]  # river


def reset(state: State, version: str, settings: Settings) -> None:
    """Begin anew with a champion: references, detectors, level and open drift belong to the one before."""
    width = len(state.features) + 1
    state.version, state.stranger, state.n_stranger = version, "", 0
    state.sums, state.counts, state.n_rows = np.zeros(width), np.zeros(width), 0
    state.means, state.n_batches, state.batches = np.zeros(width), 0, []
    relearn_reference(state)
    state.inputs = ZPageHinkley.start(
        width,
        reference=settings.n_reference,
        delta=settings.shift_tolerance,
        threshold=settings.shift_threshold,
        z_limit=settings.shift_limit,
    )
    state.errors = new_adwin(settings)
    state.n_labels, state.sum_errors, state.groups = 0, 0.0, []
    state.stretch_n, state.stretch_errors, state.best = 0, 0.0, None
    state.detected_at, state.drift = None, None


def promote(state: State, version: str, settings: Settings) -> None:
    """Begin anew with a champion that answers the open drift.

    The drift stays open until its level is back: a model trained on the first labels is rarely the best
    that more of them allow, and only a level that was there before can say so.
    """
    drift = state.drift
    n_carried = drift.n_carried + state.n_labels - drift.n_labels if drift is not None else 0
    reset(state, version, settings)
    if drift is not None and drift.next_profile and drift.error_before is not None:
        drift.batch, drift.n_labels, drift.errors, drift.n_carried = 0, 0, 0.0, n_carried
        state.drift = drift
