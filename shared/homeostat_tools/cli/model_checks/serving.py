"""Does its server answer, and take deployments from us? What it serves is not changed by asking."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat.audit.secret_file import SecretMissing, SecretUnusable, read_secret
from homeostat_tools.cli.checks import Check, fail, ok
from homeostat_tools.cli.model_checks.looking import Model

_SECONDS: Final = 5.0
_OK, _UNAUTHORIZED, _NOT_FOUND, _LEAST_OF_SERVER = 200, 401, 404, 500
_NO_DEPLOYMENT: Final = b"{}"
"""A body that no server takes, so that it says only whether it would have listened."""


def server(model: Model) -> Iterator[Check]:
    """It answers at the address that the rollout actuator has, knows the model, and takes the token."""
    import httpx2

    if model.known.registered is None:
        return
    if os.environ.get("HOMEOSTAT_ROLLOUT_ACTUATOR_TARGET", "embedded") != "embedded":
        yield ok("server", "another target than a server of the deployment protocol is set, which is not asked here")
        return
    url, name = model.server_url, "server"
    address = f"{url}/models/{model.name}/deployment"
    try:
        said = httpx2.get(address, timeout=_SECONDS)
        if said.status_code == _NOT_FOUND:
            detail = f"{url} answers, and does not serve {model.name}: {said.text[:200]}"
            yield fail(name, detail, f"start the server of {model.name}, or set HOMEOSTAT_ROLLOUT_ACTUATOR_URL to it")
            return
        if said.status_code != _OK:
            yield fail(name, f"{address} answers {said.status_code}: {said.text[:200]}", "see its log")
            return
        yield from _token(model, httpx2.put(address, content=_NO_DEPLOYMENT, headers=_headers(model), timeout=_SECONDS))
    except httpx2.HTTPError as error:
        detail = f"nobody answers at {url}: {type(error).__name__}"
        yield fail(
            name, detail, f"start the server of {model.name}, or set HOMEOSTAT_ROLLOUT_ACTUATOR_URL to its address"
        )


def _token(model: Model, said: "object") -> Iterator[Check]:
    status = getattr(said, "status_code", 0)
    if status == _UNAUTHORIZED:
        detail = f"{model.server_url} does not take the token in {_token_file(model)}: no deployment would reach it"
        yield fail(
            "server",
            detail,
            f"let the server read {_token_file(model)}, or HOMEOSTAT_ROLLOUT_ACTUATOR_TOKEN_FILE its own",
        )
    elif status >= _LEAST_OF_SERVER or status == _OK:
        yield fail(
            "server", f"{model.server_url} answers {status} to a deployment", "homeostat conform server tries all of it"
        )
    else:
        yield ok("server", f"{model.server_url} serves it and takes our token")


def _token_file(model: Model) -> Path:
    named = os.environ.get("HOMEOSTAT_ROLLOUT_ACTUATOR_TOKEN_FILE")
    return Path(named) if named else model.settings.token_file


def _headers(model: Model) -> dict[str, str]:
    try:
        return {"authorization": f"Bearer {read_secret(_token_file(model))}"}
    except (SecretMissing, SecretUnusable):
        return {}
