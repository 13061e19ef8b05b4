"""A recorded history of drifting models, and the experience log that came of it."""

from functools import cache
from typing import Final

from tests.unit.drift_detector.stream import Stream, registered

from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.core.identity import emit_id, sequence
from homeostat.events import ProfileUpdated
from homeostat.events.logs import EXPERIENCE, TELEMETRY
from homeostat.events.meta_features import SCHEMA
from homeostat.feature_store import Profile, profile_of
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.intake.telemetry import TelemetryIntake

MODELS: Final = ("acme/a", "acme/b", "shop/c")
_STEP_MS: Final = 1_000


@cache
def history() -> MemoryLog:
    """Three models, each quiet and then not, through intake and detector; nobody may write to it."""
    log = MemoryLog(partitions=2)
    loop = MemoryLoop(log, [TelemetryIntake(), DriftDetector()])
    streams = [Stream(seed) for seed in range(len(MODELS))]
    for number in range(90):
        for model, stream in zip(MODELS, streams, strict=True):
            if number == 0:
                log.publish(TELEMETRY, model, registered(stream.n_features), id_="0", source=f"/{model}")
            moved = [1.0 + stream.seed, 2.0] if number >= 60 else []
            samples = stream.samples(0.3 if moved else 0.05, moved)
            log.publish(TELEMETRY, model, samples, id_=str(number + 1), source=f"/{model}")
        log.now += _STEP_MS
    loop.settle()
    return log


def experience() -> list[Record]:
    """Its experience log, partition by partition."""
    return list(history().all(EXPERIENCE))


def profile(model: str = "acme/a", *, offset: int = 1, time: int = 1_000, rise: float = 0.5) -> Profile:
    """A made-up profile from an offset of the timeline."""
    made = profile_of(record(model, offset=offset, time=time, rise=rise))
    assert made is not None
    return made


def record(
    model: str = "acme/a", *, offset: int = 1, time: int = 1_000, rise: float = 0.5, names: tuple[str, ...] = ()
) -> Output:
    """The same as it would be written."""
    features = dict.fromkeys(names or SCHEMA.names, 0.25)
    data = ProfileUpdated(
        model=model, version="v1", meta_features=features | {next(iter(features)): rise}, labels_since_onset=80
    )
    source = "/homeostat/drift_detector/homeostat.timeline/u/0"
    return envelope(
        EXPERIENCE,
        "acme/f",
        data,
        id_=emit_id(offset),
        source=source,
        time=time,
        n_partitions=2,
        sequence=sequence(offset),
    )
