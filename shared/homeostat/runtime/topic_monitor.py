"""Looks now and then whether Kafka is still what it was at the start, and what it must be."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog

from homeostat.core import HomeostatError, Retry
from homeostat.runtime.cluster import Cluster, TopicFacts
from homeostat.runtime.kafka_checks import Finding, KafkaUnfit, check_changes, check_topics
from homeostat.runtime.kafka_errors import BrokerUnreachable

log = structlog.get_logger(__name__)
_SECONDS: Final = 5.0
_CONFIG_SECONDS: Final = 60.0


class TopicReplacedMeanwhile(Retry):
    """A topic was deleted and made again under a running process: another start reads it as what it is."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding}")
        self.finding = finding


def facts_of(cluster: Cluster) -> dict[str, TopicFacts]:
    """Every topic of ours with its settings."""
    topics = cluster.topics()
    configs = cluster.configs(topics)
    return {name: TopicFacts(t.topic_id, t.partitions, configs.get(name, {})) for name, t in topics.items()}


def check_at_start(cluster: Cluster, inputs: Mapping[str, str], others: Collection[str] = ()) -> list[Finding]:
    """Check all topics; say what is not as it should be.

    Args:
        cluster: Loaded.
        inputs: Input log by name of the folds of this process.
        others: Topics that no service of this process uses: what is wrong with them ends it not.

    Returns:
        What is wrong and can be lived with.

    Raises:
        KafkaUnfit: Something would be lost or falsified.
    """
    findings = list(check_topics(facts_of(cluster), inputs))
    fatal = [finding for finding in findings if finding.is_fatal and finding.topic not in others]
    if fatal:
        raise KafkaUnfit(fatal)
    for finding in findings:
        log.warning("kafka_unfit", check=finding.check, topic=finding.topic, detail=finding.detail, todo=finding.todo)
    return findings


class TopicMonitor:
    """A thread that looks; what it finds is in `findings`, and ends the process if it must.

    Args:
        cluster: Loaded.
        inputs: As for `check_at_start`.
        findings: Of the start.
        fail: Ends the process with an error.
        others: As for `check_at_start`.
    """

    def __init__(
        self,
        cluster: Cluster,
        inputs: Mapping[str, str],
        findings: list[Finding],
        fail: Callable[[HomeostatError], None],
        others: Collection[str] = (),
    ) -> None:
        self.findings = findings
        self._cluster, self._inputs, self._fail, self._others = cluster, inputs, fail, others
        self._known = cluster.known()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; it is not waited for."""
        self._stopping.set()

    def _run(self) -> None:
        config_at = time.monotonic() + _CONFIG_SECONDS
        while not self._stopping.wait(_SECONDS):
            try:
                with_configs = time.monotonic() >= config_at
                if with_configs:
                    config_at = time.monotonic() + _CONFIG_SECONDS
                self.look(with_configs=with_configs)
            except BrokerUnreachable:
                continue  # the services say so

    def look(self, *, with_configs: bool) -> None:
        """Look once."""
        now = facts_of(self._cluster) if with_configs else self._cluster.topics()
        found = list(check_changes(self._known, now))
        if with_configs:
            found += [finding for finding in check_topics(now, self._inputs) if finding not in found]
        else:
            found += [finding for finding in self.findings if finding.check not in ("missing", "replaced")]
        for finding in found:
            if finding not in self.findings:
                log.error("kafka_unfit", check=finding.check, topic=finding.topic, detail=finding.detail)
        self.findings = found
        fatal = [one for one in found if one.is_fatal and one.topic in now and one.topic not in self._others]
        if fatal:
            replaced = fatal[0].check == "replaced"
            self._fail(TopicReplacedMeanwhile(fatal[0]) if replaced else KafkaUnfit(fatal))
