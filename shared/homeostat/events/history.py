"""What is published long after it was: whoever learns or decides asks here, and leaves it out.

The mark is the source, which intake keeps with every payload: `/homeostat/history/<name>` as `ce_source`. Who claims it
without need has nothing concluded from what it says; and one source can be distrusted as a whole.
"""

from typing import Final

from homeostat.core import Payload
from homeostat.events.base import Data
from homeostat.events.columns import Labels, Samples

HISTORY: Final = "/homeostat/history/"
"""Beginning of the `ce_source` of what happened before Homeostat was there, or elsewhere."""


def is_history(data: Payload) -> bool:
    """Whether an admitted payload is history: it may say what was normal, and nothing is concluded from it."""
    if not isinstance(data, Samples | Labels | Data) or data.provenance is None:
        return False
    return data.provenance.source.startswith(HISTORY)
