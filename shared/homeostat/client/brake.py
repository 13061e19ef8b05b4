"""The freeze without a broker: a file that the hands of this machine obey, and the request, signed, for later."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeostat.client.logs import Logs, Place
from homeostat.codec import Output, Record
from homeostat.codec.encode import partition_of
from homeostat.commands import Guard
from homeostat.core import Reject
from homeostat.core.identity import identity
from homeostat.events import BrakeReleased, BrakeSet, FreezeSet
from homeostat.events.logs import GOVERNANCE, POLICIES


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

    Repeating it is safe: the door drops what it has seen. `release_braked` ends it once the governor has braked.

    Returns:
        How many.
    """
    requests = _read(path)["requests"]
    for request in requests:
        key = request["key"].encode()
        headers = [(name, b64decode(value)) for name, value in request["headers"]]
        place = partition_of(key, logs.n_partitions(request["log"]))
        logs.send(Output(request["log"], place, key, b64decode(request["value"]), headers))
    logs.flush()
    return len(requests)


def pending(path: Path) -> dict[str, str]:
    """Scope by identity of every request that waits in the brake file; empty without one."""
    found: dict[str, str] = {}
    for request in _read(path)["requests"]:
        headers = _headers(request)
        found[identity(headers["ce_source"], headers["ce_id"])] = str(request["scope"])
    return found


def release_braked(path: Path, logs: Logs, notary: Mapping[str, str]) -> list[str]:
    """Release the scopes whose published freeze the governor has put into every partition of every policy log.

    Safe to repeat, and after a crash: the logs say what has happened. A freeze that was refused, or is not through
    yet, goes on braking by the file; so does one that has been lifted since, or that nobody but a forger has answered.

    Args:
        path: `HostSettings.brake_file`.
        logs: Where the governor speaks.
        notary: Its public keys, hex by id.

    Returns:
        The scopes that were released.
    """
    waiting = pending(path)
    if not waiting:
        return []
    freezes: dict[str, str] = {}
    for record in logs.read([GOVERNANCE]):
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        cause = headers.get("ce_causationid", "")
        if cause in waiting and headers.get("ce_type") == FreezeSet.TYPE:
            freezes[identity(headers.get("ce_source", ""), headers.get("ce_id", ""))] = waiting[cause]
    braked: dict[str, set[Place]] = {}
    guard = Guard(notary)
    for record in logs.read(POLICIES) if freezes else ():
        if not _is_brake(record):
            continue
        try:
            data = guard.read(record).data
        except Reject:
            continue
        if isinstance(data, BrakeSet) and freezes.get(data.freeze) == data.scope:
            braked.setdefault(data.scope, set()).add((record.topic, record.partition))
    n_partitions = sum(logs.n_partitions(log) for log in POLICIES)
    return [
        scope
        for scope, places in sorted(braked.items())
        if len(places) == n_partitions and scope in guard.braked and release_brake(path, scope)
    ]


def _is_brake(record: Record) -> bool:
    type_ = dict(record.headers).get("ce_type")
    return type_ in (BrakeSet.TYPE.encode(), BrakeReleased.TYPE.encode())


def _headers(request: dict[str, Any]) -> dict[str, str]:
    return {name: b64decode(value).decode() for name, value in request["headers"]}


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
