"""The benchmarks by name. Each part has a broker of its own, so that none inherits another's topics and caches."""

from collections.abc import Callable, Iterator
from typing import Final

from homeostat_lab.bench import floods, hops, http_door, policy, recovery, scale, serving, throughput
from homeostat_lab.bench.ground import Ground, ground
from homeostat_lab.bench.row import BenchFailed, Row, missing

Say = Callable[[str], None]


def _pipeline(say: Say, *, is_quick: bool) -> Iterator[Row]:
    runs = 1 if is_quick else 3
    n = 20_000 if is_quick else 100_000
    parts: list[tuple[str, Callable[[Ground], Iterator[Row]]]] = [
        ("one host against the limit and Faust", lambda g: throughput.against_limit(g, n=n, runs=runs)),
        ("intake and drift_detector", lambda g: throughput.services(g, n=n, runs=runs)),
        ("four hops", lambda g: hops.four_hops(g, n=100 if is_quick else 500, runs=runs)),
        ("telemetry to policy", lambda g: policy.telemetry_to_policy(g, n=20 if is_quick else 100)),
        ("recovery", lambda g: recovery.recovery(g, runs=runs)),
        ("memory", policy.memory),
    ]
    for name, part in parts:
        say(name)
        with ground(say) as own:
            try:
                yield from part(own)
            except BenchFailed as failed:  # the other parts stand for themselves
                yield missing(name, "", f"{failed}{own.last_words()}")


def _scale(say: Say, *, is_quick: bool) -> Iterator[Row]:
    say("three folds in memory")
    yield from scale.scale(200 if is_quick else 10_000)


def _floods(say: Say, *, is_quick: bool) -> Iterator[Row]:
    say("floods")
    with ground(say) as own:
        try:
            yield from floods.floods(own, 0.02 if is_quick else 1.0)
        except BenchFailed as failed:
            yield missing("floods", "", f"{failed}{own.last_words()}")


def _serving(say: Say, *, is_quick: bool) -> Iterator[Row]:
    say("a model that serves itself")
    with ground(say) as own:
        yield from serving.serving(own, n=500 if is_quick else 20_000)


def _http(say: Say, *, is_quick: bool) -> Iterator[Row]:
    say("events over HTTP")
    with ground(say) as own:
        try:
            yield from http_door.over_http(own, n=500 if is_quick else 5_000, runs=1 if is_quick else 3)
        except BenchFailed as failed:
            yield missing("events over HTTP", "", f"{failed}{own.last_words()}")


def _learning(say: Say, *, is_quick: bool) -> Iterator[Row]:
    from homeostat_lab.bench.learning_decisions import decisions
    from homeostat_lab.bench.learning_detector import detector
    from homeostat_lab.bench.learning_maml import maml
    from homeostat_lab.bench.learning_memory import memory

    runs = 1 if is_quick else 3
    say("drift detector")
    yield from detector(rounds=2 if is_quick else 8, runs=runs)
    say("decisions")
    n_decisions = 100 if is_quick else 1000
    yield from decisions(n_decisions, runs)
    say("meta-training")
    yield from maml(runs=runs, seconds=0.2 if is_quick else 2.0)
    say("memory")
    yield from memory(n_decisions)


_BENCHMARKS: Final[dict[str, Callable[..., Iterator[Row]]]] = {
    "pipeline": _pipeline,
    "scale": _scale,
    "learning": _learning,
    "floods": _floods,
    "serving": _serving,
    "http": _http,
}
NAMES: Final = tuple(_BENCHMARKS)


def run(name: str, *, is_quick: bool = False, say: Say = lambda _: None) -> Iterator[Row]:
    """Run a benchmark; yield its rows as they are measured.

    Args:
        name: One of `NAMES`.
        is_quick: Small numbers and one run each: shows that it works, not how fast.
        say: Told what is being measured.

    Raises:
        KeyError: There is no such benchmark.
        BenchFailed: A measurement of `scale` could not be made; in `pipeline` its row says so, and the others follow.
        KafkaUnavailable: No Kafka can be had.
    """
    return _BENCHMARKS[name](say, is_quick=is_quick)
