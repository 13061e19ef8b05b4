"""What all doors do alike."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from homeostat.audit.signing import signed_bytes
from homeostat.codec import encode_payload, encode_state
from homeostat.core import Emit, Fold, Payload, Reject
from homeostat.events import (
    ApprovalGiven,
    Arm,
    BrakeConfirmed,
    CanaryJudged,
    ClockTicked,
    FamilyRegistered,
    FreezeSet,
    IncidentRecorded,
    Labels,
    ModelRegistered,
    Samples,
    SliObserved,
)
from homeostat.events.logs import DOORS
from homeostat.events.routes import ADMITTED, INGRESS_OF
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake

FREEZE = FreezeSet(scope="acme")
INCIDENT = IncidentRecorded(incident="i1", symptoms=("slow",))
BRAKE = BrakeConfirmed(hand="rollout_actuator", log="homeostat.policy.rollout", partition=0, freeze="f", scope="acme")
REGISTERED = ModelRegistered(family="digits", champion="v1")
DOORS_AND_PAYLOADS: list[tuple[Callable[[Settings], Fold[Any]], str, Payload]] = [
    (TelemetryIntake, "acme/m1", REGISTERED),
    (TracesIntake, "acme/digits", INCIDENT),
    (RequestsIntake, "acme", FREEZE),
    (ReportsIntake, "acme", BRAKE),
]
every_door = pytest.mark.parametrize(("fold", "subject", "data"), DOORS_AND_PAYLOADS)


def test_every_door_has_one_fold() -> None:
    """The four folds read the four doors, as doors, under names of their own."""
    folds = [fold(Settings()) for fold, _, _ in DOORS_AND_PAYLOADS]

    assert sorted(fold.log for fold in folds) == sorted(DOORS) == sorted(ADMITTED)
    assert all(fold.is_door for fold in folds)
    assert sorted(fold.name for fold in folds) == [
        "intake.reports",
        "intake.requests",
        "intake.telemetry",
        "intake.traces",
    ]
    assert len(INGRESS_OF) == sum(map(len, ADMITTED.values()))


@every_door
def test_repeated_id_is_dropped_and_counted(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """The same (scope, source, id) passes once; the second is silent but counted."""
    door = knock(fold, subject)
    first = door.send(data, id_="1")

    second = door.send(data, id_="1")

    assert first
    assert second == ()
    assert door.fold.counts.get("duplicate", 0) == 1


@every_door
def test_same_id_of_another_source_passes(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """Ids are unique per source only."""
    door = knock(fold, subject)
    door.send(data, id_="1", source="/a")

    assert door.send(data, id_="1", source="/b")
    assert door.fold.counts.get("duplicate", 0) == 0


@every_door
def test_oldest_id_is_forgotten(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """The window is bounded: an id that fell out of it passes again."""
    door = knock(fold, subject, deduplication_events=2)
    for id_ in "123":
        door.send(data, id_=id_)

    assert door.send(data, id_="2") == ()
    assert door.send(data, id_="1")


@every_door
def test_ticks_are_ignored(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """A tick changes nothing and says nothing."""
    door = knock(fold, subject)

    assert door.send(ClockTicked(due=1)) == ()
    assert encode_state(door.state) == encode_state(door.fold.initial(subject))
    assert door.fold.wake_at(door.state) is None


@every_door
def test_wrong_door_names_the_right_one(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """A type of another door is refused with the name of its own."""
    for _, _, other in [entry for entry in DOORS_AND_PAYLOADS if entry[2] is not data]:
        with pytest.raises(Reject, match=f"publish it to {INGRESS_OF[other.TYPE]}$") as refusal:
            knock(fold, subject).send(other)

        assert refusal.value.reason == "type_not_for_log"


@every_door
def test_derived_types_have_no_door(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """What folds say is never taken from outside."""
    judged = CanaryJudged(
        action="a",
        model="acme/m1",
        version="v2",
        step=0,
        judgement="promote",
        log2_e_worse=0,
        log2_e_better=9,
        n_labels=1,
        n_discordant=1,
        canary_error=0,
        champion_error=1,
        exposed=1,
        alpha=0.01,
    )

    with pytest.raises(Reject, match="no door takes it") as refusal:
        knock(fold, subject).send(judged)

    assert refusal.value.reason == "type_not_for_log"


@every_door
def test_unsigned_payload_says_where_it_came_from(
    knock: Callable[..., Any], fold: Any, subject: str, data: Payload
) -> None:
    """Every emit carries scope, source and id, and no trace of a signature; some doors take nothing unsigned."""
    if fold in (RequestsIntake, ReportsIntake):
        return
    emits = knock(fold, subject).send(data, id_="7", source="/client")

    for emit in emits:
        provenance = emit.data.provenance
        assert (provenance.scope, provenance.source, provenance.id) == ("acme", "/client", "7")
        assert provenance.key is provenance.signature is provenance.signed is None


@every_door
def test_signature_is_carried_with_the_signed_bytes(
    knock: Callable[..., Any], fold: Any, subject: str, data: Payload
) -> None:
    """What the governor verifies is what arrived, verbatim."""
    emits = knock(fold, subject).send(data, id_="7", source="/client", signature="c2ln", key_id="k1")

    for emit in emits:
        provenance = emit.data.provenance
        assert (provenance.key, provenance.signature) == ("k1", "c2ln")
        assert b64decode(provenance.signed) == signed_bytes(data.TYPE, subject, "/client", "7", encode_payload(data)[0])


@every_door
def test_structured_mode_is_admitted_like_binary_mode(
    knock: Callable[..., Any], fold: Any, subject: str, data: Payload
) -> None:
    """A CloudEvents object gives the same emits as headers and value."""
    body = {"specversion": "1.0", "id": "7", "source": "/client", "type": data.TYPE, "subject": subject}
    body |= {"data": json.loads(encode_payload(data)[0])}

    structured = knock(fold, subject).put(
        json.dumps(body).encode(), {"content-type": "application/cloudevents+json; charset=UTF-8"}
    )

    binary = knock(fold, subject).send(data, id_="7", source="/client")
    assert [bare(emit) for emit in structured] == [bare(emit) for emit in binary]


def bare(emit: Emit) -> Emit:
    """An emit without the bytes that were signed: they are those that came."""
    data: Any = emit.data
    provenance = replace(data.provenance, signed=None)
    if isinstance(data, Samples | Labels):
        return replace(emit, data=msgspec.structs.replace(data, provenance=provenance))
    return replace(emit, data=data.model_copy(update={"provenance": provenance}))


@every_door
def test_structured_mode_may_carry_base64(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """`data_base64` gives the same emits as `data`."""
    body = {"specversion": "1.0", "id": "7", "source": "/client", "type": data.TYPE, "subject": subject}
    body |= {"data_base64": b64encode(encode_payload(data)[0]).decode()}

    structured = knock(fold, subject).put(json.dumps(body).encode(), {"content-type": "application/cloudevents+json"})

    assert structured == knock(fold, subject).send(data, id_="7", source="/client")


@pytest.mark.parametrize("extra", [{"data_base64": "?"}, {"data_base64": 7}, {"data_base64": "e30=", "data": {}}])
def test_base64_that_is_none_is_refused(knock: Callable[..., Any], extra: dict[str, Any]) -> None:
    """Or one beside plain data."""
    body = {"specversion": "1.0", "id": "7", "source": "/client", "type": FREEZE.TYPE, "subject": "acme", **extra}

    with pytest.raises(Reject) as refusal:
        knock(RequestsIntake, "acme").put(json.dumps(body).encode(), {"content-type": "application/cloudevents+json"})

    assert refusal.value.reason == "payload_invalid"
    assert "base64" in refusal.value.detail


def test_refused_event_may_come_again(knock: Callable[..., Any]) -> None:
    """A refusal is no admission: after the cause is gone the same id passes."""
    door, sli = knock(TelemetryIntake, "acme/m1"), SliObserved(name="p95", layer="latency", value=1, window_seconds=60)
    with pytest.raises(Reject):
        door.send(sli, id_="1")
    door.send(REGISTERED)

    assert door.send(sli, id_="1")


@pytest.mark.parametrize(
    ("fold", "subject", "data"),
    [
        (TelemetryIntake, "m1", REGISTERED),
        (TelemetryIntake, "acme/a/b", REGISTERED),
        (TracesIntake, "acme", INCIDENT),
        (TracesIntake, "acme/", FamilyRegistered(arms=(Arm(name="cold"),), baseline="cold")),
        (RequestsIntake, "acme/m1", FREEZE),
        (RequestsIntake, "**", ApprovalGiven(action="a")),
        (ReportsIntake, "a b", BRAKE),
    ],
)
def test_key_of_another_form_is_refused(knock: Callable[..., Any], fold: Any, subject: str, data: Payload) -> None:
    """A key is scope/name at three doors, and a scope or * at the fourth."""
    with pytest.raises(Reject) as refusal:
        knock(fold, subject).send(data)

    assert refusal.value.reason == "subject_invalid"


def test_json_columns_are_admitted_like_msgpack(knock: Callable[..., Any]) -> None:
    """The hot types may come as JSON; inside they are columns."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(REGISTERED)
    headers = {"ce_source": "/client", "content-type": "application/json"}
    sample = {"version": "v1", "request": ["r"], "time": [1], "features": {"x": [None]}, "prediction": [3]}
    label = {"request": ["r"], "label": [4], "time": [3]}

    (observed,) = door.put(json.dumps(sample).encode(), headers | {"ce_id": "1", "ce_type": Samples.TYPE})
    (joined,) = door.put(json.dumps(label).encode(), headers | {"ce_id": "2", "ce_type": Labels.TYPE})

    assert isinstance(observed.data, Samples)
    assert isinstance(joined.data, Labels)
    assert [answer.version for answer in joined.data.answers] == ["v1"]
