"""What the detector is tuned by; the digest of these values is part of its version."""

from dataclasses import dataclass, field
from typing import Final, get_args

from homeostat.events.champion import ADOPT_AFTER_ROWS
from homeostat.events.registration import Detector
from homeostat.events.series import UNCERTAINTY_ROWS
from homeostat.stats.conformal import RATE_GAIN, RATE_WINDOW
from homeostat.stats.martingales import HEAD_START

COLUMNS: Final = ("prediction", "score", "latency_seconds")
"""Columns of served rows that may be watched beside the features."""

LABEL: Final = "label"
N_MONITORS: Final = 4
"""Rows, their correlations, labels, errors: each has a quarter of the false alarms that the guarantee allows."""

MEMBERS: Final[tuple[str, ...]] = get_args(Detector)
"""Detectors there are: the first two of served rows and labels, the others of errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Parameters of all detectors of one model; some of them a model may have its own of (`DetectorOverrides`).

    Args:
        members: Detectors that are switched on, of `MEMBERS`.
        columns: What is watched beside the features: of `COLUMNS`, and `label`. Prediction and score of a model that
            learns while it serves move by themselves: leave them out there.
        run_length: Rows of one model between two false alarms of martingale and betting, on average at least.
        fdr: False discovery rate among the features that such an alarm names.
        first_reference_rows: Served rows, or labels, of the first reference.
        reference_rows: Of the last one; it doubles from the first.
        betting_labels: Labelled rows of a stretch before its errors are bet on.
        rate_tolerance: Error rate above a stretch's own that is no drift.
        kswin_seed: Of KSWIN's draws.
        watch_rows: Served rows that the martingale takes in at once: sooner with a bucket that is far off, up to twice
            as many after a long calm.
        label_rows: The same of labels.
        bucket_rows: Served rows whose means make one observation of the inputs; a bucket ends with an event.
        group_labels: Labelled rows that the onset is resolved to; a group ends with an event.
        n_reference: Buckets that say what is normal.
        n_batches: Buckets remembered by identity, for the start of a data window; of the older half ever fewer.
        n_groups: Groups remembered, for the onset and the profile.
        shift_tolerance: Move of a bucket mean that the Page-Hinkley test tolerates, in standard deviations.
        shift_threshold: Limit of that test. With these: one false alarm per 50,000 buckets and column (Gaussian).
        shift_limit: Most standard deviations that one bucket counts for.
        adwin_delta: Confidence of ADWIN on the errors.
        adwin_clock: Errors between two looks of ADWIN.
        window_labels: Labelled rows of the level check.
        most_window_labels: Of its longest window, where `rise` is less than chance allows in a shorter one; 960 of a
            model that has a `rise` of its own.
        least_stretch: Labelled rows before the first change whose error rate may pass for the level.
        rise: Error rate above the best level that the level check takes for a drift.
        rise_deviations: The same in standard deviations of the window; the greater of the two counts.
        cooldown_labels: Labelled rows after a detection of risen errors before the level check may speak.
        cleared_margin: Error rate above the best level that still counts as back to normal.
        first_profile: Labels since the onset at the first profile; each next one is at the double, or
            `profile_step` later if that comes first.
        profile_step: Longest way between two profiles, in labels; or an eighth of those since the onset if that is
            more.
        last_profile: Labels since the onset at the last profile: what more of them do not mend is the new normal.
        unlabelled_rows: Served rows without a label, of a model that has labels, before these are overdue; twice the
            time that they usually take is waited for besides.
        indicator_rows: Served rows between two sets of indicators.
        divergence_every: Sets of indicators between two that say how far columns are from the champion's first rows.
        psi_threshold: Population stability index that is published as exceeded.
        psi_thresholds: The same for single columns, by name.
        slices: Features by whose values errors are told apart: few values, like a region; only where labels come with
            the rows.
        is_seasonal: Whether days and weeks move the columns: then only jumps, and hours unlike all before, are shifts.
        blind_rows: Served rows within which a shift of one deviation must be found; else the detector is said to be
            blind.
        adopt_after_rows: Champion rows of a version that nobody announced before it is taken for the champion.
        notice_ms: How long it alone must have answered since, before the governor is notified. Clients may hold rows of
            the former champion back for a second or two.
        rate_window: Values whose quantile an alert threshold is, of the rates that are graded.
        rate_gain: An alarm lowers its level by this x the band's eta x its rate.
        alarm_limit: What a statistic must reach: the run length of each monitor, and the head start that it was given.
    """

    members: tuple[str, ...] = ("martingale", "page_hinkley_of_means", "betting", "adwin")
    columns: tuple[str, ...] = (*COLUMNS, LABEL)
    run_length: float = 1e8
    fdr: float = 0.05
    first_reference_rows: int = 128
    reference_rows: int = 512
    betting_labels: int = 100
    rate_tolerance: float = 0.002
    kswin_seed: int = 1
    watch_rows: int = 200
    label_rows: int = 200
    bucket_rows: int = UNCERTAINTY_ROWS
    group_labels: int = 10
    n_reference: int = 12
    n_batches: int = 128
    n_groups: int = 128
    shift_tolerance: float = 1.0
    shift_threshold: float = 10.0
    shift_limit: float = 6.0
    adwin_delta: float = 0.002
    adwin_clock: int = 4
    window_labels: int = 120
    most_window_labels: int = 120
    least_stretch: int = 30
    rise: float = 0.08
    rise_deviations: float = 4.5
    cooldown_labels: int = 200
    cleared_margin: float = 0.03
    first_profile: int = 10
    profile_step: int = 80
    last_profile: int = 10_240
    unlabelled_rows: int = 500
    indicator_rows: int = 500
    divergence_every: int = 20
    psi_threshold: float = 0.25
    psi_thresholds: tuple[tuple[str, float], ...] = ()
    slices: tuple[str, ...] = ()
    is_seasonal: bool = True
    blind_rows: int = 1000
    adopt_after_rows: int = ADOPT_AFTER_ROWS
    notice_ms: int = 3_000
    rate_window: int = RATE_WINDOW
    rate_gain: float = RATE_GAIN
    alarm_limit: float = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what there is not; work the limit of alarms out.

        Raises:
            ValueError: An unknown member or column.
        """
        for name in self.members:
            if name not in MEMBERS:
                raise ValueError(f"no member {name!r}; there are: {', '.join(MEMBERS)}")
        for name in self.columns:
            if name not in (*COLUMNS, LABEL):
                raise ValueError(f"no column {name!r}; there are: {', '.join((*COLUMNS, 'label'))}")
        object.__setattr__(self, "alarm_limit", N_MONITORS * self.run_length + HEAD_START)
