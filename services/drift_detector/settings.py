"""What the detector is tuned by; the digest of these values is part of its version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Parameters of all detectors of one model.

    Args:
        bucket_rows: Served rows whose means make one observation of the inputs; a bucket ends with an event.
        group_labels: Labelled rows that the onset is resolved to; a group ends with an event.
        n_reference: Buckets that say what is normal.
        n_batches: Buckets remembered by identity, for the start of a data window.
        n_groups: Groups remembered, for the onset and the profile.
        shift_tolerance: Move of a bucket mean that the Page-Hinkley test tolerates, in standard deviations.
        shift_threshold: Limit of that test. With these: one false alarm per 50,000 buckets and column (Gaussian).
        shift_limit: Most standard deviations that one bucket counts for.
        adwin_delta: Confidence of ADWIN on the errors.
        adwin_clock: Errors between two looks of ADWIN.
        window_labels: Labelled rows of the level check.
        least_stretch: Labelled rows before the first change whose error rate may pass for the level.
        rise: Error rate above the best level that the level check takes for a drift.
        rise_deviations: The same in standard deviations of the window; the greater of the two counts.
        cooldown_labels: Labelled rows after a detection of risen errors before the level check may speak.
        cleared_margin: Error rate above the best level that still counts as back to normal.
        first_profile: Labels since the onset at the first profile; each next one is at the double, or
            `profile_step` later if that comes first.
        profile_step: Longest way between two profiles, in labels.
        last_profile: Labels since the onset at the last profile.
        indicator_rows: Served rows between two sets of indicators.
        adopt_rows: Champion rows of a version that nobody announced before it is taken for the champion.
        scale_labels: Labelled rows of a regressor that the scale of its errors is learned from.
        scale_multiple: Multiple of the mean absolute error there that counts as an error of 1.
        spread_step: Forgetting of the tracked signal's mean and spread, per bucket.
        frozen_from: Alerts in a row that still move a threshold.
        frozen_until: Alerts in a row after which it moves again: what lasts longer is a new normal.
    """

    bucket_rows: int = 50
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
    least_stretch: int = 30
    rise: float = 0.08
    rise_deviations: float = 3.5
    cooldown_labels: int = 200
    cleared_margin: float = 0.03
    first_profile: int = 10
    profile_step: int = 80
    last_profile: int = 640
    indicator_rows: int = 500
    adopt_rows: int = 200
    scale_labels: int = 50
    scale_multiple: float = 4.0
    spread_step: float = 0.02
    frozen_from: int = 3
    frozen_until: int = 12
