"""The uncertainty of a model: 1 - mean score of some rows that its champion served, one value after the other."""

from dataclasses import dataclass, field

import numpy as np

from homeostat.events import ModelRegistered, Samples
from homeostat.events.champion import ChampionVersion
from homeostat.events.columns import f8
from homeostat.events.registration import DetectorOverrides
from homeostat.services.threshold_tracker.settings import TrackerSettings
from homeostat.stats.exchangeability import UNKNOWN_FROM
from homeostat.stats.portable import fixed_sum


@dataclass(frozen=True, slots=True)
class Contract:
    """What begins the memory of a champion anew when it changes.

    Args:
        features: Names of the features.
        kind: Classifier or regressor.
        detector: What the model's detector shall be like.
    """

    features: tuple[str, ...]
    kind: str
    detector: DetectorOverrides | None


@dataclass(slots=True)
class Uncertainty:
    """Scores of the rows that the champion served since the last value.

    Values come by the same rows as the drift detector's buckets, so that what it grades is what alerts.

    Args:
        contract: None before the model is registered.
        champion: The version whose rows count.
        source: `ce_source` of the last rows that did.
        n_rows: Rows since the last value.
        total: Sum of their known scores.
        n_scored: Number of those.
    """

    contract: Contract | None = None
    champion: ChampionVersion = field(default_factory=ChampionVersion)
    source: str = ""
    n_rows: int = 0
    total: float = 0.0
    n_scored: int = 0

    def register(self, data: ModelRegistered) -> None:
        """Take a contract; a repetition changes nothing, another one begins anew."""
        contract = Contract(tuple(feature.name for feature in data.features), data.kind, data.detector)
        if self.contract is None:
            self.champion.version = data.champion
        elif contract != self.contract:
            self.reset(self.champion.version)
        self.contract = contract

    def announce(self, version: str) -> None:
        """Take a deployment: of the champion that there is already it changes nothing."""
        if version != self.champion.version:
            self.reset(version)

    def reset(self, version: str) -> None:
        """Begin anew with a champion."""
        self.champion.reset(version)
        self.n_rows, self.total, self.n_scored = 0, 0.0, 0

    def update(self, samples: Samples, source: str, settings: TrackerSettings) -> float | None:
        """Take served rows in.

        Args:
            samples: Rows of one version.
            source: `ce_source` of their event; rows of another one begin anew.
            settings: Of the tracker.

        Returns:
            The uncertainty, when enough rows have come and any score among them is known.
        """
        if samples.role != "champion" or self.contract is None:
            return None
        is_own = samples.version == self.champion.version
        if is_own:
            self.champion.n_unannounced = 0
        elif not self.champion.is_adopted(samples, adopt_after_rows=settings.adopt_after_rows):
            return None
        if not is_own or source != self.source:
            self.reset(samples.version)
            self.source = source
        score = f8(samples.score)
        score = score[np.abs(score) < UNKNOWN_FROM]
        self.n_rows += samples.n_rows
        self.total += fixed_sum(score)
        self.n_scored += score.size
        if self.n_rows < settings.bucket_rows:
            return None
        mean = self.total / self.n_scored if self.n_scored else None
        self.n_rows, self.total, self.n_scored = 0, 0.0, 0
        return None if mean is None else 1.0 - mean
