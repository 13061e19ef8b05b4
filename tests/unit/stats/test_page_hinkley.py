"""The columnar Page-Hinkley test agrees with river and treats its signals apart."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift

from homeostat.stats import Draws, ZPageHinkley

D = 6
REFERENCE = 12


def start(d: int = D, z_limit: float = 5.0) -> ZPageHinkley:
    return ZPageHinkley.start(d, reference=REFERENCE, delta=0.5, threshold=12.0, z_limit=z_limit)


def stream(key: str, n: int, d: int = D) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return (n, d) Gaussian values; the second half of odd signals is shifted by 4 sd."""
    xs = Draws(key).normal(n * d).reshape(n, d) * 3.0 + 100.0
    xs[n // 2 :, 1::2] += 12.0
    return xs


def test_statistic_is_that_of_river() -> None:
    """River, fed with the reference as zeros and then the z-scores, has the same sums and fires at the same value."""
    xs = stream("river", 200, 2)[:, 1]
    reference = xs[:REFERENCE]
    zs = np.clip((xs[REFERENCE:] - reference.mean()) / reference.std(ddof=1), -5.0, 5.0)
    peer: Any = drift.PageHinkley(min_instances=REFERENCE + 1, delta=0.5, threshold=12.0, alpha=1.0)
    for _ in range(REFERENCE):
        peer.update(0.0)
    ours = start(1)
    for x in reference:
        ours.update(np.array([x]))

    for x, z in zip(xs[REFERENCE:], zs, strict=True):
        fired, statistic = ours.update(np.array([x]))
        peer.update(float(z))
        increase = peer._sum_increase - peer._min_increase  # noqa: SLF001  # river shows no statistic
        decrease = peer._max_decrease - peer._sum_decrease  # noqa: SLF001  # as above
        assert statistic[0] == pytest.approx(max(increase, decrease), abs=1e-9)
        assert bool(fired[0]) == peer.drift_detected
        if fired[0]:
            return
    pytest.fail("the shift was not seen")


def test_only_shifted_signals_fire() -> None:
    """A shift of 4 sd is seen within 15 values in every signal that has it; each fires once, the others never."""
    n = 200
    detector = start()

    fired = np.array([detector.update(x)[0] for x in stream("shift", n)])

    assert fired.sum(axis=0).tolist() == [0, 1, 0, 1, 0, 1]
    assert all(n // 2 <= i < n // 2 + 15 for i in np.argmax(fired[:, 1::2], axis=0))


def test_decreases_are_seen() -> None:
    """The mirrored stream fires at the same values."""
    up, down = start(), start()

    for x in stream("mirror", 200):
        assert up.update(x)[0].tolist() == down.update(-x)[0].tolist()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 59), max_size=30), st.sampled_from([math.nan, math.inf, -math.inf, 1e300]))
def test_missing_values_leave_a_signal_as_it_is(missing: list[int], hole: float) -> None:
    """A signal with holes does what it does without them, whatever the holes hold."""
    xs = stream("holes", 60)
    punched = np.insert(xs, sorted(missing), xs[0], axis=0)
    punched[[i + k for k, i in enumerate(sorted(missing))], 1] = hole
    whole, holed = start(1), start()

    for x in xs:
        whole.update(x[1:2])
    for x in punched:
        holed.update(x)

    assert (holed.n[1], holed.mean[1], holed.m2[1]) == (whole.n[0], whole.mean[0], whole.m2[0])
    assert (holed.z_mean[1], holed.up[1], holed.down[1]) == (whole.z_mean[0], whole.up[0], whole.down[0])


def test_signals_are_independent() -> None:
    """Many signals side by side have the bits of each one alone."""
    xs = stream("alone", 120)
    together, alone = start(), [start(1) for _ in range(D)]

    for x in xs:
        together.update(x)
        for i, one in enumerate(alone):
            one.update(x[i : i + 1])

    assert together.up.tobytes() == b"".join(one.up.tobytes() for one in alone)
    assert together.z_mean.tobytes() == b"".join(one.z_mean.tobytes() for one in alone)


def test_rounding_of_a_constant_is_no_change() -> None:
    """A constant whose batch means differ in the last bit never fires; a real step away from it does."""
    detector = start(2)
    for i in range(200):
        fired, _ = detector.update(np.array([0.1 + (i % 2) * 1.4e-17, 0.0]))
        assert not fired.any()

    fired = np.array([detector.update(np.array([0.2, -1.0]))[0] for _ in range(10)])

    assert fired.any(axis=0).all()


def test_one_outlier_is_clipped() -> None:
    """A single wild value weighs z_limit and does not fire alone."""
    detector = start(1, z_limit=5.0)
    for x in stream("outlier", 40, 1)[:20]:
        detector.update(x)

    fired, statistic = detector.update(np.array([1e9]))

    assert not fired[0]
    assert statistic[0] < 12.0


def test_false_alarms_are_rare() -> None:
    """500 unchanged Gaussian signals give at most 3 alarms per 10,000 values (measured on 1.6 million: 1.3)."""
    d, n = 500, 400
    detector = start(d)
    xs = Draws("false alarms").normal(n * d).reshape(n, d)

    alarms = sum(int(detector.update(x)[0].sum()) for x in xs)

    assert alarms <= 3e-4 * n * d


def test_wrong_shapes_change_nothing() -> None:
    """A row of another width is refused before any change."""
    detector = start()
    detector.update(np.zeros(D))

    with pytest.raises(ValueError, match="signals"):
        detector.update(np.zeros(D + 1))

    assert detector.n.tolist() == [1.0] * D


@pytest.mark.parametrize(
    "bad", [{"reference": 1}, {"delta": -0.1}, {"threshold": 0.0}, {"z_limit": 0.0}, {"delta": math.nan}]
)
def test_settings_are_checked(bad: dict[str, float]) -> None:
    """A setting outside its range is refused."""
    good: dict[str, float] = {"reference": 12, "delta": 0.5, "threshold": 12.0, "z_limit": 5.0}

    with pytest.raises(ValueError, match="must hold"):
        ZPageHinkley.start(2, **{**good, **bad})  # type: ignore[arg-type]  # a dict of settings loses the int
