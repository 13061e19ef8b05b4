"""Rows per second of the drift detector on one core: as deployed, each member alone, all on."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from homeostat.codec import encode_payload
from homeostat.events import ModelRegistered, Samples
from homeostat.events.columns import F4, F8, f8
from homeostat.events.registration import FeatureContract
from homeostat_lab.bench.row import Row, row
from homeostat_lab.bench.workload import FEATURES
from homeostat_lab.evaluation.feeding import Feeder

if TYPE_CHECKING:  # this package knows no service until one is asked for
    from homeostat.services.drift_detector.settings import Settings
    from homeostat.services.drift_detector.state import State

_ROWS: Final = 100
_EVENTS: Final = 64
_SLOW_EVENTS: Final = 4
_SEED: Final = 11
_SUBJECT: Final = "bench/model"


def detector(*, rounds: int = 20, runs: int = 3) -> Iterator[Row]:
    """Measure; every row of every event is labelled, eight features, 100 rows an event, one model.

    Args:
        rounds: Times that 64 events are folded in for one figure.
        runs: Figures behind a median.
    """
    from homeostat.services.drift_detector.settings import MEMBERS, Settings

    events, excluded = _events(), f"all but the fastest of {rounds} rounds; others' time: processor time is counted"
    adwin = [_per_second(lambda: _adwin(events), rounds) for _ in range(runs)]
    decoding = [_per_second(_decoder(events), rounds) for _ in range(runs)]
    yield row("river ADWIN on the errors, row by row", "rows/s", adwin, excluded=excluded)
    yield row("decoding the columns only", "rows/s", decoding, excluded=excluded)
    settings = {
        "drift_detector, as deployed": Settings(),
        **{f"drift_detector, {member} alone": Settings(members=(member,)) for member in MEMBERS},
        "drift_detector, all of ours and ADWIN": Settings(members=MEMBERS[:4]),
        "drift_detector, all members but kswin": Settings(members=tuple(m for m in MEMBERS if m != "kswin")),
    }
    for name, one in settings.items():
        # KSWIN takes a thousand times what others take: a few events say it.
        some = events[:_SLOW_EVENTS] if one.members == ("kswin",) else events
        rates = [_rate(some, one, rounds if some is events else 1) for _ in range(runs)]
        left_out = f"{excluded}; the first time the events are folded"
        if some is not events:
            left_out += f"; {_SLOW_EVENTS} of {_EVENTS} events, one round"
        beside = {"river ADWIN on the errors, row by row": adwin}
        if "alone" not in name:
            beside["decoding the columns only"] = decoding
        for reference, references in beside.items():
            yield row(name, "rows/s", rates, reference=reference, references=references, excluded=left_out)


def _events() -> list[Samples]:
    rng = np.random.default_rng(_SEED)
    events = []
    for number in range(_EVENTS):
        truth = rng.integers(0, 10, _ROWS).astype(F8)
        wrong = rng.random(_ROWS) < 0.1
        events.append(
            Samples(
                version="v1",
                role="champion",
                request=[f"r{number}.{i}" for i in range(_ROWS)],
                time=(number * _ROWS + np.arange(_ROWS, dtype=F8)).tobytes(),
                features=list(FEATURES),
                values=rng.normal(size=(len(FEATURES), _ROWS)).astype(F4).tobytes(),
                prediction=np.where(wrong, (truth + 1.0) % 10.0, truth).tobytes(),
                score=rng.uniform(0.6, 1.0, _ROWS).astype(F8).tobytes(),
                label=truth.tobytes(),
                latency_seconds=rng.lognormal(-3.0, 0.5, _ROWS).astype(F8).tobytes(),
            )
        )
    return events


def fed(settings: "Settings | None" = None, events: Sequence[Samples] = ()) -> "Feeder[State]":
    """Return a detector of one model that has had all events once, or those given."""
    from homeostat.services.drift_detector.fold import DriftDetector

    feeder = Feeder(DriftDetector(settings))
    features = tuple(FeatureContract(name=name) for name in FEATURES)
    feeder.publish(_SUBJECT, ModelRegistered(family="bench", champion="v1", features=features))
    for samples in events or _events():
        feeder.publish(_SUBJECT, samples)
    return feeder


def _rate(events: list[Samples], settings: "Settings", rounds: int) -> float:
    feeder = fed(settings, events)

    def run() -> None:
        for samples in events:
            feeder.publish(_SUBJECT, samples)

    return _per_second(run, rounds, len(events))


def _decoder(events: list[Samples]) -> Callable[[], None]:
    raw = [encode_payload(samples)[0] for samples in events]
    decoder = msgspec.msgpack.Decoder(Samples)

    def run() -> None:
        for value in raw:
            samples = decoder.decode(value)
            samples.matrix()
            for column in (samples.time, samples.prediction, samples.score, samples.label, samples.latency_seconds):
                f8(column)

    return run


def _adwin(events: list[Samples]) -> None:
    from river.drift import ADWIN

    adwin = ADWIN()  # type: ignore[no-untyped-call]  # river
    for samples in events:
        errors = np.frombuffer(samples.prediction, F8) != np.frombuffer(samples.label, F8)
        for error in errors.tolist():
            adwin.update(error)  # type: ignore[no-untyped-call]  # river


def _per_second(run: Callable[[], None], rounds: int, n_events: int = _EVENTS) -> float:
    """Return rows per second of processor time in the least disturbed round: others on the machine do not count."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return n_events * _ROWS / min(seconds)
