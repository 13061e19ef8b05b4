"""While a process runs: a topic that was made again starts it anew, one that became unfit ends it, an absence waits."""

import dataclasses
from typing import cast

import pytest
from tests.unit.runtime.test_kafka_checks import OURS, sound

from homeostat.core import HomeostatError
from homeostat.runtime.cluster import Cluster, TopicFacts
from homeostat.runtime.kafka_checks import KafkaUnfit
from homeostat.runtime.topic_monitor import TopicMonitor, TopicReplacedMeanwhile, check_at_start
from homeostat_tools.local_stack.services import inputs

FOLDS = inputs()


class Broker:
    """Says what a cluster says, from memory."""

    def __init__(self) -> None:
        self.facts = sound()

    def topics(self) -> dict[str, TopicFacts]:
        return {name: dataclasses.replace(found, config={}) for name, found in self.facts.items()}

    def configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        return {name: dict(self.facts[name].config) for name in names}

    def known(self) -> dict[str, TopicFacts]:
        return self.topics()

    def change(self, name: str, **fields: object) -> None:
        self.facts[name] = dataclasses.replace(self.facts[name], **fields)  # type: ignore[arg-type]  # of any field


@pytest.fixture
def broker() -> Broker:
    """Sound."""
    return Broker()


def watching(broker: Broker) -> tuple[TopicMonitor, list[HomeostatError]]:
    failed: list[HomeostatError] = []
    cluster = cast("Cluster", broker)
    return TopicMonitor(cluster, FOLDS, check_at_start(cluster, FOLDS), failed.append), failed


def test_all_is_well(broker: Broker) -> None:
    """Nothing is found at the start or later."""
    watch, failed = watching(broker)
    for with_configs in (False, True):
        watch.look(with_configs=with_configs)

    assert (watch.findings, failed) == ([], [])


def test_a_start_on_unfit_topics_is_refused(broker: Broker) -> None:
    """What can be lived with is told, what cannot is an error that names each."""
    broker.change(OURS[0], config={**broker.facts[OURS[0]].config, "retention.ms": "1"})
    found = check_at_start(cast("Cluster", broker), FOLDS)
    assert [finding.check for finding in found] == ["retention"]

    broker.change("homeostat.timeline", config={"cleanup.policy": "compact"})
    with pytest.raises(KafkaUnfit, match=r"homeostat\.timeline.*topics repair"):
        check_at_start(cast("Cluster", broker), FOLDS)


def test_a_topic_made_again_starts_the_process_anew(broker: Broker) -> None:
    """Not a halt: the next start knows what to do."""
    watch, failed = watching(broker)
    broker.change(OURS[0], topic_id="another")

    watch.look(with_configs=False)

    assert [type(error) for error in failed] == [TopicReplacedMeanwhile]
    assert OURS[0] in str(failed[0])


def test_a_topic_that_is_gone_is_waited_for(broker: Broker) -> None:
    """It is said, and forgotten once it is back."""
    watch, failed = watching(broker)
    lost = broker.facts.pop(OURS[0])

    watch.look(with_configs=False)
    assert [finding.check for finding in watch.findings] == ["missing"]

    broker.facts[OURS[0]] = lost
    watch.look(with_configs=False)
    assert (watch.findings, failed) == ([], [])


def test_what_a_look_at_the_settings_found_stays_found_by_the_next_without(broker: Broker) -> None:
    """Settings are read less often than topics; the alert must not flicker."""
    watch, failed = watching(broker)
    broker.change(OURS[0], config={**broker.facts[OURS[0]].config, "retention.ms": "1"})

    watch.look(with_configs=True)
    watch.look(with_configs=False)
    assert [finding.check for finding in watch.findings] == ["retention"]

    broker.change(OURS[0], config=sound()[OURS[0]].config)
    watch.look(with_configs=True)
    assert (watch.findings, failed) == ([], [])


def test_a_log_that_becomes_unfit_ends_the_process(broker: Broker) -> None:
    """A person has to act."""
    watch, failed = watching(broker)
    broker.change("homeostat.timeline", partitions=9)

    watch.look(with_configs=False)

    assert [type(error) for error in failed] == [KafkaUnfit]


def test_what_is_wrong_with_a_topic_of_others_ends_nobody_else(broker: Broker) -> None:
    """A process that does not audit goes on while the audit log is missing, or was made again; it is told."""
    failed: list[HomeostatError] = []
    cluster, others = cast("Cluster", broker), {"homeostat.audit"}
    watch = TopicMonitor(cluster, FOLDS, check_at_start(cluster, FOLDS, others), failed.append, others)
    broker.change("homeostat.audit", topic_id="another")
    watch.look(with_configs=False)
    replaced = [finding.check for finding in watch.findings]
    del broker.facts["homeostat.audit"]

    found = [finding.check for finding in check_at_start(cluster, FOLDS, others)]

    assert (replaced, found, failed) == (["replaced"], ["missing"], [])
    with pytest.raises(KafkaUnfit):
        check_at_start(cluster, FOLDS)
