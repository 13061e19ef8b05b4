"""The checks of each door that look at one event alone: its subject, its payload, its identity."""

import re
from typing import Final

from homeostat.admission.contract import check_family, check_model
from homeostat.admission.limits import IDENTITY_LENGTH, INLINE_ARRAY_BYTES, REQUEST_LENGTH
from homeostat.admission.ranges import check_labels_ranges, check_samples_ranges
from homeostat.admission.screening import check_name, check_texts
from homeostat.admission.subjects import check_pair, check_same_scope, check_scope
from homeostat.admission.tasks import check_task
from homeostat.core import Event, Payload, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    BrakeConfirmed,
    Data,
    FamilyRegistered,
    Labels,
    ModelRegistered,
    Samples,
    TaskRecorded,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.events.reports import Report
from homeostat.events.routes import INGRESS_OF

_SIGNATURE: Final = re.compile(r"[A-Za-z0-9+/]{0,86}={0,2}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")


def check_payload(subject: str, data: Payload) -> None:
    """Check an event as its door does; what the door knows of earlier events is not looked at.

    Args:
        subject: Key of the record.
        data: Decoded payload of a type that a door takes; its columns fit together (`codec.columns`).

    Raises:
        Reject: As the door would; see `check_telemetry`, `check_trace`, `check_request` and `check_report`.
    """
    match INGRESS_OF.get(data.TYPE):
        case door if door == TELEMETRY:
            check_telemetry(subject, data)
        case door if door == TRACES:
            check_trace(subject, data)
        case door if door == REQUESTS:
            check_request(subject, data)
        case door if door == REPORTS:
            check_report(subject, data)


def check_identity(source: str, id_: str, story: str, limit: int = IDENTITY_LENGTH) -> None:
    """Check the length of what names an event.

    Args:
        source: `ce_source`.
        id_: `ce_id`.
        story: `ce_correlationid`.
        limit: Most characters of a source and of an id.

    Raises:
        Reject: `header_invalid`.
    """
    if max(len(source), len(id_)) > limit or len(story) > 2 * limit + 1:
        raise Reject(
            "header_invalid", f"ce_source and ce_id have at most {limit} characters, ce_correlationid {2 * limit + 1}"
        )


def check_signature_form(event: Event) -> None:
    """Check the form of what an event brings as a proof, of whatever it is one: it is carried along, and kept.

    Raises:
        Reject: `header_invalid`.
    """
    if event.signature is not None and not _SIGNATURE.fullmatch(event.signature):
        raise Reject("header_invalid", "the header signature is the Base64 of the 64 bytes of an Ed25519 signature")
    if event.key_id is not None and not _KEY_ID.fullmatch(event.key_id):
        raise Reject("header_invalid", "the header key-id is a name: the first 16 hex digits of the sha256 of the key")


def check_telemetry(subject: str, data: Payload, request_length: int = REQUEST_LENGTH) -> None:
    """Check an observation of a model, without its contract.

    Args:
        subject: Key of the record.
        data: Payload of the telemetry door.
        request_length: Most characters of a request id.

    Raises:
        Reject: `subject_invalid`, `subject_mismatch`, `contract_invalid`, `payload_invalid`, `out_of_range`,
            `personal_data`.
    """
    check_pair(subject, "scope/model")
    if isinstance(data, Samples):
        if max(map(len, data.request)) > request_length or "" in data.request:
            raise Reject("payload_invalid", f"a request id has 1 to {request_length} characters")
        check_name("the version", data.version)
        check_samples_ranges(data)
    elif isinstance(data, Labels):
        check_labels_ranges(data)
    elif isinstance(data, ModelRegistered):
        if data.model not in (None, subject):
            raise Reject("subject_mismatch", f"the key {subject!r} is the model, not {data.model!r}")
        check_model(data)


def check_trace(subject: str, data: Payload, inline_array_bytes: int = INLINE_ARRAY_BYTES) -> None:
    """Check what training shows.

    Args:
        subject: Key of the record.
        data: Payload of the traces door.
        inline_array_bytes: Largest array inside a task, decoded.

    Raises:
        Reject: `subject_invalid`, `scope_mismatch`, `family_invalid`, `task_invalid`, `array_too_large`.
    """
    check_pair(subject, "scope/family")
    check_same_scope(subject, getattr(data, "model", None))
    if isinstance(data, FamilyRegistered):
        check_family(data)
    elif isinstance(data, TaskRecorded):
        check_task(data, inline_array_bytes)


def check_request(subject: str, data: Payload) -> None:
    """Check what people want; whether they may is the governor's to say.

    Raises:
        Reject: `subject_invalid`, `scope_mismatch`, `personal_data`.
    """
    check_scope(subject)
    check_same_scope(subject, *(getattr(data, name, None) for name in ("scope", "family", "model")))
    if isinstance(data, Data):
        check_texts(data)


def check_report(subject: str, data: Payload) -> None:
    """Check what a hand has done.

    Raises:
        Reject: `subject_invalid`, `subject_mismatch`, `scope_mismatch`.
    """
    if isinstance(data, BrakeConfirmed):
        check_scope(scope_of(subject))
        return
    check_pair(subject, "the target's scope/model, or scope/family")
    if isinstance(data, WeightsPublished | WeightsRejected):
        _check_target(subject, data.family)
    elif isinstance(data, Report):
        _check_target(subject, data.model or data.family)
        check_same_scope(subject, data.family)


def _check_target(subject: str, target: str) -> None:
    if subject != target:
        raise Reject("subject_mismatch", f"the report speaks of {target!r}: that is its key, not {subject!r}")
