"""What the detector remembers of one model."""

from dataclasses import dataclass, field, replace
from math import nan

import numpy as np
from numpy.typing import NDArray
from river.base import Base

from homeostat.core.rate import Rate
from homeostat.events import Labels, Samples
from homeostat.services.drift_detector.baseline import Baseline
from homeostat.services.drift_detector.blindness import Blindness
from homeostat.services.drift_detector.calibration import Calibration
from homeostat.services.drift_detector.clocks import Clocks
from homeostat.services.drift_detector.label_pace import LabelPace
from homeostat.services.drift_detector.members import new_members
from homeostat.services.drift_detector.missing import Missing, start_missing
from homeostat.services.drift_detector.quality import Quality, start_quality
from homeostat.services.drift_detector.records import Batch, Group, OpenDrift
from homeostat.services.drift_detector.reference import Floats, Reference, empty_reference
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.signals import Ladder, Placed, Tracker, renumber
from homeostat.services.drift_detector.tally import Tally
from homeostat.services.drift_detector.watching import Watching, relearn_labels, relearn_rows, start_watching
from homeostat.services.drift_detector.wishes import Wishes
from homeostat.stats.blocks import BlockTest
from homeostat.stats.error import ErrorScale, Unit
from homeostat.stats.same_hours import SameHours


@dataclass(slots=True)
class State:
    """State of one model; nothing is counted before it is registered.

    Args:
        family: Name of its family, empty before it is registered.
        is_laid_out: What follows was made for the contract; it is not before anything but a registration came.
        is_classifier: Otherwise errors are distances in units of `error_scale`.
        features: Monitored features, the order of all columns.
        wishes: Settings of its own, None for the detector's.
        version: The champion, empty before the first row.
        stranger: Version that answers as champion without having been announced.
        n_stranger: Rows it answered in a row.
        adopted_at: When a version that nobody announced became the champion, or rows of another one came last, ms;
            None as soon as the governor was told.
        notices: How often it was.
        source: `ce_source` of the remembered events.
        sources: Clients that published rows, and the bucket that each was in last; the 32 last ones.
        error_scale: Of a regressor's errors; it outlives champions, so that their errors stay comparable.
        sums: Column sums of the open bucket: the features, the score, then all other watched columns.
        counts: Known values behind them.
        n_rows: Rows in the open bucket.
        n_closed: Rows in the last closed one.
        means: Last known mean per column.
        n_batches: Buckets opened since the reset.
        batches: Remembered buckets, oldest first; the last may be open.
        recent: Means of the last closed buckets, oldest first.
        reference: What they were before the open drift.
        since: What they have been since the last shift: a second one is a distance from there.
        season: Served rows against the same hours of days and weeks before, which outlives champions; None if the time
            is not looked at.
        label_season: The same of the labels.
        clocks: How the features rise and fall; it outlives champions.
        is_clock: (d,) features that only rise: nothing is concluded from them.
        was_clock: (d,) those that were told last.
        missing: How often values of the features are unknown.
        quality: Which of the last windows of rows say little.
        baseline: Histograms of the champion's first rows and of the present ones.
        inputs: Change detector of the bucket means.
        inputs_from: Event time that it began with, seconds; NaN before any bucket.
        members: Change detectors of single errors, by name.
        watching: Evidence that rows, labels and errors are not what they were.
        n_labels: Labelled rows since the reset.
        sum_errors: Their errors.
        groups: Remembered groups, oldest first; the last may be open.
        stretch_n: Labelled rows before the present stretch, in which no change was found.
        stretch_errors: Their errors.
        best: Lowest error rate of the stretches that have ended.
        best_n: Labelled rows behind it.
        detected_at: `n_labels` at the last detection of risen errors.
        is_synthetic: The newest rows are marked as injected.
        drift: The open drift.
        trackers: Alert thresholds by approved band and operating point.
        placed: Those of series that come with a layer and attributes.
        ladder: What other alarm rates would do, while one is approved for the uncertainty.
        pace: How its labels usually come; it outlives champions.
        blindness: Whether any feature is watched; it outlives champions.
        tally: Indicators under way.
        calibration: Of the champion, without those.
        calibration_before: Of the champion that it was promoted in the place of, until both have been told.
        n_indicators: Sets told.
    """

    family: str = ""
    is_laid_out: bool = False
    is_classifier: bool = True
    features: list[str] = field(default_factory=list)
    wishes: Wishes | None = None
    version: str = ""
    stranger: str = ""
    n_stranger: int = 0
    adopted_at: int | None = None
    notices: Rate = field(default_factory=Rate)
    source: str = ""
    sources: dict[str, int] = field(default_factory=dict)
    error_scale: ErrorScale = field(default_factory=ErrorScale)
    sums: Floats = field(default_factory=lambda: np.zeros(1))
    counts: Floats = field(default_factory=lambda: np.zeros(1))
    n_rows: int = 0
    n_closed: int = 0
    means: Floats = field(default_factory=lambda: np.zeros(1))
    n_batches: int = 0
    batches: list[Batch] = field(default_factory=list)
    recent: list[Floats] = field(default_factory=list)
    reference: Reference = field(default_factory=lambda: empty_reference(1))
    since: Reference = field(default_factory=lambda: empty_reference(1))
    season: SameHours | None = None
    label_season: SameHours | None = None
    clocks: Clocks = field(default_factory=lambda: Clocks.start(0))
    is_clock: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    was_clock: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    missing: Missing = field(default_factory=Missing)
    quality: Quality = field(default_factory=Quality)
    baseline: Baseline = field(default_factory=Baseline)
    inputs: BlockTest | None = None
    inputs_from: float = nan
    members: dict[str, Base] = field(default_factory=dict)
    watching: Watching = field(default_factory=Watching)
    n_labels: int = 0
    sum_errors: float = 0.0
    groups: list[Group] = field(default_factory=list)
    stretch_n: int = 0
    stretch_errors: float = 0.0
    best: float | None = None
    best_n: int = 0
    detected_at: int | None = None
    is_synthetic: bool = False
    drift: OpenDrift | None = None
    trackers: dict[str, Tracker] = field(default_factory=dict)
    placed: Placed = field(default_factory=Placed)
    ladder: Ladder | None = None
    pace: LabelPace = field(default_factory=LabelPace)
    blindness: Blindness = field(default_factory=Blindness)
    tally: Tally = field(default_factory=Tally)
    calibration: Calibration = field(default_factory=Calibration)
    calibration_before: Calibration | None = None
    n_indicators: int = 0

    def unit_of(self, rows: Samples | Labels) -> Unit:
        """Return the unit of the errors of labelled rows, and learn from them; None for a classifier."""
        return None if self.is_classifier else self.error_scale.update(*rows.champion_rows())


def relearn_reference(state: State, settings: Settings) -> None:
    """Forget what the inputs and labels were like: the next rows say it anew."""
    state.recent, state.reference = [], empty_reference(len(state.features) + 1)
    relearn_inputs(state, settings)
    relearn_labels(state.watching, settings)
    if state.label_season is not None:
        state.label_season.told()


def relearn_inputs(state: State, settings: Settings) -> None:
    """Begin all detectors of served rows anew; what the open drift is measured by stays."""
    relearn_rows(state.watching, settings)
    state.inputs, state.inputs_from = block_watch(len(state.features) + 1, settings), nan
    state.since = empty_reference(len(state.features) + 1)
    if state.season is not None:
        state.season.told()


def follow_swing(state: State, settings: Settings) -> None:
    """Compare what comes with the last buckets from now on: what has moved since the first ones is the time of day."""
    relearn_rows(state.watching, settings)
    state.since = empty_reference(len(state.features) + 1)
    for means in state.recent:
        state.since.learn(means)
    if state.drift is None:
        state.reference = replace(state.since)


def block_watch(width: int, settings: Settings) -> BlockTest | None:
    """Return a change detector of bucket means that has seen none, if it is switched on."""
    if "page_hinkley_of_means" not in settings.members:
        return None
    return BlockTest.start(
        width,
        reference=settings.n_reference,
        delta=settings.shift_tolerance,
        threshold=settings.shift_threshold,
        z_limit=settings.shift_limit,
    )


def reset(state: State, version: str, settings: Settings) -> None:
    """Begin anew with a champion: references, detectors, level and open drift belong to the one before."""
    width = len(state.features) + 1
    if version != state.version:
        state.adopted_at = None
    state.version, state.stranger, state.n_stranger = version, "", 0
    state.means, state.n_batches, state.batches = np.zeros(width), 0, []
    state.sources = {}
    if state.ladder is not None:
        renumber(state.ladder)
    state.recent, state.reference, state.since = [], empty_reference(width), empty_reference(width)
    state.inputs, state.inputs_from = block_watch(width, settings), nan
    state.missing, state.quality = start_missing(len(state.features)), start_quality(len(state.features))
    state.baseline = Baseline()
    state.members = new_members(settings)
    told = state.watching.told  # whoever believes it will hear that it is no longer so
    state.watching = start_watching(len(state.features), settings)
    state.watching.told = told
    n_watched = state.watching.rows.known.size if state.watching.rows is not None else width - 1
    _keep_seasons(state, n_watched, settings)
    if state.is_clock.size != len(state.features):
        state.clocks = Clocks.start(len(state.features))
        state.is_clock = state.was_clock = np.zeros(len(state.features), np.bool_)
    state.sums, state.counts, state.n_rows = np.zeros(n_watched + 1), np.zeros(n_watched + 1), 0
    state.n_labels, state.sum_errors, state.groups = 0, 0.0, []
    state.stretch_n, state.stretch_errors, state.best, state.best_n = 0, 0.0, None, 0
    state.detected_at, state.drift = None, None
    state.tally, state.calibration, state.calibration_before = Tally(), Calibration(), None


def _keep_seasons(state: State, n_watched: int, settings: Settings) -> None:
    """Keep what features and labels are like at other hours; what the champion before answered is forgotten."""
    watching = state.watching
    if not settings.is_seasonal:
        state.season = state.label_season = None
        return
    if watching.rows is None:
        state.season = None
    elif state.season is None or state.season.hours.n_columns != n_watched:
        state.season = SameHours.start(n_watched)
    else:
        state.season.forget(np.arange(len(state.features), n_watched))
    if watching.labels is None:
        state.label_season = None
    else:
        state.label_season = state.label_season or SameHours.start(1)
        state.label_season.told()


def promote(state: State, version: str, settings: Settings) -> None:
    """Begin anew with a champion that answers the open drift.

    The drift stays open until its level is back: a model trained on the first labels is rarely the best
    that more of them allow, and only a level that was there before can say so.
    """
    drift = state.drift
    n_carried = drift.n_carried + state.n_labels - drift.n_labels if drift is not None else 0
    calibration = state.calibration
    state.tally.calibration.settle()
    calibration.add(state.tally.calibration)
    reset(state, version, settings)
    state.calibration_before = calibration if calibration.n else None
    if drift is not None and drift.next_profile and drift.level is not None:
        drift.batch, drift.n_labels, drift.errors, drift.n_carried = 0, 0, 0.0, n_carried
        state.drift = drift
