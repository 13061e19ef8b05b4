"""Personal data does not outlive its refusal: what a contract or a form calls personal is kept as a digest."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from tests.attacks.doors import Doors
from tests.attacks.personal import MAIL, MODEL, ROW, SECRET, as_json, registered, samples

from homeostat.admission.salt import Salt
from homeostat.core import Payload
from homeostat.events import (
    ApprovalGiven,
    DeploymentObserved,
    FamilyRegistered,
    FreezeSet,
    IncidentRecorded,
    Labels,
    Samples,
    SignalObserved,
)
from homeostat.events.base import Arm
from homeostat.events.columns import F4, pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, REQUESTS, TIMELINE, TRACES

SPEAKING = [MAIL, "DE89370400440532013000", "+49 30 1234567", "4111 1111 1111 1111", "user=a%40b.com"]


@pytest.mark.parametrize("request_id", SPEAKING)
def test_a_request_id_with_personal_data_is_refused_and_not_kept(request_id: str) -> None:
    """Threat: ids of requests are kept in the join, the timeline and the quarantine; an address is no id."""
    doors = Doors()
    doors.send(MODEL, registered(), samples(["ok", request_id], price=5.0))

    (refusal,) = doors.refusals()

    assert (refusal.reason, "row 1" in refusal.detail) == ("personal_data", True)
    assert list(refusal.redacted or ()) == ["request[1]"]
    assert request_id.encode() not in doors.everything()


def test_a_redacting_contract_takes_a_digest_in_its_place() -> None:
    """Samples and labels of one request still meet, under the same digest; the provenance says what was done."""
    doors = Doors(Salt(b"secret"))
    doors.send(MODEL, registered(on_personal="redact"), samples([MAIL], price=5.0, email_hash=SECRET))
    doors.send(MODEL, Labels(request=[MAIL], label=pack([1.0]), time=pack([200.0])))

    (served,) = doors.events(TIMELINE, of=Samples)
    (labelled,) = doors.events(TIMELINE, of=Labels)

    assert served.data.request == labelled.data.request
    assert served.data.request[0].startswith("personal-")
    assert served.data.provenance.redacted == (
        "features.email_hash: personal_features",
        "request: an e-mail address",
    )
    assert not doors.refusals()
    assert MAIL.encode() not in doors.everything()


def test_a_part_of_labels_that_is_unmatched_is_kept_without_addresses() -> None:
    """Threat: the door itself writes what it could not join into the quarantine, with the ids of the requests."""
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"), samples(["r0"], price=5.0))
    doors.send(MODEL, Labels(request=["r0", MAIL], label=pack([1.0, 1.0]), time=pack([200.0] * 2)))

    (refusal,) = doors.refusals()

    assert refusal.reason == "label_unmatched"
    assert MAIL.encode() not in doors.everything()


def test_what_is_redacted_loses_its_signature() -> None:
    """Threat: the provenance carries all bytes that were signed, and so the column that was dropped."""
    doors, signed = Doors(), [("signature", b"c2ln"), ("key-id", b"k1")]
    doors.send(MODEL, registered(on_personal="redact"))
    doors.log.publish(
        "homeostat.telemetry", MODEL, samples(price=5.0, email_hash=SECRET), id_="s", source="/c", headers=signed
    )
    doors.loop.settle()

    (event,) = doors.events(TIMELINE, of=Samples)

    assert (event.data.provenance.signature, event.data.provenance.signed) == (None, None)
    assert b64encode(pack([SECRET], F4))[:-4] not in doors.everything()
    assert pack([SECRET], F4) not in doors.everything()


TEXTS: list[tuple[str, str, Payload, str]] = [
    ("homeostat.telemetry", MODEL, registered(owner=f"ask {MAIL}"), TIMELINE),
    ("homeostat.telemetry", MODEL, DeploymentObserved(version="v2", reason="call +49 30 1234567"), GOVERNANCE),
    (
        "homeostat.telemetry",
        MODEL,
        SignalObserved(layer="edge", name="t", value=1, attributes={"who": "4111 1111 1111 1111"}),
        TIMELINE,
    ),
    (TRACES, "shop/f", IncidentRecorded(incident="i1", symptoms=(f"{MAIL} called",), cause="x"), EXPERIENCE),
]


@pytest.mark.parametrize(("door", "subject", "data", "log"), TEXTS)
def test_texts_are_redacted_and_say_so(door: str, subject: str, data: Payload, log: str) -> None:
    """Threat: owners, reasons, symptoms and attributes carry names and numbers of people into logs without end."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send(subject, data, log=door)

    admitted = [event for event in doors.events(log, of=type(data)) if event.data.provenance.redacted]

    assert len(admitted) == 1
    for piece in (MAIL, "+49 30 1234567", "4111 1111 1111 1111"):
        assert piece.encode() not in doors.everything()


@pytest.mark.parametrize(
    "send",
    [
        lambda doors: doors.send("shop/DE89370400440532013000", registered()),
        lambda doors: doors.send("shop/4111111111111111", registered()),
        lambda doors: doors.send(MODEL, registered(champion="DE89370400440532013000")),
        lambda doors: doors.send(MODEL, registered(), source=f"mailto:{MAIL}"),
        lambda doors: doors.send(MODEL, registered(), id_=MAIL),
        lambda doors: doors.send(
            "shop/DE89370400440532013000", FamilyRegistered(arms=(Arm(name="a"),), baseline="a"), log=TRACES
        ),
        lambda doors: doors.send_raw(MAIL.encode(), *as_json(ROW)),
    ],
)
def test_what_becomes_a_key_is_refused(send: Callable[[Doors], None]) -> None:
    """Threat: a name of a model, a version, a source or an event is a key, and keys are kept for ever."""
    doors = Doors()
    send(doors)

    (refusal,) = doors.refusals()

    assert refusal.reason in ("personal_data", "subject_invalid", "model_unregistered")
    for piece in (MAIL, "DE89370400440532013000", "4111111111111111"):
        assert piece.encode() not in doors.everything()


def test_a_freeze_is_never_refused_for_its_words() -> None:
    """Threat to the law: a person in a hurry writes a phone number into a freeze. It goes through; an approval that
    does so comes back at once, as what is signed cannot be redacted.
    """
    doors = Doors()
    doors.send("shop", FreezeSet(scope="shop", reason="call +49 30 1234567"), log=REQUESTS)
    doors.send("shop", ApprovalGiven(action="a", reason=MAIL), log=REQUESTS)

    assert len(doors.events(GOVERNANCE, of=FreezeSet)) == 1
    assert [refusal.reason for refusal in doors.refusals()] == ["personal_data"]


@pytest.mark.parametrize("salt", [Salt(), Salt(b"one")])
def test_digests_are_the_same_again_and_differ_by_salt_and_scope(salt: Salt) -> None:
    """What a host says again after a crash is byte-identical; another deployment, or tenant, has other digests."""
    first, again, other = Doors(salt), Doors(salt), Doors(Salt(b"two"))
    for doors in (first, again, other):
        doors.send(MODEL, registered(), samples(price=5.0, email_hash=SECRET))
        doors.send("pub/a", registered(), samples(price=5.0, email_hash=SECRET))

    digests = [[refusal.redacted for refusal in doors.refusals()] for doors in (first, again, other)]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
    assert digests[0][0] != digests[0][1]


def test_a_value_is_not_in_the_reason_of_its_refusal() -> None:
    """Threat: details quote what they refuse."""
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"))
    doors.send(MODEL, Labels(request=["x", MAIL], label=pack([1.0, 0.0]), time=pack([1.0, 1.0])))
    doors.send_raw(b"shop/b", *as_json(ROW | {"role": MAIL}))

    assert all(MAIL not in refusal.detail for refusal in doors.refusals())
    assert MAIL.encode() not in doors.everything()
