"""Streams in which nothing changes, by the law of their rows, and a monitor that has seen a reference."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from homeostat.stats.exchangeability import ExchangeabilityMonitor

Draw = Callable[[np.random.Generator, int], np.ndarray]


_NORMAL = NormalDist()


LAWS: dict[str, Draw] = {
    "gauss": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "t3": lambda rng, n: rng.standard_t(3.0, size=n),
    "classes": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "rare": lambda rng, n: (rng.random(n) < 0.03).astype(float),
    "ar": lambda rng, n: autoregressive(rng, n, 0.6),
}


def autoregressive(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    values, noise = np.empty(n), rng.normal(size=n)
    last = noise[0] / math.sqrt(1.0 - phi * phi)
    for i in range(n):
        values[i] = last = phi * last + noise[i]
    return values


def watched(columns: list[np.ndarray], *, batch: int = 50) -> tuple[ExchangeabilityMonitor, float]:
    """Run a watch over columns; return it and its largest statistic."""
    x = np.stack(columns).astype(np.float32)
    watch, most = ExchangeabilityMonitor.start(len(columns), first=128, full=512), 0.0
    for start in range(0, x.shape[1], batch):
        watch.update(x[:, start : start + batch])
        most = max(most, watch.bets.statistic)
    return watch, most
