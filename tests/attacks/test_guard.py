"""Threats to whoever obeys: forged, copied and broken records on the policy logs, by one who may write there."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.attacks.policy_records import RELEASE, said
from tests.support.hand_shop import NOTARY, NOW, SOURCE, Shop, brake, command, key_of, reasons, record
from tests.unit.client.test_guarding import changed, drain, ids, policies_of, say
from tests.unit.client.test_policies import NOTARY as CLIENTS_NOTARY

from homeostat.client.brake import release_braked, write_brake
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Output, Record
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import Identity, Payload
from homeostat.core.identity import identity
from homeostat.events import (
    ActionFailed,
    BrakeConfirmed,
    BrakeReleased,
    BrakeSet,
    FreezeSet,
    RolloutAbort,
    RolloutRevert,
)
from homeostat.events.logs import GOVERNANCE, INDICATORS, POLICIES, POLICY_ROLLOUT, QUARANTINE, REQUESTS
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.refusals import FREE
from homeostat_tools.cli.requeue import original

STRANGERS = [None, key_of(2)]


@pytest.mark.parametrize("key", STRANGERS)
def test_a_forged_brake_brakes_nothing_and_is_not_confirmed(key: Any) -> None:
    """Whoever can write a policy log could stop every tenant; the hand goes on, and says in quarantine who tried."""
    shop = Shop()
    forged = record(BrakeSet(scope="*", freeze="f#1"), 1, key=key)

    reports = shop.run(forged, record(command(), 2))

    assert shop.hand.acted == [f"{SOURCE}#2.0"]
    assert not [event for event in reports if isinstance(event.data, BrakeConfirmed)]
    assert shop.runner.braked_scopes() == []
    (kept,) = shop.quarantined
    assert (kept.reason, kept.log, kept.partition, kept.offset) == ("unsigned", POLICY_ROLLOUT, 0, 1)


@pytest.mark.parametrize("key", STRANGERS)
def test_a_forged_release_opens_no_freeze(key: Any) -> None:
    """Not by any sequence, nor on any partition: a real freeze holds until the governor lifts it."""
    shop = Shop()
    shop.run(brake())

    for offset, place in ((1, 0), (9_999_999_999, 0), (2, 5)):
        shop.run(record(RELEASE, offset, key=key, place=place))

    assert reasons(shop.run(record(command(), 3))) == ["braked"]
    assert shop.hand.acted == []
    assert len(shop.quarantined) == 3


@pytest.mark.parametrize(
    "id_", ["².0", "1.²", "٣.0", "-1.0", "1", ".", "1.0.0", f"{'9' * 5000}.0", "1." + "9" * 5000, " 1.0"]
)
@pytest.mark.parametrize("key", [NOTARY, None])
@pytest.mark.parametrize("data", [BrakeSet(scope="acme", freeze="f#1"), RELEASE, command(), command(RolloutAbort)])
def test_no_id_crashes_a_hand_or_orders_anything(id_: str, key: Any, data: Payload) -> None:
    """A brake named `².0` crash-looped all hands; what the governor cannot have said is kept, and the log goes on."""
    shop = Shop()

    assert shop.run(said(data, id_, key=key)) == []

    assert [kept.reason for kept in shop.quarantined] == ["unsigned" if key is None else "id_invalid"]
    assert len(shop.run(record(command(), 1))) == 1


BROKEN: dict[str, Any] = {
    "no headers": {"headers": []},
    "null headers": {"headers": [("ce_id", None), ("ce_source", None), ("ce_type", None), ("signature", None)]},
    "no UTF-8": {"headers": [("ce_source", b"\xff"), ("ce_id", b"1.0"), ("ce_type", BrakeSet.TYPE.encode())]},
    "null value": {"value": None},
    "deep": {"value": b"[" * 100_000},
    "other type": {"value": b"[]"},
    "null key": {"key": None},
    "key no UTF-8": {"key": b"\xc3\x28"},
}


@pytest.mark.parametrize("how", BROKEN)
def test_nothing_on_a_policy_log_stops_a_hand_or_a_client(how: str) -> None:
    """Whatever the bytes are: kept verbatim in quarantine, the next command is carried out, and handed out."""
    good = record(BrakeSet(scope="acme", freeze="f#1"), 0)
    broken = Record(good.topic, "t", 0, 0, NOW, good.key, good.value, good.headers)
    for name, value in BROKEN[how].items():
        setattr(broken, name, value)
    shop, log = Shop(), MemoryLog(partitions=1)

    reports = shop.run(broken, record(command(), 1))

    assert len(shop.hand.acted) == len(reports) == 1
    (kept,) = shop.quarantined
    back = original(kept, lambda _: 1)
    assert (back.key, back.value, back.headers[:-1]) == (broken.key, broken.value, broken.headers)
    log.append(Output(POLICY_ROLLOUT, 0, broken.key or b"", broken.value, broken.headers))
    say(log, 1, changed())
    assert ids(policies_of(log)) == ["1.0"]


@pytest.mark.parametrize("how", BROKEN)
def test_nothing_on_the_log_of_indicators_stops_a_hand(how: str) -> None:
    """A hand that observes facts passes over what is none; a command is no fact, and is never obeyed there."""
    moved = record(command(), 0, topic=INDICATORS)
    broken = Record(INDICATORS, "t", 0, 0, NOW, moved.key, moved.value, moved.headers)
    for name, value in BROKEN[how].items():
        setattr(broken, name, value)
    shop = Shop()

    assert shop.run(broken, moved) == []

    assert shop.hand.acted == []
    assert shop.quarantined == []


@given(
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=60),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_source", "ce_type", "ce_sequence", "signature", "key-id", "content-type"]),
            st.none()
            | st.binary(max_size=20)
            | st.sampled_from([BrakeSet.TYPE.encode(), NOTARY.key_id.encode(), b"1.0", b"application/msgpack"]),
        ),
        max_size=8,
    ),
)
def test_no_bytes_at_all_stop_a_hand(key: bytes | None, value: bytes | None, headers: Any) -> None:
    """Each is kept, none is obeyed or answered."""
    shop = Shop()

    assert shop.run(Record(POLICY_ROLLOUT, "t", 0, 0, NOW, key, value, headers)) == []

    assert len(shop.quarantined) == 1
    assert shop.runner.braked_scopes() == []


@pytest.mark.parametrize("class_", [RolloutAbort, RolloutRevert])
@pytest.mark.parametrize("key", STRANGERS)
def test_a_forged_command_cannot_abort_the_action_that_it_names(class_: type[Any], key: Any) -> None:
    """The hand's answer named the real action, which the governor then ended: there is none any more."""
    shop = Shop()
    shop.hand.is_reachable = False
    shop.run(record(command(), 1))

    assert shop.run(record(command(class_), 2, key=key)) == []
    assert shop.run(record(command(), 1, key=key)) == []
    shop.hand.is_reachable = True

    assert [type(event.data) for event in shop.reports()] != [ActionFailed]
    assert shop.hand.acted == [f"{SOURCE}#1.0"]


def test_a_flood_of_forgeries_is_counted_and_sampled() -> None:
    """The quarantine does not grow with it as the doors' does not; the count that pages does."""
    shop = Shop()
    value, headers = (forged := record(command(), 0, key=None)).value, forged.headers
    for offset in range(FREE + 4000):
        shop.runner.take(Record(POLICY_ROLLOUT, "t", 0, offset, NOW, forged.key, value, headers), NOW)

    shop.reports()

    assert shop.runner.quarantined["unsigned"] == FREE + 4000
    assert FREE <= len(shop.quarantined) <= FREE + 4000 // 50
    assert sum(1 + (kept.n_left_out or 0) for kept in shop.quarantined) > FREE + 3800


def test_reading_a_forgery_again_after_a_crash_says_the_same_again() -> None:
    """Under one identity, so that the quarantine shows it once; in history, where it was kept, nothing."""
    forged = record(command(), 7, key=None)

    once, twice = ([*shop.runner.poll(lambda _: 1)] for shop in (taken(forged), taken(forged)))
    (output,) = once

    assert output.topic == QUARANTINE
    assert once == twice
    assert [*taken(forged, is_history=True).runner.poll(lambda _: 1)] == []


def taken(record_: Record, *, is_history: bool = False) -> Shop:
    shop = Shop()
    shop.runner.take(record_, NOW, is_history=is_history)
    return shop


@pytest.mark.parametrize("key", [None, key_of(2)])
def test_a_forged_brake_marks_no_policy_and_a_forged_release_unmarks_none(key: Any) -> None:
    """The client believes whom the hands believe."""
    log = MemoryLog(partitions=1)
    say(log, 1, BrakeSet(scope="team", freeze="/f#1"), key=key)
    say(log, 2, changed())
    policies = policies_of(log)
    assert [policy.is_braked for policy in drain(policies)] == [False]

    say(log, 3, BrakeSet(scope="team", freeze="/f#2"))
    say(log, 4, BrakeReleased(scope="team", freeze="/f#2"), key=key)
    say(log, 5, changed())

    assert [policy.is_braked for policy in drain(policies)] == [True]
    assert policies.n_dropped == {"unsigned": 2}


@pytest.mark.parametrize("key", STRANGERS)
def test_a_forged_command_is_not_handed_out(key: Any) -> None:
    """Nor logged as anything but forged; the genuine one with the same id is."""
    log = MemoryLog(partitions=1)
    say(log, 1, changed(champion="evil"), key=key)
    say(log, 1, changed())

    assert [policy.data.champion for policy in drain(policies_of(log))] == ["v1"]  # type: ignore[attr-defined]  # rollouts


BRAKED = {
    "the governor's": (CLIENTS_NOTARY, False, True),
    "unsigned": (None, False, False),
    "a stranger's": (key_of(2), False, False),
    "lifted since": (CLIENTS_NOTARY, True, False),
}


@pytest.mark.parametrize("whose", BRAKED)
def test_only_the_governors_brake_ends_that_of_this_machine(tmp_path: Path, whose: str) -> None:
    """A forged `brake.set` would take the brake file away while nobody is frozen: the file goes on braking."""
    key, is_lifted, releases = BRAKED[whose]
    log, path = MemoryLog(partitions=2), tmp_path / "brake.json"
    request = Output(REQUESTS, 0, b"team", b"{}", [("ce_source", b"/op"), ("ce_id", b"1")])
    write_brake(path, "team", request)
    value, content_type = encode_payload(FreezeSet(scope="team"))
    headers = encode_headers(
        id_="4.0",
        source="/homeostat/intake.requests/x",
        type_=FreezeSet.TYPE,
        time=0,
        subject="team",
        content_type=content_type,
        story=Identity("/op#1"),
        cause=identity("/op", "1"),
    )
    log.append(Output(GOVERNANCE, 0, b"team", value, headers))
    everywhere(log, BrakeSet(scope="team", freeze="/homeostat/intake.requests/x#4.0"), "1.0", key)
    if is_lifted:
        everywhere(log, BrakeReleased(scope="team", freeze="/x#5.0"), "2.0", key)

    released = release_braked(path, MemoryLogs(log), {CLIENTS_NOTARY.key_id: CLIENTS_NOTARY.public_key_hex})

    assert released == ["team"] * releases
    assert path.exists() is not releases


def everywhere(log: MemoryLog, data: Payload, id_: str, key: Any) -> None:
    """Say something to every partition of every policy log."""
    for topic in POLICIES:
        for place in range(log.n_partitions(topic)):
            made = said(data, id_, key=key)
            log.append(Output(topic, place, made.key or b"", made.value, made.headers))
