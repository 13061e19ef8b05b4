"""The fold that decides, and signs what it decides with the notary's key."""

from typing import Final

from homeostat.audit.roles import NOTARY
from homeostat.events.logs import GOVERNANCE
from homeostat.runtime.declarations import FoldEntry

ENTRIES: Final = (
    FoldEntry(
        name="governor",
        make="homeostat.services.governor.fold:Governor",
        topic=GOVERNANCE,
        signed_by=NOTARY,
    ),
)
