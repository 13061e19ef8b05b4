"""The program that takes events over HTTP, and what it is started with on one machine."""

from typing import Final

from homeostat.events.logs import DOORS
from homeostat.runtime.declarations import ProgramEntry

ENTRIES: Final = (
    ProgramEntry(
        name="http-door",
        service="http_door",
        make="homeostat.services.http_door",
        options=("--port", "{port}"),
        port=8090,
        ready="/readyz",
        settings="homeostat.services.http_door.settings:HttpDoorSettings",
        writes=DOORS,
        token_variable="HOMEOSTAT_HTTP_DOOR_TOKEN_FILE",  # noqa: S106  # the name of a variable
    ),
)
