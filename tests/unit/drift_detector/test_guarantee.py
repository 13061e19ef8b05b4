"""Detectors with a guarantee: what they find, what they carry, what is told below the guarantee."""

import math

import numpy as np
import pytest
from tests.unit.drift_detector.stream import MODEL, Stream, of, registered, run

from homeostat.core import Payload
from homeostat.events import DeploymentObserved, DriftCleared, DriftDetected, EvidenceUpdated, Samples
from homeostat.events.columns import F8
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings


def _served(stream: Stream, labels: list[float], *, n: int = 50) -> Samples:
    """Rows that are all labelled and all right."""
    truth = np.asarray(stream.rng.choice(labels, n), F8)
    samples = stream.samples()
    return Samples(
        version="v1",
        role="champion",
        request=samples.request,
        time=samples.time,
        features=samples.features,
        values=samples.values,
        prediction=truth.tobytes(),
        score=samples.score,
        label=truth.tobytes(),
    )


def test_the_event_carries_the_evidence() -> None:
    """Of moved inputs: e-value in bits, run length, rows of the reference."""
    stream = Stream(1)
    timeline: list[Payload] = [*stream.quiet(40), *(stream.samples(0.05, [0.0, 0.5]) for _ in range(20))]

    (_, found), *_ = of(run(timeline)[1], DriftDetected)

    assert found.detector == "martingale"
    assert found.features[0] == "f1"
    assert found.log2_e is not None
    assert found.log2_e > 10.0
    assert found.statistic >= found.threshold == pytest.approx(math.log2(4e8))
    assert (found.guarantee, found.reference_rows) == (1e8, 512)


def test_a_share_of_classes_that_moves_is_a_drift_of_the_data() -> None:
    """Nine of ten classes no longer come; nothing is wrong, the features stay: the label is guilty."""
    stream = Stream(2)
    fold = DriftDetector(Settings(columns=("label",)))
    timeline: list[Payload] = [
        registered(),
        *(_served(stream, [float(i) for i in range(10)]) for _ in range(40)),
        *(_served(stream, [3.0]) for _ in range(30)),
    ]

    (_, found), *_ = of(run(timeline, fold=fold)[1], DriftDetected)

    assert (found.kind, found.features) == ("data", ("label",))


def test_rare_errors_that_double_are_bet_on() -> None:
    """From 2 % to 8 %: below what the level check looks at; found by betting, with evidence."""
    stream = Stream(3, n_labels=50)
    fold = DriftDetector(Settings(members=("betting",)))
    timeline: list[Payload] = [*stream.quiet(60, 0.02), *(stream.samples(0.08) for _ in range(60))]

    (_, found), *_ = of(run(timeline, fold=fold)[1], DriftDetected)

    assert (found.kind, found.detector, found.guarantee) == ("concept", "betting", 1e8)
    assert found.log2_e is not None
    assert found.log2_e > 10.0


def test_quiet_models_alarm_nobody() -> None:
    """Eight models of 150 events: nothing detected by the detectors with a guarantee."""
    fold = DriftDetector(Settings(members=("martingale", "betting")))

    found = [of(run(Stream(seed).quiet(150), fold=fold)[1], DriftDetected) for seed in range(8)]

    assert found == [[]] * 8


def test_evidence_below_the_guarantee_is_told() -> None:
    """A shift too small for the run length: bits come one by one under the family's key, and never exceed what is."""
    stream = Stream(4, n_features=1)
    fold = DriftDetector(Settings(columns=(), run_length=1e30, is_seasonal=False))
    state, emits = run([*stream.quiet(20), *(stream.samples(0.05, [0.4]) for _ in range(24))], fold=fold)

    told = [event.log2_e for _, event in of(emits, EvidenceUpdated)]

    assert len(told) >= 3
    assert {emit.subject for _, emit in emits if isinstance(emit.data, EvidenceUpdated)} == {"acme/cameras"}
    assert state.monitors.published_bits <= math.log2(state.monitors.rows.watch.bets.e_value)  # type: ignore[union-attr]  # is on
    assert told[-1] == pytest.approx(state.monitors.published_bits)


def test_evidence_that_falls_back_is_taken_back() -> None:
    """After a passing shift the last event says less than the one before."""
    stream = Stream(5, n_features=1)
    fold = DriftDetector(Settings(columns=(), run_length=1e30, is_seasonal=False))
    timeline: list[Payload] = [
        *stream.quiet(20),
        *(stream.samples(0.05, [0.5]) for _ in range(4)),
        *(stream.samples() for _ in range(60)),
    ]

    told = [event.log2_e for _, event in of(run(timeline, fold=fold)[1], EvidenceUpdated)]

    assert max(told) >= 4.0
    assert told[-1] < 4.0


@pytest.mark.parametrize("member", ["adwin", "page_hinkley", "kswin", "hddm_a", "hddm_w", "betting"])
def test_each_member_of_errors_finds_a_jump(member: str) -> None:
    """From 5 % to 60 %, switched on alone."""
    stream = Stream(6, n_labels=50)
    fold = DriftDetector(Settings(members=(member,)))
    timeline: list[Payload] = [*stream.quiet(30), *(stream.samples(0.6) for _ in range(20))]

    state, emits = run(timeline, fold=fold, splits={35})

    assert "concept" in [event.kind for _, event in of(emits, DriftDetected)]
    assert state.monitors.rows is None


def test_what_there_is_not_is_refused() -> None:
    """An unknown member or column is a mistake of the settings."""
    with pytest.raises(ValueError, match="no member 'cusum'"):
        Settings(members=("cusum",))
    with pytest.raises(ValueError, match="no column 'size'"):
        Settings(columns=("size",))


def test_after_a_clearance_the_inputs_are_learned_anew() -> None:
    """What moved and did no harm is the new normal: no evidence is left of it."""
    stream = Stream(7)
    timeline: list[Payload] = [*stream.quiet(40), *(stream.samples(0.05, [1.0]) for _ in range(80))]

    state, emits = run(timeline)

    assert len(of(emits, DriftDetected)) == len(of(emits, DriftCleared)) == 1
    assert state.monitors.published_bits == 0.0
    assert state.family
    assert MODEL.startswith("acme/")


def test_evidence_against_a_champion_ends_with_it() -> None:
    """After a deployment what was told is taken back: nothing stale may count for the family."""
    stream = Stream(4, n_features=1)
    fold = DriftDetector(Settings(columns=(), run_length=1e30, is_seasonal=False))
    timeline = [*stream.quiet(20), *(stream.samples(0.05, [0.4]) for _ in range(24))]
    timeline += [DeploymentObserved(version="v2"), *(stream.samples(version="v2") for _ in range(2))]

    told = of(run(timeline, fold=fold)[1], EvidenceUpdated)

    assert told[-2][1].log2_e >= 4.0
    assert (told[-1][0], told[-1][1].version) == (46, "v2")
    assert told[-1][1].log2_e < 0.0


def test_nothing_is_told_while_risen_errors_are_open() -> None:
    """Inputs that move under an open drift of the errors open no story, and leave no evidence behind."""
    stream = Stream(8)
    timeline: list[Payload] = [
        *stream.quiet(40),
        *(stream.samples(0.7) for _ in range(10)),
        *(stream.samples(0.7, [0.5]) for _ in range(20)),
    ]

    state, emits = run(timeline, fold=DriftDetector(Settings(columns=(), run_length=1e30, is_seasonal=False)))

    (at, found), *_ = of(emits, DriftDetected)
    assert found.kind == "concept"
    assert not [offset for offset, _ in of(emits, EvidenceUpdated) if offset > at]
    assert state.monitors.published_bits == 0.0
