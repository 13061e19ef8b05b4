"""The limit of the HTTP door: a Starlette application that reads the body, answers 202 and does nothing else.

`python -m homeostat_lab.bench.bare_http PORT`
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeostat.serving.bounds import HEAD_BYTES, MAX_CONNECTIONS, BoundedProtocol


async def accept(request: Request) -> Response:
    """Take whatever comes."""
    await request.body()
    return Response(b'{"accepted":1}', 202, media_type="application/json")


def main() -> None:
    """Serve with the settings of the door, so that the difference is the door's work alone."""
    uvicorn.run(
        Starlette(routes=[Route("/v1/events", accept, methods=["POST"])]),
        port=int(sys.argv[1]),
        http=BoundedProtocol,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=MAX_CONNECTIONS,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
