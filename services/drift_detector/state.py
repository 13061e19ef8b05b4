"""What the detector remembers of one model."""

from dataclasses import dataclass, field

import numpy as np
from river.base import Base

from drift_detector.members import new_members
from drift_detector.records import Batch, Group, OpenDrift
from drift_detector.reference import Floats, Reference, empty_reference
from drift_detector.seasonality import Seasonality
from drift_detector.settings import Settings
from drift_detector.signals import Tracker
from drift_detector.tally import Tally
from drift_detector.watching import Watching, relearn_labels, relearn_rows, start_watching
from homeostat.stats.page_hinkley import ZPageHinkley


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
        season: What the time of day does to the features; it outlives champions.
        inputs: Change detector of the bucket means.
        members: Change detectors of single errors, by name.
        watching: Evidence that rows, labels and errors are not what they were.
        n_labels: Labelled rows since the reset.
        sum_errors: Their errors.
        groups: Remembered groups, oldest first; the last may be open.
        stretch_n: Labelled rows before the present stretch, in which no change was found.
        stretch_errors: Their errors.
        best: Lowest error rate of the stretches that have ended.
        detected_at: `n_labels` at the last detection of risen errors.
        is_synthetic: The newest rows are marked as injected.
        drift: The open drift.
        trackers: Alert thresholds by signal and operating point, while approved.
        tally: Indicators under way.
        n_indicators: Sets told.
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
    season: Seasonality = field(default_factory=Seasonality)
    inputs: ZPageHinkley | None = None
    members: dict[str, Base] = field(default_factory=dict)
    watching: Watching = field(default_factory=Watching)
    n_labels: int = 0
    sum_errors: float = 0.0
    groups: list[Group] = field(default_factory=list)
    stretch_n: int = 0
    stretch_errors: float = 0.0
    best: float | None = None
    detected_at: int | None = None
    is_synthetic: bool = False
    drift: OpenDrift | None = None
    trackers: dict[str, Tracker] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    n_indicators: int = 0


def relearn_reference(state: State, settings: Settings) -> None:
    """Forget what the inputs and labels were like: the next rows say it anew."""
    state.recent, state.inputs = [], block_watch(len(state.features) + 1, settings)
    relearn_rows(state.watching, settings)
    relearn_labels(state.watching, settings)
    state.reference = empty_reference(len(state.features) + 1)


def block_watch(width: int, settings: Settings) -> ZPageHinkley | None:
    """Return a change detector of bucket means that has seen none, if it is switched on."""
    if "page_hinkley_of_means" not in settings.members:
        return None
    return ZPageHinkley.start(
        width,
        reference=settings.n_reference,
        delta=settings.shift_tolerance,
        threshold=settings.shift_threshold,
        z_limit=settings.shift_limit,
    )


def reset(state: State, version: str, settings: Settings) -> None:
    """Begin anew with a champion: references, detectors, level and open drift belong to the one before."""
    width = len(state.features) + 1
    state.version, state.stranger, state.n_stranger = version, "", 0
    state.sums, state.counts, state.n_rows = np.zeros(width), np.zeros(width), 0
    state.means, state.n_batches, state.batches = np.zeros(width), 0, []
    state.recent, state.reference = [], empty_reference(width)
    state.inputs = block_watch(width, settings)
    state.members = new_members(settings)
    state.watching = start_watching(len(state.features), settings)
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
