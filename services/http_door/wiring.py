"""The HTTP door as a process."""

import argparse
import os
import signal
import sys
from importlib.metadata import version
from typing import Final

import structlog
import uvicorn

from homeostat.client.acknowledging import AcknowledgingProducer
from homeostat.client.settings import client_settings
from homeostat.core import Halt, HomeostatError
from homeostat.events.logs import DOORS
from homeostat.runtime.environment import check_environment, settings_of_environment
from homeostat.runtime.process import EXIT_HALTED
from homeostat.services.http_door.access import Access
from homeostat.services.http_door.oidc import Oidc
from homeostat.services.http_door.server import Door, create_app
from homeostat.services.http_door.settings import HttpDoorSettings
from homeostat.services.http_door.tokens import Tokens
from homeostat.serving.bounds import HEAD_BYTES, MAX_CONNECTIONS, BoundedProtocol
from homeostat.telemetry.logging import configure_logging

log = structlog.get_logger(__name__)
_KEEP_ALIVE_SECONDS: Final = 75
_DRAIN_SECONDS: Final = 5
"""Beyond what Kafka may take: the answers go out, too."""


def main() -> None:
    """Serve until the process is stopped; what was taken by then is acknowledged or answered first."""
    parser = argparse.ArgumentParser(prog="homeostat.services.http_door", description="CloudEvents over HTTP.")
    parser.add_argument("--port", type=int, help="instead of HOMEOSTAT_HTTP_DOOR_PORT")
    port = parser.parse_args().port
    configure_logging("http-door")
    try:
        check_environment(os.environ)
        settings = settings_of_environment(HttpDoorSettings)
        server = make_server(settings if port is None else settings.model_copy(update={"port": port}))
    except Halt as halt:
        log.error("halted", reason=str(halt))
        sys.exit(EXIT_HALTED)
    except (HomeostatError, OSError) as error:
        log.error("failed", reason=str(error))
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises again what it was stopped by
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run()


def make_server(settings: HttpDoorSettings) -> uvicorn.Server:
    """Wire a door to Kafka.

    Raises:
        DoorOpen: Anybody could write.
        TokensInvalid: The table of tokens cannot be used.
        SecretUnusable: The token cannot.
    """
    access = make_access(settings)
    producer = AcknowledgingProducer(
        client_settings(None, None, {}), "homeostat-http-door", DOORS, settings.delivery_timeout_seconds
    )
    log.info("serving", host=settings.host, port=settings.port, is_open=access.is_open)
    return uvicorn.Server(
        uvicorn.Config(
            create_app(Door(settings, access, producer), version("homeostat")),
            host=settings.host,
            port=settings.port,
            http=BoundedProtocol,
            h11_max_incomplete_event_size=HEAD_BYTES,
            limit_concurrency=MAX_CONNECTIONS,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=round(settings.delivery_timeout_seconds) + _DRAIN_SECONDS,
        )
    )


def make_access(settings: HttpDoorSettings) -> Access:
    """Set up who may say what.

    Raises:
        DoorOpen: Anybody could.
        TokensInvalid: The table of tokens cannot be used.
        SecretUnusable: The token cannot.
    """
    has_tokens = settings.tokens is not None or settings.token_file is not None
    oidc = Oidc(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_jwks_url,
        settings.oidc_scopes_claim,
        settings.oidc_topics,
    )
    return Access(
        settings.host,
        Tokens(settings.tokens, settings.token_file) if has_tokens else None,
        oidc if settings.oidc_issuer else None,
    )
