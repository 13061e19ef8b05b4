"""What the governor has signed is copied: later, elsewhere, or under another id."""

import json
from base64 import b64decode

import pytest
from tests.attacks.policy_records import RELEASE, said
from tests.support.hand_shop import MODEL, NOW, SOURCE, Shop, brake, command, key_of, reasons, record
from tests.unit.client.test_guarding import changed, ids, policies_of, say

from homeostat.codec import Output
from homeostat.codec.encode import partition_of
from homeostat.events import (
    BrakeSet,
    RolloutAbort,
    RolloutRevert,
    VerdictGiven,
)
from homeostat.events.logs import POLICY_RETRAIN, POLICY_ROLLOUT
from homeostat.runtime.memory import MemoryLog

AGAIN = SOURCE.replace("/t/", "/t2/")


def test_a_forged_sequence_silences_no_source() -> None:
    """Neither fence counts what is not signed: not the hand's, by the id, nor the client's, by id or `ce_sequence`."""
    shop, log = Shop(), MemoryLog(partitions=1)
    say(log, 9_999_999_999_999_999, changed(), key=None)
    say(log, 7, changed(), key=None, numbered=b"9999999999999999.9999")
    say(log, 8, changed(), key=None, numbered=b"\xff\xfe")
    say(log, 1, changed())

    shop.run(said(command(), "9999999999999999.9999", key=None), record(command(), 1))

    assert shop.hand.acted == [f"{SOURCE}#1.0"]
    assert ids(policies_of(log)) == ["1.0"]


def test_a_copied_release_opens_no_later_freeze() -> None:
    """It is signed and genuine, and older than the freeze: its order is its id's, however late it lies there."""
    shop = Shop()
    old = record(RELEASE, 5)
    shop.run(brake(), old, brake(offset=9))

    for place in (0, 3):
        shop.run(said(RELEASE, "5.0", partition=place, offset=100, timestamp=NOW + 10_000))

    assert reasons(shop.run(record(command(), 10))) == ["braked"]


def test_a_copied_brake_stops_nothing_after_its_release() -> None:
    """And is not confirmed: nobody holds it."""
    shop = Shop()
    shop.run(brake(offset=1), record(RELEASE, 5))

    assert shop.run(brake(offset=1, place=0), brake(offset=1, place=3)) == []

    assert reasons(shop.run(record(command(), 10))) == []


@pytest.mark.parametrize("copied_to", [0, 3])
def test_a_release_of_an_earlier_governance_log_opens_no_freeze_of_this_one(copied_to: int) -> None:
    """A log that was made again counts from 0: across incarnations the first time something was said counts."""
    shop = Shop()
    shop.run(said(RELEASE, "900.0", timestamp=NOW))
    shop.run(said(BrakeSet(scope="acme", freeze="f#2"), "1.0", source=AGAIN, offset=1, timestamp=NOW + 1000))

    shop.run(said(RELEASE, "900.0", partition=copied_to, offset=50, timestamp=NOW + 2000))

    assert shop.runner.braked_scopes() == ["acme"]


def test_the_governor_of_a_new_governance_log_is_heard() -> None:
    """Its sequences are lower than the old one's; its brake and its release count, being said later."""
    shop = Shop()
    shop.run(brake(offset=900))

    shop.run(said(RELEASE, "1.0", source=AGAIN, offset=1, timestamp=NOW + 1000))
    assert shop.runner.braked_scopes() == []

    shop.run(said(BrakeSet(scope="acme", freeze="f#2"), "2.0", source=AGAIN, offset=2, timestamp=NOW + 2000))
    assert shop.runner.braked_scopes() == ["acme"]


def test_in_the_same_millisecond_the_place_decides_and_where_there_is_none_the_brake_holds() -> None:
    """The safe side, where nobody can tell which came first."""
    behind, apart = Shop(), Shop()

    behind.run(brake(offset=900), said(RELEASE, "1.0", source=AGAIN, offset=901))
    apart.run(said(RELEASE, "1.0", source=AGAIN, partition=1), brake(offset=900))

    assert behind.runner.braked_scopes() == []
    assert apart.runner.braked_scopes() == ["acme"]


def test_an_old_command_that_is_copied_behind_is_not_carried_out_again() -> None:
    """A genuine abort never expires: its copy would take back what was rolled out since."""
    shop, log = Shop(), MemoryLog(partitions=1)
    abort = record(command(RolloutAbort), 3)
    shop.run(abort, record(command(), 7))

    assert shop.run(abort) == []

    assert shop.hand.acted == [f"{SOURCE}#3.0", f"{SOURCE}#7.0"]
    say(log, 7, changed())
    say(log, 3, RolloutAbort.model_validate(changed().model_dump()))
    assert ids(policies_of(log)) == ["7.0"]


def test_what_the_notary_has_signed_for_another_log_is_no_command() -> None:
    """A verdict, copied to a policy log, is kept in quarantine."""
    shop = Shop()
    verdict = VerdictGiven.model_validate(
        {"action": "a#1", "verdict": "approved", "kind": "retrain", "family": "acme/f", "model": MODEL, "rules": []}
    )

    assert shop.run(said(verdict, "1.0")) == []

    assert [kept.reason for kept in shop.quarantined] == ["type_not_for_log"]


def test_a_command_copied_to_another_partition_of_its_log_is_a_repeat() -> None:
    """The fence is the target's, wherever the copy lies."""
    shop, log = Shop(), MemoryLog(partitions=2)
    shop.run(record(command(), 4))
    say(log, 4, changed())
    made = next(iter(log.all(POLICY_ROLLOUT)))
    log.append(Output(POLICY_ROLLOUT, 1 - partition_of(b"team/m", 2), made.key or b"", made.value, made.headers))

    assert shop.run(record(command(), 4, place=1)) == []
    assert len(ids(policies_of(log))) == 1
    assert len(shop.hand.acted) == 1


def test_a_refused_record_is_kept_verbatim() -> None:
    """With its signature, for whoever looks for the one who wrote it."""
    shop = Shop()
    forged = record(command(champion="evil"), 3, key=key_of(2), topic=POLICY_RETRAIN)

    shop.run(forged)

    (kept,) = shop.quarantined
    assert json.loads(b64decode(kept.value or ""))["champion"] == "evil"
    assert [name for name, _ in kept.headers][-2:] == ["signature", "key-id"]


@pytest.mark.parametrize("is_history", [False, True])
def test_a_command_is_obeyed_only_where_the_governor_puts_it(is_history: bool) -> None:
    """Threat: an old revert, which never expires, is copied to a partition whose reader has not seen the later ones."""
    right = partition_of(MODEL.encode(), 12)
    shop = Shop(n_partitions=12)
    copy = record(command(RolloutRevert), 1, place=(right + 1) % 12)
    if is_history:
        shop.runner.take(copy, NOW, is_history=True)
        assert shop.run(record(command(RolloutRevert), 1, place=right)) != []
        return

    assert shop.run(copy) == []

    assert [kept.reason for kept in shop.quarantined] == ["misplaced"]
    assert shop.hand.acted == []


def test_a_command_is_obeyed_only_on_the_log_of_its_kind() -> None:
    """Threat: what one hand was told is copied to another, which says of a true action that it failed."""
    shop = Shop()
    assert shop.run(said(command(), "1.0", topic=POLICY_RETRAIN)) == []

    assert [kept.reason for kept in shop.quarantined] == ["type_not_for_log"]
    assert shop.hand.acted == []
