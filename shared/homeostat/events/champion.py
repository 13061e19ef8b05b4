"""Which version answers as a model's champion, announced or not: folds that count its rows agree on it."""

from dataclasses import dataclass
from typing import Final

from homeostat.events.columns import Samples

ADOPT_AFTER_ROWS: Final = 200
"""Champion rows of a version that nobody announced before it is taken for the champion."""


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

    def is_adopted(self, samples: Samples, *, adopt_after_rows: int) -> bool:
        """Count rows of another version than the champion; say whether it is to become the champion.

        Late rows of the former champion are the usual case, so one row is not enough. With rows of the champion the
        count begins anew: whoever takes them in sets `n_unannounced` to 0.

        Args:
            samples: Rows of one version, in the champion's role.
            adopt_after_rows: Rows in a row that are enough.
        """
        if samples.version != self.unannounced_version:
            self.unannounced_version, self.n_unannounced = samples.version, 0
        self.n_unannounced += samples.n_rows
        return self.n_unannounced >= adopt_after_rows
