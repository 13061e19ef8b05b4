"""What a client hands out: nothing that a hand would not obey, but what is braked, marked so."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.unit.client.test_policies import GOVERNOR, NEVER, NOTARY, rollout

from homeostat.audit import keys
from homeostat.audit.keys import Key, KeyUnusable
from homeostat.client import Client, Policies, Policy
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Output, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.commands import NotaryKeyMissing
from homeostat.core import Identity, Payload
from homeostat.core.identity import emit_id, sequence
from homeostat.events import Band, BrakeReleased, BrakeSet, Command, RolloutAbort, RolloutRevert, ThresholdSet
from homeostat.events.logs import POLICY_ROLLOUT, POLICY_THRESHOLD
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with


def say(
    log: MemoryLog,
    offset: int,
    data: Payload,
    *,
    key: Key | None = NOTARY,
    source: str = GOVERNOR,
    topic: str = POLICY_ROLLOUT,
    numbered: bytes | None = None,
) -> None:
    """Write a record as the governor's host does, or somebody else."""
    value, content_type = encode_payload(data)
    subject = str(getattr(data, "model", None) or getattr(data, "scope", "*"))
    headers = encode_headers(
        id_=emit_id(offset),
        source=source,
        type_=data.TYPE,
        time=log.now,
        subject=subject,
        content_type=content_type,
        story=Identity("/s#1"),
    )
    headers.append(("ce_sequence", sequence(offset).encode() if numbered is None else numbered))
    output = Output(topic, partition_of(subject.encode(), log.n_partitions(topic)), subject.encode(), value, headers)
    log.append(output if key is None else sign_with(key)(output))


def policies_of(log: MemoryLog, *kinds: str, clock: int = 1_000, **wanted: Any) -> Policies:
    return Policies(
        MemoryLogs(log),
        kinds or ("rollout",),
        since=wanted.pop("since", "beginning"),
        notary=NOTARY.public_key_hex,
        settings=wanted.pop("settings", None),
        clock=lambda: clock,
        **wanted,
    )


def drain(policies: Policies) -> list[Policy[Command]]:
    found = []
    while (policy := policies.poll(0)) is not None:
        found.append(policy)
    return found


def ids(policies: Policies) -> list[str]:
    return [policy.event.id for policy in drain(policies)]


def changed(**changes: Any) -> Any:
    return rollout("team/m").model_copy(update=changes)


def way_back(class_: type[Any], **changes: Any) -> Any:
    return class_.model_validate(rollout("team/m").model_dump() | changes)


def test_what_has_expired_is_not_handed_out() -> None:
    """At its last millisecond it still is; the way back does not expire."""
    log = MemoryLog()
    say(log, 1, changed(expires_at=999))
    say(log, 2, changed(expires_at=1000))
    say(log, 3, way_back(RolloutAbort, expires_at=1))
    say(log, 4, way_back(RolloutRevert, expires_at=1))

    policies = policies_of(log)

    assert ids(policies) == ["2.0", "3.0", "4.0"]
    assert policies.n_dropped == {"expired": 1}


def test_a_command_that_expires_while_it_waits_is_not_handed_out() -> None:
    """The guard is asked when it is handed out, not when it was read."""
    log, now = MemoryLog(), [0]
    for offset in (1, 2):
        say(log, offset, changed(expires_at=500))
    policies = Policies(MemoryLogs(log), since="beginning", notary=NOTARY.public_key_hex, clock=lambda: now[0])

    assert policies.poll(0) is not None
    now[0] = 501

    assert policies.poll(0) is None


@pytest.mark.parametrize("class_", [RolloutAbort, RolloutRevert])
def test_an_emergency_and_the_way_back_are_not_marked_in_a_freeze(class_: type[Any]) -> None:
    """Neither before the brake was read nor behind it; what else is there is marked."""
    log = MemoryLog(partitions=1)
    say(log, 1, BrakeSet(scope="team", freeze="/f#1"))
    say(log, 2, changed(is_emergency=True))
    say(log, 3, way_back(class_))
    say(log, 4, changed())

    assert [policy.is_braked for policy in drain(policies_of(log))] == [False, False, True]


def test_a_brake_that_is_known_when_a_command_is_handed_out_counts() -> None:
    """Though the command lay before it: a hand that has read the brake does not begin it either."""
    log = MemoryLog(partitions=1)
    say(log, 1, changed())
    say(log, 2, BrakeSet(scope="team", freeze="/f#1"))

    assert [policy.is_braked for policy in drain(policies_of(log))] == [True]


def test_an_emergency_expires_as_others_do() -> None:
    """Two people have not said for how long."""
    log = MemoryLog()
    say(log, 1, changed(is_emergency=True, expires_at=1))

    assert ids(policies_of(log)) == []


def test_the_brake_file_of_this_machine_is_a_brake(tmp_path: Path) -> None:
    """Pulled without a broker, it marks what is handed out here; one that cannot be read brakes everything."""
    log = MemoryLog()
    say(log, 1, changed())
    settings = HostSettings(data_dir=tmp_path)

    (before,) = drain(policies_of(log, settings=settings))
    settings.brake_file.write_text('{"scopes": ["team"]}')
    (braked,) = drain(policies_of(log, settings=settings))
    settings.brake_file.write_text("{")
    (unreadable,) = drain(policies_of(log, settings=settings))

    assert (before.is_braked, braked.is_braked, unreadable.is_braked) == (False, True, True)


def test_an_earlier_command_behind_a_later_one_is_stale() -> None:
    """Of its target only; a threshold has one target for each series."""
    log = MemoryLog(partitions=1)
    for offset in (5, 4, 6):
        say(log, offset, changed())
    say(log, 3, rollout("team/other"))
    for offset, signal in ((5, "a"), (4, "b"), (3, "a")):
        band = Band(signal=signal, rate=0.01, low=0.1, high=0.9, eta=0.1)
        moved = ThresholdSet(
            action="/a#1", verdict="/v#1", family="team/f", model="team/m", expires_at=NEVER, band=band
        )
        say(log, offset, moved, topic=POLICY_THRESHOLD)

    policies = policies_of(log, "rollout", "threshold")

    assert sorted(ids(policies)) == ["3.0", "4.0", "5.0", "5.0", "6.0"]
    assert policies.n_dropped == {"stale": 2}


def test_only_sequences_of_one_source_compare() -> None:
    """A governance log that was made again counts from 0 under another source."""
    log = MemoryLog(partitions=1)
    say(log, 900, changed())
    say(log, 1, changed(), source=GOVERNOR.replace("id", "new"))

    assert ids(policies_of(log)) == ["900.0", "1.0"]


def test_the_past_is_known_though_it_is_not_handed_out() -> None:
    """A copy of an old command behind the subscription is stale, or a repeat."""
    log = MemoryLog(partitions=1)
    for offset in (1, 2):
        say(log, offset, changed())
    policies = policies_of(log, since="now")

    for offset in (1, 2, 3):
        say(log, offset, changed())

    assert ids(policies) == ["3.0"]
    assert policies.n_dropped == {"stale": 1, "repeated": 1}


def test_each_that_is_dropped_is_logged_once() -> None:
    """With its place and its reason; repeats, which are nobody's fault, are counted alone."""
    log = MemoryLog(partitions=1)
    say(log, 1, changed(), key=None)
    say(log, 2, changed(expires_at=1))
    say(log, 3, changed())
    say(log, 3, changed())
    policies = policies_of(log)

    with capture_logs() as logged:
        assert ids(policies) == ["3.0"]
        assert ids(policies) == []

    assert [(line["event"], line["reason"], line["offset"]) for line in logged] == [
        ("policy_dropped", "unsigned", 0),
        ("policy_dropped", "expired", 1),
    ]
    assert policies.n_dropped == {"unsigned": 1, "expired": 1, "repeated": 1}


def test_a_release_is_heard_by_whoever_saw_the_brake() -> None:
    """And brakes again with the next one."""
    log = MemoryLog(partitions=1)
    policies, marks = policies_of(log), []
    for offset, data in enumerate(
        [
            BrakeSet(scope="team", freeze="/f#1"),
            changed(),
            BrakeReleased(scope="team", freeze="/f#1"),
            changed(),
            BrakeSet(scope="team", freeze="/f#2"),
            changed(),
        ]
    ):
        say(log, offset, data)
        marks += [policy.is_braked for policy in drain(policies)]

    assert marks == [True, False, True]


def test_without_the_notarys_key_nothing_is_followed_and_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not an empty iterator, which would look like nothing to do; so for a `Policies` of one's own."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    logs = MemoryLogs(MemoryLog())

    with pytest.raises(NotaryKeyMissing, match=r"notary=.*HOMEOSTAT_NOTARY_KEYS.*homeostat up"):
        Client(logs=logs).policies()
    with pytest.raises(NotaryKeyMissing):
        Policies(logs, ("rollout",), None, "beginning")


def test_the_notarys_key_comes_from_wherever_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hex, several, a folder, a file, the environment, the data folder: in this order."""
    log, logs = MemoryLog(), None
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    notary = keys.create(tmp_path / "keys", "notary")
    say(log, 1, changed(), key=notary)
    logs = MemoryLogs(log)
    old, folder, public = "00" * 32, tmp_path / "keys", notary.public_key_hex

    for given in (None, public, public.upper(), [old, public], f"{old}, {public}", folder, str(folder)):
        assert len(drain(Client(logs=logs, notary=given).policies(since="beginning"))) == 1, given
    assert len(drain(Client(logs=logs, notary=folder / "notary.pub").policies(since="beginning"))) == 1
    assert drain(Client(logs=logs, notary=old).policies(since="beginning")) == []
    monkeypatch.setenv("HOMEOSTAT_NOTARY_KEYS", old)
    assert drain(Client(logs=logs).policies(since="beginning")) == []
    assert len(drain(Client(logs=logs, notary=public).policies(since="beginning"))) == 1


def test_a_key_that_is_none_is_named() -> None:
    """Not taken for a missing one."""
    with pytest.raises(KeyUnusable, match="64"):
        Client(logs=MemoryLogs(MemoryLog()), notary=["00", "11"]).policies()
