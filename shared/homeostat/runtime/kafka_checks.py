"""What Homeostat assumes of its topics, checked against what they are: at start, while running, and by `doctor`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.core import Halt
from homeostat.events.logs import DAY_MS, DOORS, LOGS, MAX_RECORD_BYTES, QUARANTINE, SNAPSHOTS, Log
from homeostat.runtime.cluster import TopicFacts

REPAIR: Final = "homeostat topics repair"
CREATE: Final = "homeostat topics create"
_RESERVE_BYTES: Final = 48_000
"""Beside the record itself: what a batch adds to it."""

Check = Literal[
    "missing", "timestamp_type", "cleanup_policy", "retention", "max_message_bytes", "partitions", "replaced", "config"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    Args:
        check: Which.
        topic: Of which topic.
        detail: What is wrong, and what follows from it.
        todo: The command that mends it, or what a person has to do.
        is_fatal: Whether going on would lose or falsify something.
    """

    check: Check
    topic: str
    detail: str
    todo: str
    is_fatal: bool

    def __str__(self) -> str:
        return f"{self.topic}: {self.detail}; {self.todo}"


class KafkaUnfit(Halt):
    """A topic is not what exactly-once needs it to be.

    Operator: run the command that is named.
    """

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(". ".join(str(finding) for finding in findings))
        self.findings = findings


def expected(topic: str, created: Iterable[Log] = ()) -> Log | None:
    """What the catalogue, or the fold that creates it, says of a topic; None for one that is nobody's."""
    if topic.startswith(SNAPSHOTS):
        return Log(topic, "snapshots", "", "")
    return next((log for log in (*LOGS, *created) if log.name == topic), None)


def check_topics(
    facts: Mapping[str, TopicFacts], inputs: Mapping[str, str], created: Collection[Log] = ()
) -> Iterator[Finding]:
    """Yield what is wrong with the topics.

    Args:
        facts: Every topic there is, with its settings; without, what cannot be known is not found.
        inputs: Input log by fold name: its snapshot topic must have as many partitions.
        created: Topics that folds declare beside the catalogue's.
    """
    for name in (log.name for log in (*LOGS, *created)):
        if name not in facts:
            yield Finding("missing", name, "the topic does not exist", f"run `{CREATE}`", is_fatal=True)
    for fold, name in inputs.items():
        snapshots = facts.get(SNAPSHOTS + fold)
        if snapshots is None:
            yield Finding("missing", SNAPSHOTS + fold, "the topic does not exist", f"run `{CREATE}`", is_fatal=True)
        elif name in facts and snapshots.partitions != facts[name].partitions:
            detail = f"{facts[name].partitions} partitions, its snapshots have {snapshots.partitions}: keys have moved"
            yield Finding("partitions", name, detail, _REMAKE, is_fatal=True)
    for name, found in sorted(facts.items()):
        log = expected(name, created)
        if log is None:
            continue
        if log.partitions not in (None, found.partitions):
            detail = f"{found.partitions} partitions instead of {log.partitions}: its order is lost"
            yield Finding("partitions", name, detail, _REMAKE, is_fatal=True)
        if found.config:
            yield from _check_config(log, found.config)
        else:
            todo = "allow DescribeConfigs on the topics"
            yield Finding("config", name, "its settings may not be read, so they are not checked", todo, is_fatal=False)


_REMAKE: Final = (
    "export it, delete it and its homeostat.snapshots.…, and run `homeostat topics create`: a live topic keeps its "
    "number of partitions"
)


def _check_config(log: Log, config: Mapping[str, str]) -> Iterator[Finding]:
    wanted, todo, is_door = log.config(), f"run `{REPAIR}`", log.name in DOORS
    kind = config.get("message.timestamp.type")
    if kind not in (None, "LogAppendTime"):
        detail = f"message.timestamp.type is {kind}: producers' clocks would be believed"
        detail += ", so time stands still at this door" if is_door else ""
        yield Finding("timestamp_type", log.name, detail, todo, is_fatal=not is_door)
    policy = {part.strip() for part in config.get("cleanup.policy", wanted["cleanup.policy"]).split(",")}
    if policy != {wanted["cleanup.policy"]}:
        lost = "states expire" if log.kind == "snapshots" else "records of one key replace each other"
        detail = f"cleanup.policy is {','.join(sorted(policy))}: {lost}"
        yield Finding("cleanup_policy", log.name, detail, todo, is_fatal=True)
    if "retention.ms" in wanted:
        yield from _check_retention(log, config, todo)
    least = int(wanted.get("max.message.bytes", MAX_RECORD_BYTES + _RESERVE_BYTES))
    most = int(config.get("max.message.bytes", least))
    if most < least and not is_door:
        detail = f"max.message.bytes is {most}, records have up to {least}: writing one would end the process"
        yield Finding("max_message_bytes", log.name, detail, todo, is_fatal=True)


def _check_retention(log: Log, config: Mapping[str, str], todo: str) -> Iterator[Finding]:
    kept, wanted = int(config.get("retention.ms", log.retention_ms)), log.retention_ms
    if log.name == QUARANTINE:  # how long is anybody's choice, within reason
        if kept == -1:
            detail = "refused input is kept for ever, with whatever personal data it holds that no contract names"
            yield Finding("retention", log.name, detail, todo, is_fatal=False)
        elif kept < DAY_MS:
            detail = f"refused input is kept {kept / 3_600_000:.4g} h: too short to be noticed and put back"
            yield Finding("retention", log.name, detail, todo, is_fatal=False)
    elif kept != -1 and (wanted == -1 or kept < wanted):
        hours = kept / 3_600_000
        meant = "for ever" if wanted == -1 else f"{wanted / 3_600_000:.4g} h"
        detail = f"records are kept {hours:.4g} h, not {meant}: what is older cannot be derived again"
        yield Finding("retention", log.name, detail, todo, is_fatal=False)
    if int(config.get("retention.bytes", -1)) != -1:
        detail = f"retention.bytes is {config['retention.bytes']}: records are deleted by size, read or not"
        yield Finding("retention", log.name, detail, todo, is_fatal=False)


def check_changes(before: Mapping[str, TopicFacts], now: Mapping[str, TopicFacts]) -> Iterator[Finding]:
    """Yield what has changed that must not change while a process runs."""
    for name, was in before.items():
        found = now.get(name)
        if found is None:
            yield Finding("missing", name, "the topic has been deleted", f"run `{CREATE}`", is_fatal=False)
        elif found.topic_id != was.topic_id:
            detail, todo = "the topic was deleted and made again", "the process starts again by itself"
            yield Finding("replaced", name, detail, todo, is_fatal=True)
        elif found.partitions != was.partitions:
            detail = f"{found.partitions} partitions now, {was.partitions} before: keys have moved"
            yield Finding("partitions", name, detail, _REMAKE, is_fatal=True)
