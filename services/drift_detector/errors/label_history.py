"""Labelled rows in groups: what an onset is resolved to, and what a profile is made of."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.services.drift_detector.errors.labelled_rows import LabelledRows
from homeostat.services.drift_detector.settings import Settings

WRONG_FROM: Final = 0.5
"""Error that counts as a wrong answer."""

_WITHIN_DRIFT_FROM: Final = 0.6
"""Between the level before (0) and after (1): above one half, so that a group of which only the end belongs to the
drift is left out."""

_ROUNDS: Final = 5
_KNOWN_BELOW: Final = 1e30


@dataclass(slots=True)
class LabelGroup:
    """Consecutive labelled rows.

    Args:
        id: `ce_id` of the event that most of these rows' inputs lie in, or of the first of its bucket.
        time: Its broker time, ms.
        bucket: Input bucket it lies in.
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
    bucket: int
    n_before: int
    errors_before: float
    n: int = 0
    errors: float = 0.0
    n_wrong: int = 0
    wrong_score: float = 0.0
    n_wrong_scored: int = 0
    wrong_labels: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LabelHistory:
    """Labelled rows since the reset; of the older ones the count and the sum of errors only.

    Args:
        n: Labelled rows.
        errors: Sum of their errors.
        groups: The newest groups, oldest first; the last may be open. Bounded by `Settings.n_groups`.
    """

    n: int = 0
    errors: float = 0.0
    groups: list[LabelGroup] = field(default_factory=list)

    def update(self, rows: LabelledRows, settings: Settings, *, is_classifier: bool) -> None:
        """Add labelled rows to the open group.

        Args:
            rows: Of one event, at least one.
            settings: Of the detector.
            is_classifier: Whether errors are 0 or 1.
        """
        n, location = rows.errors.size, rows.location
        if self.groups and self.groups[-1].n < settings.group_labels:
            group = self.groups[-1]
            if n > group.n:  # a group lies where most of its rows do
                group.id, group.time, group.bucket = location
        else:
            group = LabelGroup(location.id, location.time, location.bucket, self.n, self.errors)
            self.groups.append(group)
            if len(self.groups) > settings.n_groups:
                del self.groups[0]
        group.n += n
        group.errors += rows.total
        wrong = np.flatnonzero(rows.errors >= WRONG_FROM)
        if wrong.size:
            _add_wrong(group, rows.label[wrong].tolist(), rows.score[wrong].tolist(), is_classifier=is_classifier)
        self.n, self.errors = group.n_before + group.n, group.errors_before + group.errors

    def before(self, bucket: int, n_labels: int, errors: float) -> tuple[int, float]:
        """Count the labelled rows whose inputs lie before a bucket, and their errors.

        Args:
            bucket: Number of the bucket.
            n_labels: Labelled rows that were known when it was opened; those that came later are added.
            errors: Their errors.
        """
        for group in self.groups:
            if group.n_before >= n_labels and group.bucket < bucket:
                n_labels, errors = n_labels + group.n, errors + group.errors
        return n_labels, errors

    def onset(self, *, start: int, before: float, after: float) -> LabelGroup:
        """Return the group that a change of the error rate most likely began with; requires a group.

        A window that ends just after a change holds mostly older rows, so the rate after it is estimated again
        from the onset found with the first guess, until the onset stays.

        Args:
            start: Labelled rows before which it did not begin.
            before: Error rate before the change.
            after: First guess of the error rate after it.

        Source: argument of the maximum of a CUSUM, Page 1954, over groups.
        """
        groups = self.groups
        first = next((i for i, group in enumerate(groups) if group.n_before >= start), len(groups) - 1)
        found = _argmax(groups, first, before, after)
        for _ in range(_ROUNDS):
            onset, last = groups[found], groups[-1]
            errors = last.errors_before + last.errors - onset.errors_before
            after = errors / (last.n_before + last.n - onset.n_before)
            again = _argmax(groups, first, before, after)
            if again == found:
                break
            found = again
        return groups[found]

    def rates_around_change(self, *, start: int) -> tuple[float, float]:
        """Return the error rates before and after the one change that explains the groups best; requires a group.

        Args:
            start: Labelled rows before which it did not begin.

        Returns:
            Both the overall rate if there are fewer than two groups since `start`.

        Source: least squares split in two means, Hinkley 1970.
        """
        last = self.groups[-1]
        first = next((group for group in self.groups if group.n_before >= start), last)
        end_n, end_errors = last.n_before + last.n, last.errors_before + last.errors
        before = after = (end_errors - first.errors_before) / (end_n - first.n_before)
        most = 0.0
        for group in self.groups:
            n = group.n_before - first.n_before
            if n <= 0:
                continue
            m = end_n - group.n_before
            left, right = (group.errors_before - first.errors_before) / n, (end_errors - group.errors_before) / m
            gain = n * m / (n + m) * (right - left) * (right - left)
            if gain > most:
                most, before, after = gain, left, right
        return before, after


def _argmax(groups: list[LabelGroup], first: int, before: float, after: float) -> int:
    middle = before + _WITHIN_DRIFT_FROM * (after - before)
    sign = 1.0 if after >= before else -1.0
    found, total, most = len(groups) - 1, 0.0, float("-inf")
    for i in range(len(groups) - 1, first - 1, -1):
        total += sign * (groups[i].errors - groups[i].n * middle)
        if total >= most:
            found, most = i, total
    return found


def _add_wrong(group: LabelGroup, labels: list[float], scores: list[float], *, is_classifier: bool) -> None:
    """Count the rows that were wrong."""
    group.n_wrong += len(labels)
    for score in scores:
        if -_KNOWN_BELOW < score < _KNOWN_BELOW:
            group.wrong_score += score
            group.n_wrong_scored += 1
    if is_classifier:
        counts = group.wrong_labels
        for label in labels:
            name = str(label)
            counts[name] = counts.get(name, 0) + 1
