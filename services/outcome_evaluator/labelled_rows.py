"""Rows that versions answered and whose truth is known: the form in which both kinds of labels are compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Labels, Provenance
from homeostat.events.columns import f8
from homeostat.services.outcome_evaluator.inline_labels import JoinedRows
from homeostat.stats.error import Unit, error_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """n rows.

    Args:
        requests: Ids, n.
        errors: By version, (n,); NaN where it did not answer or the row has no truth or unit.
        provenance: Who published the labels, if not the answers' own publisher.
    """

    requests: list[str]
    errors: Mapping[str, Floats]
    provenance: Provenance | None = None

    @classmethod
    def of_labels(cls, labels: Labels, unit: Unit) -> "LabelledRows":
        """Return the rows of labels that intake has joined to their answers.

        Args:
            labels: With the answers of all versions.
            unit: Of the errors.
        """
        answers = ((answer.version, f8(answer.prediction)) for answer in labels.answers)
        return cls(labels.request, _errors(answers, f8(labels.label), unit), labels.provenance)

    @classmethod
    def of_joined(cls, joined: JoinedRows, unit: Unit) -> "LabelledRows":
        """Return the rows of labels that came inside samples.

        Args:
            joined: With the answers that are compared first now.
            unit: Of the errors.
        """
        return cls(joined.request, _errors(joined.predictions.items(), joined.label, unit))

    def only(self, *versions: str | None) -> "LabelledRows":
        """Return the rows with the errors of some versions, as far as they answered."""
        errors = {
            version: self.errors[version] for version in versions if version is not None and version in self.errors
        }
        return LabelledRows(self.requests, errors, self.provenance)


def _errors(answers: Iterable[tuple[str, Floats]], label: Floats, unit: Unit) -> dict[str, Floats]:
    """Return the error of each version, (n,); NaN where it did not answer. A version may stand there twice."""
    errors: dict[str, Floats] = {}
    for version, prediction in answers:
        error, known = error_of(prediction, label, unit), errors.get(version)
        errors[version] = error if known is None else np.where(np.isnan(known), error, known)
    return errors
