"""The real services: how long from telemetry to a policy in force, and how much memory each service takes."""

from collections.abc import Iterator
from typing import Final

import psutil

from homeostat.bench.ground import PARTITIONS, Ground
from homeostat.bench.row import BenchFailed, Row, quantile, row
from homeostat.bench.watch import Watch, pace, wait_for
from homeostat.bench.workload import Traffic
from homeostat.codec import Record
from homeostat.events import ActionApplied
from homeostat.events.logs import REPORTS, TELEMETRY
from homeostat.stack.local import LocalStack

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

    stack = _stack(ground, is_packed=True)
    try:
        outputs = list(Traffic(_WARM_UP + n, 1, is_inside=False).registrations(TELEMETRY, PARTITIONS))
        with Watch(ground, (TELEMETRY, REPORTS), note):
            sent = pace(ground, outputs, _PER_SECOND)
            wait_for(lambda: len(applied) == len(outputs), _LAST_SECONDS)
    finally:
        stack.stop()
    # A proposal that overtakes the copy of the registration it rests on is denied: that model gets no policy.
    moments = [(out.key, at) for out, at in zip(outputs, sent, strict=True) if out.key in applied][_WARM_UP:]
    if len(moments) < n // 2:
        raise BenchFailed(f"{len(outputs) - len(applied)} of {len(outputs)} models got no policy")
    for share in (0.5, 0.95):
        yield row(
            f"{_NAME}, p{share * 100:g}",
            "ms",
            [quantile([(applied[key] - at) * 1000 for key, at in moments], share)],
            reference="one bare trip through the broker, no stage",
            references=[quantile([(told[key] - at) * 1000 for key, at in moments], share)],
        )


def memory(ground: Ground) -> Iterator[Row]:
    """Measure the resident memory of every service, each in a process of its own, after it has had work."""
    stack = _stack(ground, is_packed=False)
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
            )
    finally:
        stack.stop()


def _stack(ground: Ground, *, is_packed: bool) -> LocalStack:
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
