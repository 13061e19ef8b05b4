"""What a brake stops, and what it leaves alone."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_shop import FAMILY, MODEL, NOW, SOURCE, Shop, brake, command, reasons, record

from homeostat.events import (
    ActionProgressed,
    BrakeConfirmed,
    BrakeReleased,
    MetaTraining,
    MetaTrainingStart,
    Range,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdMoved,
)
from homeostat.events.logs import INDICATORS, POLICY_RETRAIN, POLICY_ROLLOUT


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


def test_a_command_that_was_braked_is_not_carried_out_by_its_repeat_after_the_release() -> None:
    """It was answered: the governor counts on it that nothing comes of it any more."""
    shop = Shop()
    braked = record(command(), 1)
    assert reasons(shop.run(brake(), braked)) == ["braked"]

    assert shop.run(record(BrakeReleased(scope="acme", freeze="g#1"), 2), braked) == []

    assert shop.hand.acted == []


def test_brakes_of_history_are_not_confirmed_again() -> None:
    """They were when they came: what lies before the committed position has been answered."""
    shop = Shop()

    assert shop.run(brake(), is_history=True) == []
    assert shop.runner.braked_scopes() == ["acme"]
