"""`homeostat freeze` with hands, without them, and without a broker."""

import json

import pytest
from tests.unit.cli.system import System
from tests.unit.cli.unreachable import away

from homeostat.audit import keys
from homeostat.audit.keys import Key
from homeostat.audit.roles import SERVICE_ROLES
from homeostat.client.brake import publish_pending, release_brake
from homeostat.codec import Output, encode_payload
from homeostat.codec.encode import encode_headers
from homeostat.core import Event, Identity
from homeostat.events import BrakeConfirmed, BrakeSet
from homeostat.events.logs import HAND_OF, POLICIES, REQUESTS, VERDICTS
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory_loop import MemoryHands
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with
from homeostat.testing.enrolled import Enrolled, registration
from homeostat_tools.local_stack.brake_publisher import PendingBrakes


class Braking:
    """A hand that does nothing but hold."""

    def __init__(self, name: str, log: str) -> None:
        self.name, self.logs = name, (log,)

    def start(self, command: Event) -> None:
        """Nothing is for it."""


def with_hands(system: System, key: Key | None = None, *, is_signed: bool = True) -> None:
    """Let a hand read each policy log; it signs with its own key, or another, or not at all."""
    people = Enrolled(system.log, keys.load(system.folder / "keys", "operator"))
    for name, role in SERVICE_ROLES.items():
        people.request(registration(people.hands[name], role), "*")
    public = {system.notary.key_id: system.notary.public_key_hex}
    for log, name in HAND_OF.items():
        own = (key or people.hands[name]) if is_signed else None
        hand = Braking(name, log)
        system.logs.loop.hands.append(MemoryHands(system.log, hand, HandRunner(hand, public_keys=public, key=own)))
    system.logs.flush()


def test_freeze_waits_for_every_policy_partition(governed: System) -> None:
    """Pending until hands have confirmed for each partition of each policy log, and the governor has believed them."""
    governed("freeze", "team", "--wait", "--timeout", "0", code=5)
    with_hands(governed)

    governed("freeze", "team", "--wait")

    assert "confirmed by 8 policy partitions" in governed.stdout


@pytest.mark.parametrize("how", ["unsigned", "a stranger's", "the operator's"])
def test_what_no_hand_has_signed_confirms_nothing(governed: System, how: str) -> None:
    """The role of a hand is a key's, not a name's."""
    folder = governed.folder / "keys"
    key = keys.create(folder, "stranger") if how == "a stranger's" else keys.load(folder, "operator")
    with_hands(governed, key, is_signed=how != "unsigned")

    governed("freeze", "team", "--wait", "--timeout", "0.5", code=5)

    assert brakes_said(governed) == 8


def brakes_said(system: System) -> int:
    """Brakes that the governor has set."""
    records = [record for topic in POLICIES for record in system.log.all(topic)]
    return sum(dict(record.headers)["ce_type"] == BrakeSet.TYPE.encode() for record in records)


def confirm_everything(governed: System, key: Key | None = None) -> None:
    """Let the governor accept what hands confirm of each brake, as it comes: with the next flush."""
    settle, log, sign = governed.logs.loop.settle, governed.log, sign_with(key or governed.notary)

    def settle_and_confirm() -> None:
        settle()
        for topic in POLICIES:
            for partition in range(log.n_partitions(topic)):
                for record in log.records(topic, partition):
                    headers = dict(record.headers)
                    if headers["ce_type"] == BrakeSet.TYPE.encode():
                        freeze = json.loads(record.value or b"")["freeze"]
                        confirmed = BrakeConfirmed(
                            hand="h", log=topic, partition=partition, freeze=freeze, scope="team"
                        )
                        log.append(sign(accepted(confirmed, f"{freeze}-{topic}-{partition}")))
        settle()

    governed.logs.loop.settle = settle_and_confirm  # type: ignore[method-assign]  # hands and governor, in three lines


def accepted(confirmed: BrakeConfirmed, id_: str) -> Output:
    """A confirmation as the governor says it on."""
    value, content_type = encode_payload(confirmed)
    headers = encode_headers(
        id_=id_,
        source="/homeostat/governor/homeostat.governance/id/0",
        type_=confirmed.TYPE,
        time=0,
        subject="team",
        content_type=content_type,
        story=Identity("/s#1"),
        cause=Identity("/homeostat/intake.reports/homeostat.reports/id/0#1.0"),
    )
    return Output(VERDICTS, 0, b"team", value, headers)


@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_a_confirmation_that_is_not_the_governors_counts_for_nothing(governed: System, who: str) -> None:
    """Whoever signs it: what lies on the log of verdicts is the notary's, or nobody has accepted it."""
    folder = governed.folder / "keys"
    confirm_everything(governed, keys.create(folder, who) if who == "stranger" else keys.load(folder, who))

    governed("freeze", "team", "--wait", "--timeout", "0.5", code=5)


def test_a_freeze_that_cannot_be_checked_is_sent_and_says_so(governed: System) -> None:
    """Without the notary's public key on this machine nobody is told that it holds, and the governor has it."""
    (governed.folder / "keys" / "notary.pub").unlink()

    governed("freeze", "team", code=5)

    assert "the freeze of team was sent" in governed.stderr
    assert "HOMEOSTAT_NOTARY_KEYS" in governed.stderr
    assert governed.json("why", "team/m")[0]["because"] == "its scope is frozen"


def test_freeze_without_a_broker_brakes_this_machine(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file names the scope, and holds the signed request, which the governor takes later."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team")
    path = governed.folder / "brake.json"
    assert json.loads(path.read_text())["scopes"] == ["team"]
    assert not list(governed.log.all(REQUESTS))[1:]

    assert publish_pending(path, governed.logs) == 1

    (answer,) = governed.json("why", "team/m")
    assert answer["because"] == "its scope is frozen"
    assert release_brake(path, "team")
    assert not path.exists()


def test_a_stack_brings_a_freeze_to_the_governor(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is published once; the file brakes until the governor's brake lies in every policy partition."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team")
    brakes = PendingBrakes(HostSettings(data_dir=governed.folder), governed.logs)
    path, n_requests = governed.folder / "brake.json", len(list(governed.log.all(REQUESTS)))
    governed.logs.is_running = False

    assert brakes.look() == brakes.look() == []
    assert path.exists()
    governed.logs.is_running = True
    governed.logs.flush()

    assert brakes.look() == ["team"]
    assert not path.exists()
    assert len(list(governed.log.all(REQUESTS))) == n_requests + 1
    assert brakes.look() == []


def test_a_refused_freeze_goes_on_braking_this_machine(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows its key: the file stays until somebody unfreezes."""
    keys.create(governed.folder / "keys", "stranger")
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team", "--key", "stranger")

    assert PendingBrakes(HostSettings(data_dir=governed.folder), governed.logs).look() == []

    assert json.loads((governed.folder / "brake.json").read_text())["scopes"] == ["team"]


def test_the_next_freeze_publishes_what_waited(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the broker back, freezing again brings both requests, and the file goes."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "other")
        governed("freeze", "team")

    governed("freeze", "team")

    frozen = [event["data"]["scope"] for event in governed.json("tail", "governance", "-t", "freeze.set")]
    assert sorted(frozen) == ["other", "team", "team"]
    assert json.loads((governed.folder / "brake.json").read_text())["scopes"] == ["other"]
