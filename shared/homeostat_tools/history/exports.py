"""What other tools have exported, read part by part: one that cannot be read does not take the others with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from homeostat.adapters import AdaptedEvent, Target, UnreadablePayload, adapter
from homeostat.adapters.node import Node, document
from homeostat.adapters.signals import in_order
from homeostat_tools.history.mlruns import read_mlruns
from homeostat_tools.history.unreadable import OnUnreadable, Unreadable, raise_unreadable

_Parts = Iterator[tuple[str, bytes]]
"""Place and payload of each part."""


def read_export(
    format_: str, path: Path, target: Target, on_unreadable: OnUnreadable = raise_unreadable
) -> Iterator[AdaptedEvent]:
    """Read an export as events, in the order of time. It is held in memory.

    Args:
        format_: One of `EXPORTS`.
        path: The file; of MLflow also a folder `mlruns`.
        target: Whom it is about; of training runs `scope/family`.
        on_unreadable: Called for every part that gives no event, before the first event comes; the default raises.

    Raises:
        UnreadablePayload: There is no part in it.
        OSError: It cannot be read.
    """
    name, split = EXPORTS[format_]
    adapt = adapter(name).load()
    events: list[AdaptedEvent] = []
    for place, part in read_mlruns(path) if path.is_dir() else split(path.read_bytes(), path, on_unreadable):
        try:
            events += adapt(part, target)
        except UnreadablePayload as error:
            reason = str(error).removeprefix(f"{error.reason}: {error.field}: ")
            on_unreadable(Unreadable(str(path), place, error.field, reason, part.decode(errors="replace")))
    yield from in_order(events)


def _items(*path: str, wrap: Callable[[Any], Any] = lambda item: item) -> Callable[[bytes, Path, OnUnreadable], _Parts]:
    """Split a document at a list in it."""

    def split(payload: bytes, _: Path, __: OnUnreadable) -> _Parts:
        found: Node = document(payload)
        for name in path:
            found = found[name]
        for item in found.items():
            yield item.path, msgspec.json.encode(wrap(item.value))

    return split


def _result(series: Any) -> Any:
    return {"status": "success", "data": {"resultType": "matrix", "result": [series]}}


def _pairs(payload: bytes, path: Path, on_unreadable: OnUnreadable) -> _Parts:
    """Split lines by the id of their event: a request and its response go together."""
    groups: dict[str, list[tuple[int, bytes]]] = {}
    for number, line in enumerate(payload.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = document(line)
            headers = event.maybe("headers")
            named = {key.lower().replace("ce_", "ce-"): value for key, value in (headers or event).fields().items()}
            id_ = str(named["ce-id" if headers is not None else "id"].text())
        except (UnreadablePayload, KeyError) as error:
            name = error.field if isinstance(error, UnreadablePayload) else "id"
            text = line.decode(errors="replace")
            on_unreadable(Unreadable(str(path), f"line {number}", name, "is no CloudEvent in JSON", text))
            continue
        groups.setdefault(id_, []).append((number, line))
    for lines in groups.values():
        yield f"line {lines[0][0]}", b"\n".join(line for _, line in lines)


EXPORTS: Final[dict[str, tuple[str, Callable[[bytes, Path, OnUnreadable], _Parts]]]] = {
    "prometheus": ("prometheus", _items("data", "result", wrap=_result)),
    "kserve": ("kserve", _pairs),
    "mlflow": ("mlflow-runs", _items("runs")),
    "argo-rollouts": ("argo-rollouts", _items("items")),
}
"""Adapter, and how a file is split, by format."""
