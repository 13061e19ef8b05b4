"""Policies come once each, typed, with the brake of their scope."""

import threading
from collections.abc import Mapping, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id
from homeostat.client import Client, Policy
from homeostat.client.logs import Place
from homeostat.client.memory import MemoryFollower, MemoryLogs
from homeostat.codec import Output, Record, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Identity, Payload
from homeostat.core.identity import emit_id, sequence
from homeostat.events import BrakeReleased, BrakeSet, Command, RolloutSet
from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.signer import sign_with

GOVERNOR = "/homeostat/governor/homeostat.governance/id/0"
NEVER = 9_000_000_000_000
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
_PUBLIC = _PRIVATE.public_key().public_bytes_raw()
NOTARY = Key("notary", key_id(_PUBLIC), _PUBLIC.hex(), _PRIVATE)


def client_of(logs: MemoryLogs) -> Client:
    """A client that knows the notary."""
    return Client(logs=logs, notary=NOTARY.public_key_hex)


def say(log: MemoryLog, offset: int, data: Payload, subject: str) -> None:
    """Write a record as the governor's host does."""
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=emit_id(offset),
        source=GOVERNOR,
        type_=data.TYPE,
        time=log.now,
        subject=subject,
        content_type=content_type,
        story=Identity("/s#1"),
        sequence=sequence(offset),
    )
    key = subject.encode()
    places = range(2) if isinstance(data, BrakeSet | BrakeReleased) else [partition_of(key, 2)]
    for place in places:
        log.append(sign_with(NOTARY)(Output(POLICY_ROLLOUT, place, key, value, headers)))


def rollout(model: str, weight: float = 0.1) -> RolloutSet:
    return RolloutSet(
        action="/a#1",
        verdict="/v#1",
        family="team/f",
        model=model,
        expires_at=NEVER,
        champion="v1",
        canary="v2",
        weight=weight,
        reference="v1",
    )


def drain(log: MemoryLog, **wanted: object) -> list[Policy[Command]]:
    policies = client_of(MemoryLogs(log)).policies("rollout", **wanted)  # type: ignore[arg-type]  # model, since
    found = []
    while (policy := policies.poll(0)) is not None:
        found.append(policy)
    return found


def test_a_repeat_is_dropped() -> None:
    """A host that was killed says the same again, also after newer ones; the reader sees each once."""
    log = MemoryLog()
    for offset in (1, 2, 1, 2, 3):
        say(log, offset, rollout("team/m", offset / 10), "team/m")

    found = drain(log, since="beginning")

    assert [policy.event.id for policy in found] == ["1.0", "2.0", "3.0"]
    assert (found[0].action, found[0].verdict, found[0].model) == ("/a#1", "/v#1", "team/m")


def test_now_leaves_the_past_out_but_not_its_brakes() -> None:
    """A late subscriber gets new commands only, and knows that the scope is frozen."""
    log = MemoryLog()
    say(log, 1, rollout("team/m"), "team/m")
    say(log, 2, BrakeSet(scope="team", freeze="/f#1"), "team")
    policies = client_of(MemoryLogs(log)).policies("rollout")
    assert policies.poll(0) is None

    say(log, 3, rollout("team/m"), "team/m")
    say(log, 4, BrakeReleased(scope="team", freeze="/f#1"), "team")
    say(log, 5, rollout("team/m"), "team/m")

    found = [policies.poll(0), policies.poll(0)]
    assert [(policy.event.id, policy.is_braked) for policy in found if policy] == [("3.0", True), ("5.0", False)]


def test_the_brake_of_a_model_holds_its_policies_alone() -> None:
    """Those of other models of its scope go on."""
    log = MemoryLog()
    say(log, 1, BrakeSet(scope="team/a", freeze="/f#1"), "team/a")
    say(log, 2, rollout("team/a"), "team/a")
    say(log, 3, rollout("team/b"), "team/b")

    assert {policy.model: policy.is_braked for policy in drain(log, since="beginning")} == {
        "team/a": True,
        "team/b": False,
    }


def test_only_the_wanted_model_comes() -> None:
    """Others are read and left."""
    log = MemoryLog()
    say(log, 1, rollout("team/a"), "team/a")
    say(log, 2, rollout("team/b"), "team/b")

    assert [policy.model for policy in drain(log, model="team/b", since="beginning")] == ["team/b"]


def test_a_kind_that_does_not_exist_is_named() -> None:
    """The error lists those there are."""
    with pytest.raises(ValueError, match="rollout, retrain"):
        client_of(MemoryLogs(MemoryLog())).policies("roll-out")


def test_the_callback_hears_every_policy_until_stopped() -> None:
    """One call each, in order, in another thread."""
    log, heard, done = MemoryLog(), [], threading.Event()

    def callback(policy: Policy[Command]) -> None:
        heard.append(policy.event.id)
        if len(heard) == 2:
            done.set()

    say(log, 1, rollout("team/m"), "team/m")
    say(log, 2, rollout("team/m"), "team/m")
    listener = client_of(MemoryLogs(log)).on_policy(callback, "rollout", since="beginning")

    assert done.wait(240)
    listener.stop()
    assert heard == ["1.0", "2.0"]
    assert not listener.is_running


def test_a_failing_callback_is_not_silent() -> None:
    """The listener ends, and `stop` raises what was raised."""
    log = MemoryLog()
    say(log, 1, rollout("team/m"), "team/m")

    def callback(policy: Policy[Command]) -> None:
        raise ZeroDivisionError

    listener = client_of(MemoryLogs(log)).on_policy(callback, "rollout", since="beginning")

    with pytest.raises(ZeroDivisionError):
        listener.stop()


def test_closing_ends_the_iteration() -> None:
    """From any thread."""
    policies = client_of(MemoryLogs(MemoryLog())).policies()
    policies.close()

    assert list(policies) == []


class Away(MemoryLogs):
    """Logs whose broker is away for the first looks."""

    def __init__(self, log: MemoryLog, n_looks: int) -> None:
        super().__init__(log)
        self.n_looks = n_looks

    def follow(self, start: Mapping[Place, int]) -> MemoryFollower:
        """Follow a broker that comes back."""
        logs = self

        class Follower(MemoryFollower):
            def poll(self, timeout_seconds: float) -> Sequence[Record]:
                if logs.n_looks:
                    logs.n_looks -= 1
                    raise BrokerUnreachable("broker:9092", "for 60 s: down")
                return super().poll(timeout_seconds)

        return Follower(self.log, start)


def test_an_iteration_says_that_the_broker_is_away_and_can_go_on() -> None:
    """It neither waits for ever nor loses what comes later."""
    log = MemoryLog()
    say(log, 1, rollout("team/m"), "team/m")
    policies = client_of(Away(log, 2)).policies("rollout", since="beginning")

    for _ in range(2):
        with pytest.raises(BrokerUnreachable):
            next(policies)

    assert next(policies).event.id == "1.0"


def test_a_listener_outlasts_a_broker_that_is_away() -> None:
    """A broker that restarts does not end it silently."""
    log, heard = MemoryLog(), threading.Event()
    say(log, 1, rollout("team/m"), "team/m")

    listener = client_of(Away(log, 3)).on_policy(lambda _: heard.set(), "rollout", since="beginning")

    assert heard.wait(240)
    listener.stop()


def test_stopping_waits_no_longer_than_it_is_told() -> None:
    """For a callback that does not return."""
    log, entered, leave = MemoryLog(), threading.Event(), threading.Event()
    say(log, 1, rollout("team/m"), "team/m")

    def callback(_: Policy[Command]) -> None:
        entered.set()
        leave.wait(240)

    listener = client_of(MemoryLogs(log)).on_policy(callback, "rollout", since="beginning")
    assert entered.wait(240)

    with pytest.raises(TimeoutError, match="still at work"):
        listener.stop(0.05)
    leave.set()
    listener.stop()
