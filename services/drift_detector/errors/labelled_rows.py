"""Labelled rows of one event whose errors are known."""

from typing import NamedTuple

from homeostat.stats.portable import FloatArray, fixed_sum


class LabelLocation(NamedTuple):
    """Where the inputs of labelled rows lie.

    Args:
        id: `ce_id` of the event.
        time: Its broker time, ms.
        bucket: Number of the input bucket that the event belongs to.
    """

    id: str
    time: int
    bucket: int


class LabelledRows(NamedTuple):
    """Labelled rows whose inputs lie close to each other.

    Args:
        location: Of their inputs.
        errors: (n,) in [0, 1], n >= 1.
        score: (n,), NaN where unknown.
        label: (n,).
        slices: (n,) values of each feature that errors are told apart by.
        total: Sum of the errors.
    """

    location: LabelLocation
    errors: FloatArray
    score: FloatArray
    label: FloatArray
    slices: dict[str, FloatArray]
    total: float


def known_rows(
    location: LabelLocation,
    errors: FloatArray,
    score: FloatArray,
    label: FloatArray,
    slices: dict[str, FloatArray] | None = None,
) -> list[LabelledRows]:
    """Return the rows whose errors are known, as one part; nothing if there are none.

    Args:
        location: Of their inputs.
        errors: (n,); NaN where the champion did not answer, or the label or the scale is not known yet.
        score: (n,).
        label: (n,).
        slices: (n,) values of each feature that errors are told apart by.
    """
    is_known = errors == errors
    cut = slices or {}
    if not is_known.all():
        errors, score, label = errors[is_known], score[is_known], label[is_known]
        cut = {name: values[is_known] for name, values in cut.items()}
    return [LabelledRows(location, errors, score, label, cut, fixed_sum(errors))] if errors.size else []
