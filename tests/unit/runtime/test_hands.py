"""What is checked before a hand acts, and what it answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.hand_shop import (
    MODEL,
    NOTARY,
    NOW,
    OWN,
    SOURCE,
    Shop,
    Work,
    Worker,
    brake,
    command,
    key_of,
    reasons,
    record,
)

from homeostat.audit.keys import Key
from homeostat.audit.signing import signed_bytes, verify
from homeostat.codec import Record
from homeostat.core import CommandExecution, Event, Report, Retry
from homeostat.events import (
    ActionFailed,
    ActionProgressed,
    ActionReverted,
    BrakeConfirmed,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
)
from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.runtime.hands import HandRunner


def test_a_signed_command_is_carried_out_and_reported() -> None:
    """With the command as cause, in its story, under its model."""
    shop = Shop()

    (report,) = shop.run(record(command(), 7))

    assert shop.hand.acted == [f"{SOURCE}#7.0"]
    assert (report.id, report.source) == (f"{SOURCE}#7.0#progressed", "/homeostat/hand/worker")
    assert (report.cause, report.story, report.subject) == (f"{SOURCE}#7.0", "story", MODEL)
    assert (shop.runner.is_busy, shop.runner.n_done, shop.runner.n_refused) == (False, 1, 0)


@pytest.mark.parametrize("class_", [RolloutSet, RolloutPromote, RolloutAbort, RolloutRevert, RetrainStart])
@pytest.mark.parametrize("key", [None, key_of(2)])
def test_without_the_notarys_signature_nothing_is_done(class_: type[Any], key: Key | None) -> None:
    """No verdict, no effect, not even the way back; and no answer, which would be one to the action that it names."""
    shop = Shop()

    assert shop.run(record(command(class_), key=key)) == []

    assert shop.hand.acted == []
    assert [(refused.reason, refused.service) for refused in shop.quarantined] == [("unsigned", "worker")]
    assert (shop.runner.n_refused, shop.runner.quarantined) == (0, {"unsigned": 1, "unreadable": 0})


def test_a_command_changed_after_its_signature_is_refused() -> None:
    """Value, subject, id: all of them are signed."""
    good, shop = record(command(), 1), Shop()
    value, other = record(command(weight=0.0, champion="evil"), 1), record(command(), 2)
    swapped = Record(good.topic, "t", 0, 1, NOW, good.key, value.value, good.headers)
    signature = [header for header in good.headers if header[0] in ("signature", "key-id")]
    moved = [header for header in other.headers if header[0] not in ("signature", "key-id")] + signature

    assert shop.run(swapped) == []
    assert shop.run(Record(good.topic, "t", 0, 2, NOW, good.key, other.value, moved)) == []
    assert [refused.reason for refused in shop.quarantined] == ["unsigned", "unsigned"]
    assert shop.hand.acted == []


@pytest.mark.parametrize(
    ("class_", "reason"),
    [
        (RolloutSet, ["expired"]),
        (RolloutPromote, ["expired"]),
        (RetrainStart, ["expired"]),
        (RolloutAbort, []),
        (RolloutRevert, []),
    ],
)
def test_what_has_expired_is_not_begun_but_the_way_back_is_open(class_: type[Any], reason: list[str]) -> None:
    """At its last millisecond it still is."""
    late, last = Shop(), Shop()

    assert reasons(late.run(record(command(class_)), now=NOW + 1001)) == reason
    assert reasons(last.run(record(command(class_)), now=NOW + 1000)) == []
    assert len(late.hand.acted) == (not reason)


def test_reports_of_a_repeated_command_have_the_same_ids() -> None:
    """The door takes them once, from whichever process they come."""
    assert [e.id for e in Shop().run(record(command(), 9))] == [e.id for e in Shop().run(record(command(), 9))]
    late = [Shop().run(record(command(), 9), now=NOW + later)[0] for later in (9999, 99_999)]
    assert late[0].id == late[1].id == f"{SOURCE}#9.0#failed"
    assert (late[0].content, late[0].signature) == (late[1].content, late[1].signature)


def test_what_may_be_committed_ends_at_the_oldest_unfinished_command() -> None:
    """Per partition, waiting or under way."""
    shop = Shop(max_tasks=1)
    shop.hand.is_reachable = False
    shop.run(record(command(), 3), record(command(), 4), record(command(), 8, place=1))

    assert [shop.runner.oldest(POLICY_ROLLOUT, place) for place in (0, 1, 2)] == [3, 8, None]
    assert (shop.runner.n_running, shop.runner.is_waiting) == (1, False)
    assert shop.runner.waiting_places() == [(POLICY_ROLLOUT, 0), (POLICY_ROLLOUT, 1)]
    shop.hand.is_reachable = True
    shop.reports()
    assert shop.runner.oldest(POLICY_ROLLOUT, 0) == 4
    assert shop.runner.is_waiting


def test_a_partition_that_goes_to_another_member_is_dropped() -> None:
    """Its tasks are cancelled without a word, its brakes forgotten."""
    shop = Shop()
    shop.hand.is_reachable = False
    shop.run(record(command(), 1), record(command(), 2, place=1), brake("other", 3))

    shop.runner.drop(POLICY_ROLLOUT, 0)

    assert shop.hand.work[0].is_cancelled
    assert shop.runner.oldest(POLICY_ROLLOUT, 0) is None
    assert shop.runner.oldest(POLICY_ROLLOUT, 1) == 2
    assert shop.runner.braked_scopes() == []
    shop.runner.cancel()
    assert shop.hand.work[1].is_cancelled
    assert shop.runner.is_busy is False


def test_a_command_that_the_hand_does_not_take_is_done() -> None:
    """Without a report."""
    shop = Shop()
    shop.hand.takes = False

    assert shop.run(record(command())) == []
    assert shop.runner.is_busy is False


def test_what_cannot_be_read_is_quarantined_and_passed_over() -> None:
    """Only the governor writes there; the log goes on."""
    shop = Shop()
    good = record(command(), 1)

    assert shop.run(Record(good.topic, "t", 0, 0, NOW, good.key, b"{", good.headers), good) != []

    assert len(shop.hand.acted) == 1
    assert [refused.reason for refused in shop.quarantined] == ["payload_invalid"]
    assert shop.runner.quarantined == {"unsigned": 0, "unreadable": 1}


def test_a_failure_names_the_kind_of_its_command() -> None:
    """For the governor, who looks the action up."""
    shop = Shop()
    reports = shop.run(record(command(RetrainStart)), record(command(), 1), now=NOW + 9999)

    kinds = [event.data.kind for event in reports if isinstance(event.data, ActionFailed)]
    assert kinds == ["retrain", "rollout"]
    assert json.loads(reports[0].content)["action"] == "learner#1.0"
    assert not [event for event in reports if isinstance(event.data, ActionReverted)]


def test_every_report_is_signed_with_the_hands_own_key() -> None:
    """What was done, what was not, and that a brake holds: over type, subject, source, id and content."""
    shop = Shop()

    reports = shop.run(record(command(), 1)) + shop.run(brake(offset=2)) + shop.run(record(command(), 3))

    assert {event.type for event in reports} == {ActionProgressed.TYPE, BrakeConfirmed.TYPE, ActionFailed.TYPE}
    for event in reports:
        signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
        assert event.key_id == OWN.key_id
        assert verify(OWN.public_key_hex, event.signature or "", signed)


def test_a_repeat_of_a_command_is_neither_done_nor_answered_again() -> None:
    """A governor that was killed says again what it had said; in the same life of a hand once is enough."""
    shop = Shop()

    assert len(shop.run(record(command(), 1))) == 1
    assert shop.run(record(command(), 1)) == []

    assert len(shop.hand.acted) == 1
    assert shop.runner.refused["repeated"] == 1


def test_an_earlier_command_behind_a_later_one_of_its_target_is_stale() -> None:
    """Also one that was answered before this life of the hand; other targets, and other kinds, go their own way."""
    shop = Shop()
    shop.run(record(command(), 5), is_history=True)

    assert shop.run(record(command(RolloutAbort), 4)) == []
    assert shop.runner.refused["stale"] == 1
    assert len(shop.run(record(command(model="acme/other"), 3), record(command(RetrainStart), 2))) == 2


def test_a_partition_that_comes_back_is_begun_where_it_was_left() -> None:
    """Its unfinished command was forgotten with it, so reading it again is no repeat."""
    shop = Shop()
    shop.hand.is_reachable = False
    shop.run(record(command(), 1))
    shop.runner.drop(POLICY_ROLLOUT, 0)
    shop.hand.is_reachable = True

    assert len(shop.run(record(command(), 1))) == 1


def test_what_is_refused_is_not_done() -> None:
    """Each command is counted once, under its outcome."""
    shop = Shop()

    shop.run(record(command(), 1))
    shop.run(brake(offset=2), record(command(), 3))

    assert (shop.runner.n_done, shop.runner.refused) == (1, {"expired": 0, "braked": 1, "stale": 0, "repeated": 0})


class Hesitant(Worker):
    """A hand that cannot begin for a while."""

    n_refusals = 2

    def start(self, command: Event) -> CommandExecution | None:
        """Begin at the third time."""
        if self.n_refusals:
            self.n_refusals -= 1
            raise Retry("the target is away")
        return super().start(command)


def hesitant() -> HandRunner:
    """A runner of it."""
    return HandRunner(Hesitant(), public_keys={NOTARY.key_id: NOTARY.public_key_hex}, key=OWN)


def test_a_command_that_cannot_be_begun_is_tried_again_in_its_order() -> None:
    """What is behind it waits, nothing is committed beyond it, and each is done once."""
    runner = hesitant()
    hand = runner.hand
    assert isinstance(hand, Hesitant)
    for offset in (7, 8):
        runner.take(record(command(), offset), NOW)

    acted: list[list[str]] = []
    for passed in (0, 100, 250, 500):
        runner.start_ready(NOW + passed)
        acted.append(list(hand.acted))

    assert acted == [[], [], [], [f"{SOURCE}#7.0", f"{SOURCE}#8.0"]]
    assert (runner.is_busy, runner.n_refused, hand.n_refusals) == (True, 0, 0)
    assert len(runner.poll(lambda _: 1)) == 2
    assert not runner.is_busy


def test_a_command_that_cannot_be_begun_expires() -> None:
    """And is answered so; a brake ends it too."""
    runner = hesitant()
    runner.take(record(command(expires_at=NOW + 400), 7), NOW)
    runner.start_ready(NOW)
    assert runner.oldest(POLICY_ROLLOUT, 0) == 7

    runner.start_ready(NOW + 500)

    (report,) = runner.poll(lambda _: 1)
    assert dict(report.headers)["ce_id"].endswith(b"7.0#failed")
    assert (runner.refused["expired"], runner.is_busy) == (1, False)


def test_a_poll_that_raises_retry_is_asked_again() -> None:
    """What it yielded before counts."""
    shop = Shop()

    class Slow(Work):
        """Work whose target is away the first time it is asked."""

        n_asked = 0

        def poll(self) -> Iterator[Report]:
            """Fail once."""
            self.n_asked += 1
            if self.n_asked == 1:
                raise Retry("away")
            yield from super().poll()

    shop.hand.start = lambda command: Slow(shop.hand, command)  # type: ignore[method-assign]  # a hand of this test

    (report,) = [*shop.run(record(command(), 7)), *shop.run()]

    assert report.id == f"{SOURCE}#7.0#progressed"
