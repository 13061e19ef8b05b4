"""Who signs rows and traces with a key that is not the sender's, or changes what somebody has signed."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.governor.driver import key_of

from homeostat.audit.signing import signed_bytes
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Record, decode_event
from homeostat.core import Emit, Reject
from homeostat.events import EpisodeRecorded, IncidentRecorded, ModelRegistered, TaskRecorded
from homeostat.events.logs import TELEMETRY, TRACES
from homeostat.runtime.memory import MemoryLog
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake

PLANT, EVE = key_of("plant"), key_of("eve")


def sent(is_signing: bool = True) -> list[Record]:
    """A registration, rows, labels and two traces, as a client sends them."""
    log = MemoryLog()
    client = Client(logs=MemoryLogs(log), source="/line", key=PLANT, is_signing=is_signing)
    client.publish(None, "t/m", ModelRegistered(family="f", champion="v1"))
    requests = client.publish_samples("t/m", "v1", prediction=[1.0, 0.0])
    client.publish_labels("t/m", requests, [1.0, 1.0])
    client.publish(None, "t/f", EpisodeRecorded(episode="e", result=0.5, seconds=1.0))
    client.publish(None, "t/f", IncidentRecorded(incident="i", symptoms=("slow",)))
    return [*log.all(TELEMETRY), *log.all(TRACES)]


def admitted(records: list[Record]) -> list[Emit]:
    """What the doors make of records."""
    doors: dict[str, Any] = {TELEMETRY: TelemetryIntake(), TRACES: TracesIntake()}
    states: dict[str, Any] = {}
    emits: list[Emit] = []
    for record in records:
        door = doors[record.topic]
        state = states.get(record.topic) or door.initial("")
        states[record.topic], said = door.step(state, decode_event(record, time=0, emitter="/e", is_door=True))
        emits += said
    return emits


@pytest.mark.parametrize("is_signing", [True, False])
def test_what_is_signed_arrives_with_its_signer_and_nothing_else_does(is_signing: bool) -> None:
    """The key, of everything that comes of it; not the signature, which would be as long as the rows."""
    provenances = [emit.data.provenance for emit in admitted(sent(is_signing))]  # type: ignore[attr-defined]  # all have one

    assert len(provenances) == 3 + 1 + 1 + 4
    assert {one.signer for one in provenances} == ({PLANT.public_key_hex} if is_signing else {None})
    assert {one.signature for one in provenances} == {None}


def header(name: str, value: bytes | None) -> Callable[[Record], Record]:
    """Change a header of a record."""

    def changed(record: Record) -> Record:
        headers = [(key, text) for key, text in record.headers if key != name]
        return _with(record, headers=[*headers, *([] if value is None else [(name, value)])])

    return changed


def _with(record: Record, **changes: Any) -> Record:
    fields = {name: getattr(record, name) for name in Record.__slots__}
    return Record(**fields | changes)


def resigned(record: Record) -> Record:
    """Sign somebody's event with another key, and say that it is theirs."""
    named = {name: (value or b"").decode() for name, value in record.headers}
    subject = (record.key or b"").decode()
    text = signed_bytes(named["ce_type"], subject, named["ce_source"], named["ce_id"], record.value or b"")
    return header("signature", EVE.sign(text).encode())(record)


FORGERIES: dict[str, Callable[[Record], Record]] = {
    "another's signature": resigned,
    "a key id that is not the key's": header("key-id", EVE.key_id.encode()),
    "another key": header("public-key", EVE.public_key_hex.encode()),
    "no key at all": header("public-key", b"not hex"),
    "no signature": header("signature", None),
    "another source": header("ce_source", b"/other"),
    "another id": header("ce_id", b"other"),
    "another model": lambda record: _with(record, key=b"t/other", headers=header("ce_subject", None)(record).headers),
    "other bytes": lambda record: _with(
        record, value=(record.value or b"").replace(b"slow", b"fast").replace(b"v1", b"v2")
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("place", [1, 4])
def test_threat_a_signature_that_is_not_the_sender_s(forgery: str, place: int) -> None:
    """Refused with the reason; nothing of it is passed on, and the door remembers nothing."""
    records = sent()

    with pytest.raises(Reject) as refusal:
        admitted([records[0], FORGERIES[forgery](records[place])])

    assert refusal.value.reason == "signature_invalid"


def test_threat_a_signed_family_is_named_in_another_s_name() -> None:
    """A signature without its key is carried, and proves nothing."""
    (record,) = [one for one in sent() if dict(one.headers)["ce_type"] == IncidentRecorded.TYPE.encode()]

    emits = admitted([header("public-key", None)(record)])

    assert {emit.data.provenance.signer for emit in emits} == {None}  # type: ignore[attr-defined]  # all have one


def test_threat_provenance_is_brought_along() -> None:
    """Only the door says who has signed."""
    forged = {
        "task": "t",
        "n_classes": 0,
        "provenance": {"scope": "t", "source": "/line", "id": "1", "signer": "a" * 64},
    }
    log = MemoryLog()
    log.publish(TRACES, "t/f", TaskRecorded.model_validate(forged), id_="1", source="/eve")

    with pytest.raises(Reject, match="provenance is set by intake"):
        admitted(list(log.all(TRACES)))
