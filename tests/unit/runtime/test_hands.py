"""What is checked before a hand acts, and what it answers."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id, signed_bytes, verify
from homeostat.codec import Output, Record, decode_event
from homeostat.codec.channels import CHANNELS
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import Event, Identity, Payload, Report, Task
from homeostat.core.identity import emit_id
from homeostat.events import (
    ActionFailed,
    ActionProgressed,
    ActionReverted,
    Arm,
    BrakeConfirmed,
    BrakeReleased,
    BrakeSet,
    EventRefused,
    MetaTraining,
    MetaTrainingStart,
    Plan,
    Range,
    RetrainStart,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdMoved,
)
from homeostat.events.logs import INDICATORS, POLICIES, POLICY_RETRAIN, POLICY_ROLLOUT, QUARANTINE, REPORTS
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.signer import sign_with

MODEL, FAMILY, NOW = "acme/camera-1", "acme/cameras", 1_000_000
SOURCE = "/homeostat/governor/homeostat.governance/t/0"


def key_of(seed: int) -> Key:
    """A notary's key."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))
    public = private.public_key().public_bytes_raw()
    return Key("notary", key_id(public), public.hex(), private)


NOTARY, OWN = key_of(1), key_of(3)


def command(class_: type[Any] = RolloutSet, **changes: Any) -> Any:
    """A rollout, or a retrain."""
    fields: dict[str, Any] = {
        "action": "learner#1.0",
        "verdict": "v",
        "family": FAMILY,
        "model": MODEL,
        "expires_at": NOW + 1000,
        "champion": "v0",
    }
    if class_ is RetrainStart:
        window = Range(log="l", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=1)
        fields |= {"arms": (Arm(name="warm"),), "window": window, "plan": Plan(), "chosen": "warm"}
    else:
        fields |= {"reference": "v0"}
    return class_.model_validate(fields | changes)


def record(
    data: Payload,
    offset: int = 0,
    *,
    key: Key | None = NOTARY,
    topic: str = "",
    place: int = 0,
    subject: str = "",
) -> Record:
    """A record as the governor's host writes it: a command in its own log, everything else in that of rollouts."""
    topic = topic or next(
        (log for log in (POLICY_ROLLOUT, *POLICIES) if isinstance(data, CHANNELS[log])), POLICY_ROLLOUT
    )
    subject = subject or str(getattr(data, "model", None) or getattr(data, "scope", "*"))
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=emit_id(offset),
        source=SOURCE,
        type_=data.TYPE,
        time=NOW,
        subject=subject,
        content_type=content_type,
        story=Identity("story"),
    )
    output = Output(topic, place, subject.encode(), value, headers)
    output = sign_with(key)(output) if key is not None else output
    return Record(topic, "t", place, offset, NOW, subject.encode(), output.value, list(output.headers))


class Work:
    """A task that a test finishes: it acts when its target answers.

    Args:
        hand: Whose.
        event: The command.
    """

    def __init__(self, hand: "Worker", event: Event) -> None:
        self.hand, self.event = hand, event
        self.is_done = self.is_cancelled = False

    def poll(self) -> Iterator[Report]:
        """Act if it can be done."""
        if not self.is_done and self.hand.is_reachable:
            self.is_done = True
            self.hand.acted.append(self.event.identity)
            data = self.event.data
            assert isinstance(data, Rollout | RetrainStart)
            yield Report(
                "progressed",
                ActionProgressed(action=data.action, command="c", kind="rollout", family=data.family, done=1.0),
            )

    def cancel(self) -> None:
        """Give up."""
        self.is_done = self.is_cancelled = True


class Worker:
    """A hand whose target can be away."""

    name = "worker"
    logs: Sequence[str] = (POLICY_ROLLOUT, POLICY_RETRAIN, INDICATORS)

    def __init__(self) -> None:
        self.is_reachable, self.takes = True, True
        self.acted: list[str] = []
        self.work: list[Work] = []
        self.seen: list[tuple[str, bool]] = []

    def start(self, command: Event) -> Task | None:
        """Begin, unless it is not for this hand."""
        if not self.takes:
            return None
        self.work.append(Work(self, command))
        return self.work[-1]

    def observe(self, event: Event, *, is_braked: bool) -> None:
        """Note."""
        self.seen.append((event.type, is_braked))


class Shop:
    """A runner with its hand.

    Args:
        brake_file: Of the machine.
        max_tasks: At a time.
        n_partitions: Partitions of every topic, as the host knows; None where it is not asked.
    """

    def __init__(self, brake_file: Path | None = None, max_tasks: int = 4, n_partitions: int | None = None) -> None:
        self.hand = Worker()
        keys, known = {NOTARY.key_id: NOTARY.public_key_hex}, None if n_partitions is None else lambda _: n_partitions
        self.runner = HandRunner(
            self.hand, public_keys=keys, key=OWN, brake_file=brake_file, max_tasks=max_tasks, n_partitions=known
        )
        self.quarantined: list[EventRefused] = []

    def run(self, *records: Record, now: int = NOW, is_history: bool = False) -> list[Event]:
        """Take records, start what may start, return the reports."""
        for taken in records:
            self.runner.take(taken, now, is_history=is_history)
        self.runner.start_ready(now)
        return self.reports()

    def reports(self) -> list[Event]:
        """What is said; what goes to quarantine is kept apart."""
        said = []
        for output in self.runner.poll(lambda _: 1):
            event = read(output)
            if isinstance(event.data, EventRefused):
                self.quarantined.append(event.data)
            else:
                said.append(event)
        return said


def read(output: Output) -> Event:
    """A report as the door reads it, or a refusal as the quarantine keeps it."""
    assert output.topic in (REPORTS, QUARANTINE)
    made = Record(output.topic, "r", 0, 0, NOW, output.key, output.value, list(output.headers))
    return decode_event(made, time=NOW, emitter="", is_door=True)


def reasons(reports: Sequence[Event]) -> list[str]:
    """Reasons of the failures among them."""
    return [event.data.reason for event in reports if isinstance(event.data, ActionFailed)]


def brake(scope: str = "acme", offset: int = 0, topic: str = POLICY_ROLLOUT, place: int = 0) -> Record:
    """A freeze arrives."""
    return record(BrakeSet(scope=scope, freeze="f#1"), offset, topic=topic, place=place)


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


@pytest.mark.parametrize("scope", ["acme", "*", MODEL, "other", "acme/other", FAMILY])
@pytest.mark.parametrize("class_", [RolloutSet, RolloutPromote, RolloutAbort, RolloutRevert, RetrainStart])
def test_a_brake_stops_what_is_new_in_its_scope(scope: str, class_: type[Any]) -> None:
    """Or for its model; but neither aborts nor reverts, and never what two people called an emergency."""
    is_back = class_ in (RolloutAbort, RolloutRevert)
    expected = [] if is_back or scope in ("other", "acme/other", FAMILY) else ["braked"]

    assert reasons(Shop().run(brake(scope), record(command(class_), 1))) == expected
    assert reasons(Shop().run(brake(scope), record(command(class_, is_emergency=True), 1))) == []


def test_a_braked_command_is_never_carried_out_later() -> None:
    """Its answer is given; what comes after the release is done."""
    shop = Shop()
    shop.run(brake(), record(command(), 1))

    shop.run(record(BrakeReleased(scope="acme", freeze="g#1"), 2), record(command(), 3))

    assert shop.hand.acted == [f"{SOURCE}#3.0"]
    assert shop.runner.braked_scopes() == []


def test_two_brakes_need_two_releases() -> None:
    """Lifting the one of a scope does not lift that of all."""
    shop = Shop()
    shop.run(brake(), brake("*", 1), record(BrakeReleased(scope="acme", freeze="g#1"), 2))

    assert reasons(shop.run(record(command(), 3))) == ["braked"]
    assert shop.runner.braked_scopes() == ["*"]


def test_a_brake_on_any_partition_or_log_counts() -> None:
    """The safe side, while the others have not been read."""
    shop = Shop()

    assert reasons(shop.run(brake(topic=POLICY_RETRAIN, place=3), record(command()))) == ["braked"]


def test_what_comes_behind_a_release_need_not_wait_for_the_same_release_elsewhere() -> None:
    """The governor says one release to all partitions; the first that is read counts, unless a later brake was said."""
    shop = Shop()
    shop.run(brake(), brake(place=3), record(BrakeReleased(scope="acme", freeze="g#1"), 2))

    assert reasons(shop.run(record(command(), 3))) == []

    assert reasons(shop.run(brake(offset=5, place=3), record(command(), 4))) == ["braked"]


def test_a_brake_is_confirmed_per_partition_under_its_scope() -> None:
    """Always by the same id, so that the door takes it once."""
    shop = Shop()

    reports = shop.run(brake(), brake(place=1), brake())

    said = [event.data for event in reports]
    assert all(isinstance(data, BrakeConfirmed) and (data.freeze, data.scope) == ("f#1", "acme") for data in said)
    assert {event.subject for event in reports} == {"acme"}
    assert len(reports) == 3
    assert len({event.id for event in reports}) == 2


def test_the_brakes_of_history_count_and_its_commands_do_not() -> None:
    """A hand that takes a partition over reads it from its beginning."""
    shop = Shop()

    shop.run(record(command()), brake(offset=1), is_history=True)

    assert shop.hand.acted == []
    assert reasons(shop.run(record(command(), 2))) == ["braked"]


@pytest.mark.parametrize("class_", [RolloutSet, RolloutPromote])
def test_a_brake_ends_a_rollout_that_waits_for_its_target(class_: type[Any]) -> None:
    """It would act in the freeze as soon as the target is back."""
    shop = Shop()
    shop.hand.is_reachable = False
    assert shop.run(record(command(class_), 4)) == []
    assert shop.runner.oldest(POLICY_ROLLOUT, 0) == 4

    assert reasons(shop.run(brake(offset=5))) == ["braked"]
    shop.hand.is_reachable = True

    assert shop.reports() == []
    assert shop.hand.acted == []
    assert shop.hand.work[0].is_cancelled
    assert shop.runner.is_busy is False


@pytest.mark.parametrize(
    "held",
    [
        command(RetrainStart),
        command(RolloutAbort),
        command(RolloutRevert),
        command(is_emergency=True),
        command(model="other/camera", family="other/cameras"),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_brake_leaves_other_work_alone(held: Any) -> None:
    """Trainings hold what they have; the way back, emergencies and other scopes go on."""
    shop = Shop()
    shop.hand.is_reachable = False
    shop.run(record(held))

    assert reasons(shop.run(brake(offset=1))) == []
    shop.hand.is_reachable = True
    shop.reports()

    assert len(shop.hand.acted) == 1


def test_a_brake_right_after_an_effect_does_not_hide_it() -> None:
    """What was done in `start` is said, though the brake is read before the next poll."""
    shop = Shop()
    shop.runner.take(record(command()), NOW)
    shop.runner.start_ready(NOW)

    shop.runner.take(brake(offset=1), NOW)

    assert reasons(reports := shop.reports()) == []
    assert [type(event.data) for event in reports] == [BrakeConfirmed, ActionProgressed]


@pytest.mark.parametrize(
    ("content", "braked"),
    [
        ('{"scopes": ["acme"]}', True),
        ('{"scopes": ["*"]}', True),
        (f'{{"scopes": ["{MODEL}"]}}', True),
        ('{"scopes": ["other"]}', False),
        ('{"scopes": ["acme/other"]}', False),
        ('{"scopes": []}', False),
        ("{}", True),
        ('{"scopes": ', True),
        ("[]", True),
    ],
)
def test_the_brake_file_of_the_machine_is_obeyed(tmp_path: Path, content: str, braked: bool) -> None:
    """What cannot be read brakes everything but the way back."""
    path = tmp_path / "brake.json"
    shop = Shop(path)
    assert reasons(shop.run(record(command(), 0))) == []
    path.write_text(content)

    assert reasons(shop.run(record(command(), 1))) == ["braked"] * braked
    assert reasons(shop.run(record(command(RolloutAbort), 2))) == []
    path.unlink()
    assert reasons(shop.run(record(command(), 3))) == []


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


def test_an_observer_sees_facts_and_whether_they_are_braked() -> None:
    """They are not answered."""
    shop = Shop()
    moved = ThresholdMoved(model=MODEL, signal="u", threshold=0.5, value=0.1, is_alert=False, rate=0.01)

    shop.run(record(moved, topic=INDICATORS), brake(), record(moved, 1, topic=INDICATORS))

    assert shop.hand.seen == [(moved.TYPE, False), (moved.TYPE, True)]


def test_an_observer_hears_of_the_brake_of_a_model() -> None:
    """What moves for another model is shown."""
    shop = Shop()
    moved = ThresholdMoved(model=MODEL, signal="u", threshold=0.5, value=0.1, is_alert=False, rate=0.01)
    other = moved.model_copy(update={"model": "acme/other"})

    shop.run(brake(MODEL), record(moved, topic=INDICATORS), record(other, 1, topic=INDICATORS))

    assert [is_braked for _, is_braked in shop.hand.seen] == [True, False]


def test_the_brake_of_a_model_leaves_its_family_alone() -> None:
    """A meta-training is about no model, even if the family has the name of one."""
    window = Range(log="l", subject=FAMILY, source="/s", first="1.0", last="2.0", from_time=0, rows=1)
    training = MetaTrainingStart(
        action="learner#1.0",
        verdict="v#1",
        family=FAMILY,
        expires_at=NOW + 1000,
        meta_training=MetaTraining(window=window),
    )
    shop = Shop()
    shop.hand.takes = False

    assert reasons(shop.run(brake(FAMILY), record(training, 1, subject=FAMILY))) == []
    assert reasons(shop.run(brake("acme", 2), record(training, 3, subject=FAMILY))) == ["braked"]


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


def test_a_command_that_was_braked_is_not_carried_out_by_its_repeat_after_the_release() -> None:
    """It was answered: the governor counts on it that nothing comes of it any more."""
    shop = Shop()
    braked = record(command(), 1)
    assert reasons(shop.run(brake(), braked)) == ["braked"]

    assert shop.run(record(BrakeReleased(scope="acme", freeze="g#1"), 2), braked) == []

    assert shop.hand.acted == []


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


def test_brakes_of_history_are_not_confirmed_again() -> None:
    """They were when they came: what lies before the committed position has been answered."""
    shop = Shop()

    assert shop.run(brake(), is_history=True) == []
    assert shop.runner.braked_scopes() == ["acme"]


def test_what_is_refused_is_not_done() -> None:
    """Each command is counted once, under its outcome."""
    shop = Shop()

    shop.run(record(command(), 1))
    shop.run(brake(offset=2), record(command(), 3))

    assert (shop.runner.n_done, shop.runner.refused) == (1, {"expired": 0, "braked": 1, "stale": 0, "repeated": 0})
