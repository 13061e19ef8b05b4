"""The schema of the meta-features that `profile.updated` carries, as data: one definition, online and offline.

A name never changes its meaning: what means something else gets another name. So the names of an event say
which version it is of, however old it is.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final


@dataclass(frozen=True, slots=True)
class MetaFeature:
    """One number of a profile.

    Args:
        name: As in the event.
        meaning: What it is, and its scale; one line.
        low: Least value.
        high: Greatest value; what lies beyond is cut.
    """

    name: str
    meaning: str
    low: float = -3.0
    high: float = 3.0


@dataclass(frozen=True)
class Schema:
    """What a profile holds.

    Args:
        owner: Service that computes it, and whose maintainers answer for it.
        freshness_seconds: Age from which a profile no longer stands for its model.
        features: In the order in which they are computed.
    """

    owner: str
    freshness_seconds: float
    features: tuple[MetaFeature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def version(self) -> str:
        """Digest of names, meanings and ranges, 16 hex digits."""
        lines = (f"{f.name}\t{f.meaning}\t{f.low!r}\t{f.high!r}\n" for f in self.features)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    def has(self, names: Iterable[str]) -> bool:
        """Whether these are the names of this schema, in any order."""
        return set(names) == set(self.names)


SCHEMA: Final = Schema(
    owner="drift_detector",
    # A profile describes one incident, and a day is the longest season that the detector knows: yesterday's profile
    # tells of another hour's traffic.
    freshness_seconds=86_400.0,
    features=(
        MetaFeature("shift_max", "half the move of the feature that moved most, in standard deviations", 0.0),
        MetaFeature("shift_second", "the same of the feature that moved second", 0.0),
        MetaFeature("shift_mean", "the same as a root mean square over all features", 0.0),
        MetaFeature("error_level", "4 x error rate since the onset", 0.0),
        MetaFeature("error_rise", "4 x (error rate since the onset - rate before)"),
        MetaFeature("confidence_drop", "4 x (mean score of the reference - recent mean score)"),
        MetaFeature("worst_classes_share", "4 x (share of the errors in the four worst labels - 1/2)"),
        MetaFeature("confidence_on_errors", "4 x (mean score of wrong rows - 1/2)"),
        MetaFeature("error_rise_in_worst_classes", "error_rise x worst_classes_share"),
        MetaFeature("error_rise_with_confidence_drop", "error_rise x confidence_drop"),
        MetaFeature("persistence", "3 x (1 - 80 / labels since the onset); 0 up to 80", 0.0),
        MetaFeature("error_rise_with_persistence", "persistence x 4 x (newest error rate - rate before)"),
    ),
)
"""What drift_detector computes today; a contract test holds it against the code."""
