"""What topics must be is found where they are not, with the command that mends it."""

import dataclasses

import pytest

from homeostat.core import HomeostatError
from homeostat.events.logs import DAY_MS, DOORS, LOGS, QUARANTINE, TELEMETRY, TIMELINE, Log
from homeostat.runtime.cluster import TopicFacts
from homeostat.runtime.kafka_checks import CREATE, REPAIR, Finding, check_changes, check_topics, expected
from homeostat_tools.local_stack.services import inputs, topics

FOLDS = inputs()

Facts = dict[str, TopicFacts]
OURS = [spec.name for spec in topics(2)]


def sound() -> Facts:
    """Every topic as `homeostat topics create` makes it, with two partitions where the number is free."""
    return {spec.name: TopicFacts("id-of-" + spec.name, spec.partitions, dict(spec.config)) for spec in topics(2)}


def known(name: str) -> Log:
    log = expected(name)
    assert log is not None
    return log


def wrong(facts: Facts) -> list[tuple[str, str, bool]]:
    return [(finding.topic, finding.check, finding.is_fatal) for finding in check_topics(facts, FOLDS)]


def changed(name: str, **config: str) -> Facts:
    facts = sound()
    dotted = {key.replace("_", "."): value for key, value in config.items()}
    facts[name] = dataclasses.replace(facts[name], config={**facts[name].config, **dotted})
    return facts


def test_what_is_made_by_us_is_sound() -> None:
    """Nothing is found, also beside topics of others."""
    assert wrong(sound()) == []
    assert wrong(sound() | {"orders": TopicFacts("x", 7)}) == []


@pytest.mark.parametrize("name", OURS)
def test_each_topic_is_missed(name: str) -> None:
    """Doors, logs and snapshots."""
    facts = sound()
    del facts[name]

    (finding,) = check_topics(facts, FOLDS)

    assert (finding.topic, finding.check, finding.is_fatal) == (name, "missing", True)
    assert CREATE in finding.todo


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [
        ("message_timestamp_type", "CreateTime", "timestamp_type"),
        ("cleanup_policy", "delete,compact", "cleanup_policy"),
        ("max_message_bytes", "1000", "max_message_bytes"),
        ("retention_bytes", "1000000", "retention"),
        ("retention_ms", "1000", "retention"),
    ],
)
def test_each_setting_is_looked_at(name: str, setting: str, value: str, check: str) -> None:
    """What loses or falsifies something is fatal; the repair is named."""
    log = known(name)
    found = list(check_topics(changed(name, **{setting: value}), FOLDS))

    if check == "retention" and "retention.ms" not in log.config():
        assert found == []
    elif check == "max_message_bytes" and name in DOORS:
        assert found == []  # smaller inputs only: its owner's choice
    else:
        assert [(finding.topic, finding.check) for finding in found] == [(name, check)]
        assert REPAIR in found[0].todo
        assert found[0].is_fatal == (check != "retention" and not (check == "timestamp_type" and name in DOORS))


def test_order_does_not_matter_in_a_policy() -> None:
    """As brokers print it."""
    assert wrong(changed(TELEMETRY, cleanup_policy=" delete ")) == []


def test_partitions_of_a_log_and_of_its_snapshots_are_the_same() -> None:
    """A partition whose state lies nowhere would start from nothing."""
    facts = sound()
    facts[TIMELINE] = dataclasses.replace(facts[TIMELINE], partitions=5)

    found = wrong(facts)

    assert {(topic, check) for topic, check, _ in found} == {(TIMELINE, "partitions")}
    assert len(found) == sum(log == TIMELINE for log in FOLDS.values())


def test_a_log_of_one_partition_has_one() -> None:
    """Its order is the order of all."""
    single = [log.name for log in LOGS if log.partitions == 1]
    assert single
    for name in single:
        facts = sound()
        facts[name] = dataclasses.replace(facts[name], partitions=3)
        assert (name, "partitions", True) in wrong(facts)


def test_settings_that_may_not_be_read_are_no_failure() -> None:
    """They are said to be unchecked."""
    facts = {name: dataclasses.replace(found, config={}) for name, found in sound().items()}

    found = wrong(facts)

    assert {check for _, check, _ in found} == {"config"}
    assert not any(is_fatal for _, _, is_fatal in found)


def test_changes_are_seen() -> None:
    """Deleted, made again, and grown; of others nothing."""
    before, now = sound(), sound()
    deleted, replaced, grown = OURS[:3]
    del now[deleted]
    now[replaced] = dataclasses.replace(now[replaced], topic_id="another")
    now[grown] = dataclasses.replace(now[grown], partitions=before[grown].partitions + 1)

    found = [(finding.topic, finding.check, finding.is_fatal) for finding in check_changes(before, now)]

    assert sorted(found) == sorted(
        [(deleted, "missing", False), (replaced, "replaced", True), (grown, "partitions", True)]
    )
    assert list(check_changes(before, before | {"homeostat.new": TopicFacts("n", 1)})) == []


def test_a_finding_says_all_in_one_line() -> None:
    """Topic, what, and what to do."""
    text = str(Finding("replaced", "t", "gone", "run x", is_fatal=True))

    assert text == "t: gone; run x"
    assert not isinstance(Finding, HomeostatError)


@pytest.mark.parametrize(("days", "is_found"), [(7, False), (365, False), (30, False), (0.5, True), (None, True)])
def test_how_long_refused_input_is_kept_is_a_choice_but_not_for_ever(days: float | None, is_found: bool) -> None:
    """A day at least, so that it can be put back; a topic of an earlier version, that keeps it for ever, is named."""
    kept = "-1" if days is None else str(round(days * DAY_MS))

    found = wrong(changed(QUARANTINE, retention_ms=kept))

    assert found == ([(QUARANTINE, "retention", False)] if is_found else [])


def test_topics_are_made_with_the_retention_that_is_asked_for() -> None:
    """Of the quarantine; the other logs have their own."""
    (asked,) = [spec for spec in topics(2, quarantine_days=7.0) if spec.name == QUARANTINE]
    (usual,) = [spec for spec in topics(2) if spec.name == QUARANTINE]

    assert (asked.config["retention.ms"], usual.config["retention.ms"]) == (str(7 * DAY_MS), str(30 * DAY_MS))
