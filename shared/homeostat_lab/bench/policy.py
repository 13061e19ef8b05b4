"""The real services: how long from telemetry to a policy in force, and how much memory each service takes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import psutil

from homeostat.codec import Output, Record
from homeostat.events import ActionApplied
from homeostat.events.logs import REPORTS, TELEMETRY
from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.row import BenchFailed, Row, missing, quantile, row
from homeostat_lab.bench.topic_tail import TopicTail, pace, wait_for
from homeostat_lab.bench.workload import Traffic
from homeostat_tools.local_stack.local import LocalStack

_PER_SECOND: Final = 5.0
_WARM_UP: Final = 10
_READY_SECONDS: Final = 180.0
_MODELS: Final = 24
_EVENTS: Final = 480
_SETTLE_SECONDS: Final = 20.0
_LAST_SECONDS: Final = 5.0
_IDLE: Final = "import signal, confluent_kafka, numpy; signal.pause()"
_NAME: Final = "telemetry to policy at the embedded target"


def telemetry_to_policy(ground: Ground, *, n: int) -> Iterator[Row]:
    """Time `n` new models, one after the other, from telemetry to their alert threshold in force.

    The whole chain of services, packed as `homeostat up` does: intake, meta_learner, governor, threshold_actuator
    with its embedded target; the end is the arrival of the actuator's `action.applied`. A threshold waits for no
    labels, so that what is measured is the machine's part.
    """
    told, applied = dict[bytes, float](), dict[bytes, float]()

    def note(record: Record, now: float) -> None:
        if record.topic == TELEMETRY:
            told.setdefault(record.key or b"", now)
        elif dict(record.headers)["ce_type"] == ActionApplied.TYPE.encode():
            applied.setdefault(record.key or b"", now)

    stack = stack_of(ground, is_packed=True)
    try:
        outputs = list(Traffic(_WARM_UP + n, 1, is_inside=False).registrations(TELEMETRY, PARTITIONS))
        with TopicTail(ground, (TELEMETRY, REPORTS), note):
            sent = pace(ground, outputs, _PER_SECOND)
            wait_for(lambda: len(applied) == len(outputs), _LAST_SECONDS)
    finally:
        stack.stop()
    moments = list(zip(outputs, sent, strict=True))[_WARM_UP:]
    yield from latencies(moments, told, applied)


def latencies(
    moments: Sequence[tuple[Output, float]], told: Mapping[bytes, float], applied: Mapping[bytes, float]
) -> Iterator[Row]:
    """Make the rows; a model without a policy has waited for ever, so that it is in every quantile.

    A proposal that overtakes the copy of the registration it rests on waits for it, so every model is counted.

    Args:
        moments: Registrations that count, and when each was sent.
        told: When each was seen at the door, by key.
        applied: When its policy was in force, by key.

    Raises:
        BenchFailed: Half of them got none.
    """
    waited = [(applied[out.key] - at) * 1000 if out.key in applied else math.inf for out, at in moments]
    trips = [(told[out.key] - at) * 1000 if out.key in told else math.inf for out, at in moments]
    n_without = sum(map(math.isinf, waited))
    if 2 * n_without > len(moments):
        raise BenchFailed(f"{n_without} of {len(moments)} models got no policy")
    excluded = f"the first {_WARM_UP} models"
    for share in (0.5, 0.95):
        name, value = f"{_NAME}, p{share * 100:g}", quantile(waited, share)
        if math.isinf(value):
            yield missing(name, "ms", f"{n_without} of {len(moments)} models got no policy")
            continue
        yield row(
            name,
            "ms",
            [value],
            reference="one bare trip through the broker, no stage",
            references=[quantile(trips, share)],
            excluded=excluded,
        )
    yield row(f"{_NAME}, models that got none of {len(moments)}", "models", [float(n_without)], excluded=excluded)


def memory(ground: Ground) -> Iterator[Row]:
    """Measure the resident memory of every service, each in a process of its own, after it has had work."""
    stack = stack_of(ground, is_packed=False)
    try:
        traffic = Traffic(_MODELS, 100, is_inside=False)
        ground.publish(traffic.registrations(TELEMETRY, PARTITIONS))
        ground.publish(traffic.events(TELEMETRY, PARTITIONS, _EVENTS))
        bare = ground.start("-c", _IDLE)
        wait_for(lambda: False, _SETTLE_SECONDS)
        reference = psutil.Process(bare.pid).memory_info().rss / 1e6
        for status in stack.status():
            if status.pid is None:
                raise BenchFailed(f"{status.name} does not run")
            megabytes = psutil.Process(status.pid).memory_info().rss / 1e6
            yield row(
                f"memory of {status.name}",
                "MB",
                [megabytes],
                reference="Python with numpy and confluent-kafka, doing nothing",
                references=[reference],
                excluded=f"one look, {_SETTLE_SECONDS:g} s after the work: a peak may have been higher",
            )
    finally:
        stack.stop()


def stack_of(ground: Ground, *, is_packed: bool) -> LocalStack:
    """Start all services on a ground; whoever gets them stops them."""
    stack = LocalStack(
        ground.folder / "stack",
        bootstrap_servers=ground.settings.bootstrap_servers,
        partitions=PARTITIONS,
        is_packed=is_packed,
    )
    try:
        stack.start(_READY_SECONDS)
    except BaseException:
        stack.stop()
        raise
    return stack
