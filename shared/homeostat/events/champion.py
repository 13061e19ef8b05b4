"""Which version answers as a model's champion, announced or not: folds that count its rows agree on it."""

from dataclasses import dataclass
from typing import Final, Literal

from homeostat.events.columns import Samples

ADOPT_AFTER_ROWS: Final = 200
"""Champion rows of a version that nobody announced before it is taken for the champion."""

Answering = Literal["champion", "adopted", "other"]


@dataclass(slots=True)
class ChampionVersion:
    """The version whose rows count.

    Args:
        version: The champion, empty before the first row.
        unannounced_version: Version that answers as champion without having been announced.
        n_unannounced: Rows it answered in a row.
    """

    version: str = ""
    unannounced_version: str = ""
    n_unannounced: int = 0

    def reset(self, version: str) -> None:
        """Make a version the champion."""
        self.version, self.unannounced_version, self.n_unannounced = version, "", 0

    def update(self, samples: Samples, *, adopt_after_rows: int) -> Answering:
        """Say who answers as the champion.

        Late rows of the former champion are the usual case, so one row of another version is not enough.

        Args:
            samples: Rows of one version, in the champion's role.
            adopt_after_rows: Rows in a row that are enough.

        Returns:
            `champion` if its rows count; `adopted` if from now on they do, and the caller is to `reset` to it; `other`
            if they do not.
        """
        if samples.version == self.version:
            self.n_unannounced = 0
            return "champion"
        if samples.version != self.unannounced_version:
            self.unannounced_version, self.n_unannounced = samples.version, 0
        self.n_unannounced += samples.n_rows
        return "adopted" if self.n_unannounced >= adopt_after_rows else "other"
