"""The freeze without a broker: a file that the hands of this machine obey, and the request, signed, for later."""

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from homeostat.client.logs import Logs
from homeostat.codec import Output
from homeostat.codec.encode import partition_of


def write_brake(path: Path, scope: str, request: Output) -> None:
    """Add a scope and its signed `freeze.set` to the brake file; hands see the old file or the new one.

    Args:
        path: `HostSettings.brake_file`.
        scope: A scope, or `*`.
        request: The request; its partition is chosen when it is published.
    """
    body = _read(path)
    body["scopes"] = sorted({*body["scopes"], scope})
    body["requests"].append(
        {
            "scope": scope,
            "log": request.topic,
            "key": request.key.decode(),
            "value": b64encode(request.value or b"").decode(),
            "headers": [[name, b64encode(value).decode()] for name, value in request.headers],
        }
    )
    _write(path, body)


def release_brake(path: Path, scope: str) -> bool:
    """Take a scope, and its unpublished requests, out of the brake file; `*` takes everything out.

    Returns:
        Whether it was in.
    """
    body = _read(path)
    if not (body["scopes"] if scope == "*" else scope in body["scopes"]):
        return False
    keep = [other for other in body["scopes"] if scope not in ("*", other)]
    if not keep:
        path.unlink()
        return True
    _write(path, {"scopes": keep, "requests": [r for r in body["requests"] if r["scope"] in keep]})
    return True


def publish_pending(path: Path, logs: Logs) -> int:
    """Publish the requests of the brake file, now that the broker answers; the file goes on braking.

    Repeating it is safe: the door drops what it has seen. Call `release_brake` once the governor has braked.

    Returns:
        How many.
    """
    requests = _read(path)["requests"]
    for request in requests:
        key = request["key"].encode()
        headers = [(name, b64decode(value)) for name, value in request["headers"]]
        place = partition_of(key, logs.places(request["log"]))
        logs.send(Output(request["log"], place, key, b64decode(request["value"]), headers))
    logs.flush()
    return len(requests)


def _read(path: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        body = {}
    return {"scopes": [], "requests": []} | body


def _write(path: Path, body: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(body, indent=1), encoding="utf-8")
    draft.replace(path)
