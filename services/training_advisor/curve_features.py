"""What a learning curve and its neighbours on the same task say about its next stretch, as features.

Everything is squashed by fixed scales to about [-1, 1], so that nothing has to be estimated before learning begins.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.portable import exp, fixed_row_sums, fixed_sum

Floats = NDArray[np.float64]

_LN2: Final = 0.69314718055994530942
_FINE: Final = 0.01
_MIDDLE: Final = 0.02
_COARSE: Final = 0.05
"""Differences of results are told apart best about these: one, two and five points."""
_FAR: Final = 1e-3
"""Weight of a neighbour that is not alike at all."""
_BACK: Final = 17
"""Half-octaves of the past that are looked at; a shorter curve is taken as flat before it begins."""
_WINDOW: Final = 9
"""Half-octaves that power laws are fitted to."""
_DECAYS: Final = (0.25, 0.5, 1.0)
"""Exponents of rows in the power laws; their two other parameters are fitted by weighted least squares."""
_RIDGE: Final = 1e-3
_NOISE_WINDOW: Final = 7
_FIRST_NOISE: Final = 0.02
_CARRY: Final = 0.7
"""Share of the last gain expected of the next where the curve does not say."""
_N_CORE: Final = 11
_PAIRS: Final = np.triu_indices(_N_CORE)
SIZE: Final = 2 * 27 + 11 + _N_CORE * (_N_CORE + 1) // 2
"""Number of features."""


def _power_laws() -> dict[int, Floats]:
    """By length of the window: (decays, length) weights whose products with it sum to the slope of each law."""
    decays = np.array(_DECAYS)[:, None]
    found = {}
    for n in range(3, _WINDOW + 1):
        places = np.arange(1.0 - n, 1.0)
        x = exp(-_LN2 / 2.0 * decays * places)
        w = exp(_LN2 / 4.0 * places) * np.ones_like(x)  # more rows, less noise
        centred = x - fixed_row_sums(w * x)[:, None] / fixed_row_sums(w)[:, None]
        found[n] = w * centred / (fixed_row_sums(w * centred * centred)[:, None] + _RIDGE)
    return found


_LAWS: Final = _power_laws()


@dataclass(frozen=True, slots=True)
class CurveShape:
    """A curve up to its anchor.

    Args:
        now: Result at the anchor.
        differences: (13,) along the curve and as power laws continue it.
        noise: Standard deviation of a result about its neighbours.
        rises: Share of the last steps that went up.
        length: Half-octaves of it, of 20.
    """

    now: float
    differences: Floats
    noise: float
    rises: float
    length: float


def filled(levels: Floats, anchor: int) -> list[float]:
    """Results from the first size run up to `anchor`, with straight lines over sizes that were not run."""
    out: list[float] = []
    last = -1
    for slot, value in enumerate(levels[: anchor + 1].tolist()):
        if value != value:
            continue
        if last >= 0:
            start, step = out[-1], (value - out[-1]) / (slot - last)
            out += [start + step * i for i in range(1, slot - last)]
        out.append(value)
        last = slot
    return out


def shape_of(levels: Floats, anchor: int, growth: int) -> CurveShape:
    """Describe a curve.

    Args:
        levels: (slots,) its results; the one at `anchor` is known.
        anchor: Half-octave of the training set so far.
        growth: Half-octaves that it would grow by, >= 1.
    """
    curve = filled(levels, anchor)
    n = len(curve)
    past = [curve[0]] * (_BACK - n) + curve
    now = past[-1]
    one, two, four, eight = (now - past[-1 - back] for back in (1, 2, 4, 8))
    reach = min(growth, (_BACK - 1) // 2)
    last = now - past[-1 - reach]
    second = past[-1 - reach] - past[-1 - 2 * reach]
    ratio = min(1.0, max(0.0, last / second)) if second > 0.002 and last > 0.0 else _CARRY
    laws = [last] * len(_DECAYS)
    if n >= 3:
        slopes = fixed_row_sums(_LAWS[min(n, _WINDOW)] * np.array(curve[-_WINDOW:]))
        laws = [
            slope * (exp(-_LN2 / 2.0 * decay * growth) - 1.0)
            for slope, decay in zip(slopes.tolist(), _DECAYS, strict=True)
        ]
    window = np.array(curve[-_NOISE_WINDOW:])
    bends = window[2:] - 2.0 * window[1:-1] + window[:-2]
    noise = float(np.sqrt(fixed_sum(bends * bends) / (6.0 * len(bends)))) if n >= 3 else _FIRST_NOISE
    rises = np.count_nonzero(window[1:] > window[:-1]) / max(1, len(window) - 1)
    bend = one - (past[-2] - past[-3])
    ends = [last, second, last * ratio, max(curve) - now]
    differences = np.array([one, two, four, eight, past[-2] - past[-3], bend, *ends, *laws])
    return CurveShape(now, differences, noise, rises, min(n, 20) / 20.0)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The other curves of a task, where one may grow.

    Args:
        rows: (n,) rows of the curves that went the same way before.
        gains: (n,) their gains.
        differences: (11,) that tell about the curve; 0 where nothing is known.
        share: Share of them that gained more than a point.
    """

    rows: NDArray[np.int64]
    gains: Floats
    differences: Floats
    share: float


def _mean(values: Floats) -> float:
    return fixed_sum(values) / len(values)


def _alike(distances: Floats, scale: float) -> Floats:
    """Weights of neighbours at these distances: a bell made of products only; unknown ones are at two scales."""
    ratios = np.where(distances == distances, distances, 2.0 * scale) / scale
    bell = 1.0 + ratios * ratios
    return 1.0 / (bell * bell) + _FAR


def neighbours_of(levels: Floats, row: int, anchor: int, target: int) -> Neighbours:
    """Describe the neighbours of a curve.

    Args:
        levels: (curves, slots) results on the task.
        row: The curve.
        anchor: Its half-octave.
        target: Half-octave it may grow to.
    """
    here = levels[:, anchor]
    now = here[row]
    steps = levels[:, target] - here
    known = steps == steps
    known[row] = False
    rows = np.flatnonzero(known)
    gains = steps[rows]
    others = levels.copy()
    others[row] = np.nan
    top = np.fmax.reduce(others, axis=None) - now
    before = max(0, anchor - (target - anchor))
    past = here - levels[:, before]
    past[row] = np.nan
    earlier = past[past == past]
    differences = np.zeros(11)
    if top == top:
        differences[7] = top
    if len(earlier):
        differences[6] = _mean(earlier)
    if not len(rows):
        return Neighbours(rows, gains, differences, 0.0)
    at = here[rows] - now
    level = _alike(at, _COARSE)
    slopes = here - levels[:, max(0, anchor - 2)]
    slope = _alike(slopes[rows] - slopes[row], _MIDDLE)
    both = level * slope
    mean = _mean(gains)
    spread = gains - mean
    differences[:6] = (
        mean,
        np.sort(gains)[len(gains) // 2],
        fixed_sum(level * gains) / fixed_sum(level),
        fixed_sum(slope * gains) / fixed_sum(slope),
        fixed_sum(both * gains) / fixed_sum(both),
        float(np.sqrt(_mean(spread * spread))),
    )
    differences[8:11] = (levels[rows, target].max() - now, at.max(), _mean(at))
    return Neighbours(rows, gains, differences, np.count_nonzero(gains > _FINE) / len(gains))


def _squashed(x: Floats, scale: float) -> Floats:
    return x / (np.abs(x) + scale)


def features(
    shape: CurveShape, near: Neighbours, pair: tuple[float, float], anchor: int, growth: int
) -> tuple[Floats, Floats, Floats]:
    """Return (SIZE,) features, and the few of them that corrections of a configuration and of a task are linear in.

    Args:
        shape: Of the curve.
        near: Its neighbours.
        pair: Gain and its standard deviation as `PairwiseGains` expects it; zeros without neighbours.
        anchor: Half-octave of the training set so far.
        growth: Half-octaves that it would grow by.
    """
    is_alone = float(not len(near.rows))
    raw = np.concatenate((shape.differences, (shape.noise, *pair), near.differences))
    place, grown = anchor / 20.0 - 1.0, growth / 2.0 - 1.5
    level = min(3.0, max(-3.0, shape.now))
    marks = (1, 2, 6, 13, 20, 14, 23)
    core = np.concatenate((_squashed(raw[list(marks)], _MIDDLE), (level - 0.7, place, grown, is_alone)))
    plain = (1.0, level, 0.1 / max(0.02, 1.02 - level), place, grown, place * grown, shape.rises)
    beside = (min(len(near.rows), 10) / 10.0, near.share, is_alone, shape.length)
    products = (core[:, None] * core)[_PAIRS]
    every = np.concatenate((_squashed(raw, _FINE), _squashed(raw, _COARSE), plain, beside, products))
    return every, np.concatenate(((1.0,), core[:6], core[8:10])), np.array([1.0, place, grown])
