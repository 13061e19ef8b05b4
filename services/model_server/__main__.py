"""`python -m homeostat.services.model_server`: serve the models that an artifact store holds."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn

from homeostat.artifacts import open_store
from homeostat.audit.secret_file import ensure_secret, read_secret
from homeostat.core import HomeostatError
from homeostat.services.model_server.router import Router
from homeostat.services.model_server.server import create_app
from homeostat.serving.bounds import HEAD_BYTES, MAX_CONNECTIONS, BoundedProtocol
from homeostat.serving.state_file import StateFile

_KEEP_ALIVE_SECONDS: Final = 75
_STOP_SECONDS: Final = 1


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(prog="homeostat.services.model_server", description="A model server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--artifacts", required=True, help="artifact store: a folder or a URL")
    parser.add_argument("--state", type=Path, required=True, help="file that a restart continues from")
    parser.add_argument("--token", type=Path, required=True, help="file with the token; made if it is not there")
    settings = parser.parse_args()
    try:
        ensure_secret(settings.token)
        router = Router(open_store(settings.artifacts), StateFile(settings.state))
    except (HomeostatError, OSError) as error:
        sys.exit(f"the model server cannot start: {error}")
    uvicorn.run(
        create_app(router, partial(read_secret, settings.token)),
        host=settings.host,
        port=settings.port,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=MAX_CONNECTIONS,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
