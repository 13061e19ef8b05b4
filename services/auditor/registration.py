"""The service that proves what the logs hold."""

from typing import Final

from homeostat.events.logs import AUDIT, LOGS, SNAPSHOTS
from homeostat.runtime.declarations import WatcherEntry

ENTRIES: Final = (
    WatcherEntry(
        name="auditor",
        make="homeostat.services.auditor.wiring:auditor",
        reads=(*(log.name for log in LOGS), SNAPSHOTS),
        writes=(AUDIT,),
        group="auditor",
    ),
)
