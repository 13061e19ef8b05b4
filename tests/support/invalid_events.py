"""What must not pass a door, of every kind: the record as it is sent, and the reason it must be refused for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from homeostat.codec.encode import MSGPACK
from homeostat.codec.record import Headers
from homeostat.events import (
    BrakeConfirmed,
    FamilyRegistered,
    FreezeSet,
    IncidentRecorded,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
    TaskRecorded,
    WeightsPublished,
)
from homeostat.events.columns import F4, pack
from homeostat.events.logs import MAX_INPUT_BYTES, REPORTS, REQUESTS, TELEMETRY, TRACES

SCOPE: Final = "nonsense"
MODEL: Final = f"{SCOPE}/model"
"""Registered with `CONTRACT` before anything of this is sent."""

STRANGER: Final = f"{SCOPE}/stranger"
"""A model that is not registered."""

FAMILY: Final = f"{SCOPE}/family"
INPUT_WIDTH: Final = 64
CONTRACT: Final = ModelRegistered.model_validate(
    {
        "family": "family",
        "champion": "v1",
        "input_width": INPUT_WIDTH,
        "features": [{"name": "heat", "low": 0.0, "high": 100.0, "required": True}],
        "personal_features": ["name"],
    }
)

KEYS: Final = {TELEMETRY: MODEL, TRACES: FAMILY, REQUESTS: SCOPE, REPORTS: MODEL}
TAKES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    TELEMETRY: (SignalObserved.TYPE, {"layer": "service", "name": "load", "value": 1.0}),
    TRACES: (IncidentRecorded.TYPE, {"incident": "i", "symptoms": ["hot"], "fix": ["cooled"]}),
    REQUESTS: (FreezeSet.TYPE, {"scope": SCOPE}),
    REPORTS: (
        BrakeConfirmed.TYPE,
        {"hand": "h", "log": "homeostat.policy.retrain", "partition": 0, "freeze": "f", "scope": SCOPE},
    ),
}
"""An event that each door takes: type and payload."""

_NEXT: Final = {TELEMETRY: TRACES, TRACES: REQUESTS, REQUESTS: REPORTS, REPORTS: TELEMETRY}
SIGNED: Final = (REQUESTS, REPORTS)
CLAIM: Final = {"signature": b"A" * 86 + b"==", "key-id": b"0" * 16}
"""Of the form of a signature; whose it is, a door does not know."""

_HEADERS: Final = {"content_type": "content-type", "key_id": "key-id"}
_MEGABYTE_ROWS: Final = 3_500
"""With `INPUT_WIDTH` inputs each, more than an output may have, and less than the broker takes."""


@dataclass(frozen=True, slots=True)
class Nonsense:
    """A record that must be refused.

    Args:
        door: Log.
        reason: Reason code of the refusal.
        key: Of the record; may be missing.
        value: Of the record; may be null.
        headers: Of the record.
    """

    door: str
    reason: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def of_every_kind() -> Iterator[Nonsense]:
    """Yield everything that can be wrong, at every door; where only what is signed is taken, without a claim too."""
    for door in KEYS:
        for bad in (*_records(door), *_structured(door)):
            if door not in SIGNED or set(CLAIM) <= {name for name, _ in bad.headers}:
                yield bad
            else:
                yield replace(bad, reason="unsigned")
                yield replace(bad, headers=[*bad.headers, *CLAIM.items()])
    yield from _columns()
    yield from _contracts()
    yield from _traces()
    yield from _others()


def _bad(
    door: str,
    reason: str,
    type_: str,
    data: dict[str, Any] | bytes,
    *,
    key: str | None = None,
    **headers: bytes | None,
) -> Nonsense:
    """Binary mode; keyword arguments replace headers (`_` for `-`), None leaves one out."""
    value = data if isinstance(data, bytes) else json.dumps(data).encode()
    given: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": f"{reason}-{len(value)}".encode(),
        "ce_source": b"/nonsense",
        "ce_type": type_.encode(),
        "content-type": b"application/json",
    }
    if door in SIGNED:
        given |= CLAIM
    given |= {_HEADERS.get(name, name): text for name, text in headers.items()}
    laid_out = [(name, text) for name, text in given.items() if text is not None]
    return Nonsense(door, reason, (KEYS[door] if key is None else key).encode(), value, laid_out)


def _records(door: str) -> Iterator[Nonsense]:
    type_, data = TAKES[door]
    good = _bad(door, "", type_, data)
    provenance = {"scope": SCOPE, "source": "/me", "id": "1"}
    yield Nonsense(door, "key_missing", None, good.value, good.headers)
    yield Nonsense(door, "key_missing", b"", good.value, good.headers)
    yield Nonsense(door, "header_invalid", b"\xff\xfe", good.value, good.headers)
    yield Nonsense(door, "header_missing", good.key, b"\x00 neither headers nor an object", [])
    yield Nonsense(door, "header_missing", good.key, b"", [])
    yield from _of_other_clients(door, good)
    yield _bad(door, "header_missing", type_, data, ce_specversion=None)
    yield _bad(door, "header_invalid", type_, data, ce_specversion=b"0.3")
    yield _bad(door, "header_invalid", type_, data, ce_specversion=b"one")
    yield _bad(door, "header_missing", type_, data, ce_id=None)
    yield _bad(door, "header_missing", type_, data, ce_source=b"")
    yield _bad(door, "header_invalid", type_, data, ce_source=b"\xff")
    yield _bad(door, "subject_mismatch", type_, data, ce_subject=b"somebody/else")
    yield _bad(door, "type_unknown", "homeostat.nonsense.spoken.v9", data)
    yield _bad(door, "type_not_for_log", *TAKES[_NEXT[door]])
    yield _bad(door, "content_type_unknown", type_, data, content_type=b"text/plain")
    yield _bad(door, "payload_invalid", type_, b"{not json")
    yield _bad(door, "payload_invalid", type_, b"")
    yield _bad(door, "payload_invalid", type_, b"[1, 2]")
    yield _bad(door, "payload_invalid", type_, data | {"surplus": 1})
    yield _bad(door, "payload_invalid", type_, data | {"provenance": provenance})


def _of_other_clients(door: str, good: Nonsense) -> Iterator[Nonsense]:
    """What everyday clients write that were set up otherwise."""
    text = '{"specversion": "1.0", "source": "/caf\u00e9", "id": "1"}'
    yield Nonsense(door, "header_invalid", good.key, text.encode("latin-1"), [])
    for value in (
        b'{"message":"K\xfcche"}',
        text.encode("utf-16"),
        text.encode("utf-16-le"),
        b"\xef\xbb\xbf" + text.encode(),
        b"\x00\x00\x00\x00\x07" + text.encode(),
        json.dumps(text).encode(),
        b"\x1f\x8b\x08\x00 gzip",
        msgspec.msgpack.encode({"a": 1}),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b" " * 2_400_000,
    ):
        yield Nonsense(door, "header_missing", good.key, value, [])
    yield Nonsense(door, "tombstone", good.key, None, [])
    yield Nonsense(door, "tombstone", good.key, None, good.headers)
    yield Nonsense(door, "record_too_large", good.key, b" " * (MAX_INPUT_BYTES + 1), [])
    yield Nonsense(door, "header_missing", good.key, b"{}", [("h", b"x" * 2_000_000)])


def _structured(door: str) -> Iterator[Nonsense]:
    type_, data = TAKES[door]
    event = {"specversion": "1.0", "id": "s", "source": "/nonsense", "type": type_, "data": data}
    headers: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]

    def sent(reason: str, body: object) -> Nonsense:
        value = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Nonsense(door, reason, KEYS[door].encode(), value, headers)

    yield sent("header_missing", b'{"specversion": "1.0", "id": ')
    yield sent("header_missing", {name: value for name, value in event.items() if name != "specversion"})
    yield sent("header_missing", event | {"specversion": None})
    yield sent("header_missing", event | {"id": None})
    yield sent("header_missing", [event])
    yield sent("header_invalid", event | {"specversion": "0.3"})
    yield sent("header_invalid", event | {"id": 7})
    yield sent("header_invalid", event | {"weight": 0.5})
    yield sent("header_invalid", event | {"labels": ["a"]})
    yield sent("header_invalid", event | {"weight": 2**31})
    yield Nonsense(
        door, "content_type_unknown", b"acme/m", b"[]", [("content-type", b"application/cloudevents-batch+json")]
    )
    yield sent("header_missing", {name: value for name, value in event.items() if name != "source"})
    yield sent("subject_mismatch", event | {"subject": "somebody/else"})
    yield sent("payload_invalid", {name: value for name, value in event.items() if name != "data"})
    yield sent("payload_invalid", event | {"data": "a text"})


def samples(n: int = 1, **changes: Any) -> Samples:
    """`n` rows of the model's champion, as its contract wants them, but for the changes."""
    one = pack([1.0] * n)
    fields: dict[str, Any] = {
        "version": "v1",
        "role": "champion",
        "request": [f"r-{row}" for row in range(n)],
        "time": one,
        "features": ["heat"],
        "values": pack([20.0] * n, F4),
        "prediction": one,
        "score": one,
    }
    return Samples(**fields | changes)


def _columns() -> Iterator[Nonsense]:
    def sent(reason: str, data: Samples | Labels | bytes, *, key: str = MODEL) -> Nonsense:
        value = data if isinstance(data, bytes) else msgspec.msgpack.encode(data)
        type_ = Labels.TYPE if isinstance(data, Labels) else Samples.TYPE
        return _bad(TELEMETRY, reason, type_, value, key=key, content_type=MSGPACK)

    inputs = np.random.default_rng(0).normal(size=(_MEGABYTE_ROWS, INPUT_WIDTH))
    yield sent("payload_invalid", b"\xc1 is no msgpack")
    yield sent("payload_invalid", msgspec.msgpack.encode(samples())[:-3])
    yield sent("payload_invalid", msgspec.msgpack.encode({"version": "v1"}))
    yield sent("payload_invalid", samples(prediction=pack([1.0, 2.0])))
    yield sent("payload_invalid", samples(values=pack([1.0, 2.0], F4)))
    yield sent("payload_invalid", samples(time=pack([float("nan")])))
    yield sent("payload_invalid", samples(features=["heat", "heat"], values=pack([1.0, 2.0], F4)))
    yield sent("payload_invalid", samples(captured=[3], inputs=pack([1.0], F4)))
    yield sent("payload_invalid", samples(request=["r" * 1000]))
    yield sent("payload_invalid", samples(10_001))
    yield sent("payload_invalid", Labels(request=["r"], label=pack([1.0]), time=b"\x00"))
    yield sent("label_unmatched", Labels(request=["never-served"], label=pack([1.0]), time=pack([1.0])))
    yield sent("model_unregistered", samples(), key=STRANGER)
    yield sent("feature_unknown", samples(features=["cold"]))
    yield sent("feature_missing", samples(features=[], values=b""))
    yield sent("feature_missing", samples(values=pack([None], F4)))
    yield sent("out_of_range", samples(values=pack([101.0], F4)))
    yield sent("personal_data", samples(features=["heat", "name"], values=pack([20.0, 1.0], F4)))
    yield sent("inputs_invalid", samples(captured=[0], inputs=pack([1.0], F4)))
    yield sent(
        "output_too_large",
        samples(_MEGABYTE_ROWS, captured=list(range(_MEGABYTE_ROWS)), inputs=pack(inputs, F4)),
    )
    yield _bad(
        TELEMETRY, "payload_invalid", Samples.TYPE, b"no arrow", content_type=b"application/vnd.apache.arrow.stream"
    )


def _contracts() -> Iterator[Nonsense]:
    contract = CONTRACT.model_dump(mode="json", exclude_none=True)
    yield _bad(TELEMETRY, "family_changed", ModelRegistered.TYPE, contract | {"family": "another"})
    yield _bad(TELEMETRY, "subject_invalid", ModelRegistered.TYPE, contract, key="no-slash")
    yield _bad(TELEMETRY, "subject_mismatch", ModelRegistered.TYPE, contract | {"model": STRANGER})
    twice = [{"name": "heat"}, {"name": "heat"}]
    yield _bad(TELEMETRY, "contract_invalid", ModelRegistered.TYPE, contract | {"features": twice})


def _traces() -> Iterator[Nonsense]:
    type_, data = TAKES[TRACES]
    family = {"arms": [{"name": "a"}], "baseline": "b"}
    array = {"dtype": "float32", "shape": [1, 1], "data": "AAAAAA=="}
    large = {"dtype": "float32", "shape": [20_000, 1], "data": "AAAA" * 30_000}
    task: dict[str, Any] = {"task": "t", "n_classes": 0, "support_y": array | {"shape": [1]}, "query_x": array}
    yield _bad(TRACES, "subject_invalid", type_, data, key="no-slash")
    yield _bad(TRACES, "family_invalid", FamilyRegistered.TYPE, family)
    yield _bad(TRACES, "task_invalid", TaskRecorded.TYPE, task)
    labels = {"query_y": array | {"shape": [1]}, "support_x": large, "support_y": large | {"shape": [20_000]}}
    yield _bad(TRACES, "array_too_large", TaskRecorded.TYPE, task | labels)


def _others() -> Iterator[Nonsense]:
    weights = {"action": "a", "family": f"{SCOPE}/other", "artifact": "2" * 64, "algorithm": "maml", "loss": 0.4}
    weights |= {"gain": 0.1, "gain_low": 0.05, "n_tasks": 9}
    for door in SIGNED:
        yield _bad(door, "unsigned", *TAKES[door], signature=None, key_id=None)
        yield _bad(door, "unsigned", *TAKES[door], signature=None)
        yield _bad(door, "unsigned", *TAKES[door], key_id=None)
        yield _bad(door, "signature_invalid", *TAKES[door], signature=b"AAAA")
        yield _bad(door, "signature_invalid", *TAKES[door], key_id=b"nobody")
    yield _bad(REQUESTS, "subject_invalid", FreezeSet.TYPE, {"scope": SCOPE}, key="no/scope")
    yield _bad(REQUESTS, "scope_mismatch", FreezeSet.TYPE, {"scope": "somebody-else"})
    yield _bad(REPORTS, "subject_mismatch", WeightsPublished.TYPE, weights)
    yield _bad(REPORTS, "subject_invalid", WeightsPublished.TYPE, weights, key="no-slash")
    yield _bad(REPORTS, "subject_invalid", *TAKES[REPORTS], key="not a scope")
