"""`homeostat erase`: what is kept of a tenant, where and until when; and deleting what can be."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

_FOR_EVER: Final = "for ever"
_WHY: Final = "the hash chain: audit verify finds what is deleted before its time"


def _check_erased(value: str) -> str:
    from homeostat_tools.cli.options import check_model, check_name

    return check_model(value) if "/" in value else check_name(value)


def erase(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="SCOPE[/MODEL]",
            callback=_check_erased,
            autocompletion=completion.frozen,
            help="A scope with all that is in it, or one model.",
        ),
    ],
    is_sure: Annotated[bool, typer.Option("--yes", help="Delete; without it, it is only said.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say what is kept of a scope or model, where and until when; with --yes delete what can be.

    Deleted are artifacts of its versions, unless another model has them too, and its meta-features in Redis: stop what
    serves it first. Records go when their retention is over; what has none stays, as every record is in the audit log's
    hash chain. Backups, exports and logs of your own are where you have put them. See docs/backup.md.
    """
    from homeostat.artifacts import open_store
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.output import hint, rows

    with session(ctx, data_dir) as opened:
        found = list(_records(opened.logs, name))
        own, others, models = _artifacts(opened.logs, name)
        store = open_store(opened.settings.store_url)
        there = [digest for digest in sorted(own - others) if store.exists(digest)]
        url = opened.settings.redis_url.get_secret_value()
    if not found and not there:
        raise not_found(f"nothing is kept of {name}; `homeostat topics` lists the logs")
    n_deleted = sum(_delete(store.url(digest)) for digest in there) if is_sure else 0
    left = len(there) - n_deleted
    how = "" if not left or not is_sure else "an object store: delete them there"
    found += [
        ("artifacts", left, "now" if left and not is_sure else "", how or (f"{n_deleted} deleted" if is_sure else ""))
    ]
    if own & others:
        found.append(("artifacts of others too", len(own & others), _FOR_EVER, "another model has them"))
    if url:
        found.append(_features(url, models, is_sure=is_sure))
    rows(("place", "n", "until", "why"), found, is_json=is_json)
    if is_sure:
        hint(f"{n_deleted} artifacts deleted; records go as said")
        for digest in there if left else ():
            hint(store.url(digest))
    else:
        hint("nothing was deleted; --yes does")


def _records(logs: Any, name: str) -> Iterator[tuple[str, int, str, str]]:
    """Where records of it lie, how many, until when."""
    from homeostat.events.logs import LOGS
    from homeostat_tools.cli.times import iso

    present, needle = logs.topics(), name.encode()
    for log in LOGS:
        n = newest = 0
        for record in logs.read([log.name]) if log.name in present else ():
            if _is_about(record, needle):
                n, newest = n + 1, max(newest, record.timestamp)
        if n:
            is_kept = log.retention_ms < 0
            yield (
                log.name,
                n,
                _FOR_EVER if is_kept else iso(newest + log.retention_ms),
                _WHY if is_kept else "retention",
            )


def _is_about(record: Any, needle: bytes) -> bool:
    key = record.key or b""
    if key == needle or key.startswith(needle + b"/"):
        return True
    value = record.value or b""
    return b'"' + needle + b'"' in value or (b"/" not in needle and b'"' + needle + b"/" in value)


def _artifacts(logs: Any, name: str) -> tuple[set[str], set[str], set[str]]:
    """Digests that the logs name for it, those they name for others, and its models."""
    from homeostat.core import Reject
    from homeostat.events.logs import GOVERNANCE, POLICIES
    from homeostat_tools.cli.rendering import event_of, payload

    own, others, models = set[str](), set[str](), set[str]()
    for record in logs.read([GOVERNANCE, *POLICIES]):
        try:
            data = payload(event_of(record).data)
        except Reject:
            continue
        model = data.get("model")
        if isinstance(model, str):
            is_own = model == name or model.startswith(f"{name}/")
            (own if is_own else others).update(_digests(data))
            if is_own:
                models.add(model)
    return own, others, models


def _digests(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name.endswith("artifact") and isinstance(inner, str):
                yield inner
            else:
                yield from _digests(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _digests(inner)


def _delete(url: str) -> bool:
    """Delete an artifact of a folder; that of an object store is left to its own means."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return False
    Path(unquote(parts.path)).unlink(missing_ok=True)
    return True


def _features(url: str, models: set[str], *, is_sure: bool) -> tuple[str, int, str, str]:
    from homeostat.feature_store import FeatureStore

    store = FeatureStore(url)
    try:
        there = [model for model in sorted(models) if store.latest(model) is not None]
        if is_sure:
            for model in there:
                store.forget(model)
    finally:
        store.close()
    return (
        "feature store",
        0 if is_sure else len(there),
        "" if is_sure else "now",
        f"{len(there)} deleted" if is_sure else "",
    )
