"""Four weeks of made-up telemetry in which nothing happens but days and weeks: one model for each law."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Answer, Labels, Samples
from homeostat.events.columns import F4, F8, pack

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, Floats, int], Floats]
"""(generator, (rows,) what the time adds, rows) -> (rows,)."""

START: Final = 1_699_833_600.0
"""A Monday, UTC."""

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY


@dataclass(frozen=True)
class Law:
    """What one column is like.

    Args:
        draw: Rows, given what the hour and the weekday add.
        daily: Height of the daily wave, in what `draw` takes it for: standard deviations, or the logarithm of a rate.
        weekly: What Saturday and Sunday add.
        column: Where the values go: `feature`, `prediction`, `score` or `label`.
        open_hours: Hours of the day with rows.
    """

    draw: Draw
    daily: float = 0.0
    weekly: float = 0.0
    column: str = "feature"
    open_hours: range = range(24)

    def level(self, times: Floats) -> Floats:
        """Return what the times add."""
        days = (times - START) / DAY
        level: Floats = self.daily * np.sin(2.0 * np.pi * days) + self.weekly * (np.floor(days) % 7 >= 5)
        return level


def _gauss(rng: np.random.Generator, level: Floats, n: int) -> Floats:
    return rng.normal(size=n) + level


def _flag(p: float) -> Draw:
    return lambda rng, level, n: (rng.random(n) < np.minimum(p * np.exp(level), 1.0)).astype(F8)


def _poisson(rate: float) -> Draw:
    return lambda rng, level, n: rng.poisson(rate * np.exp(level), n).astype(F8)


def _memory(rng: np.random.Generator, level: Floats, n: int) -> Floats:
    noise = rng.normal(size=n)
    for i in range(1, n):
        noise[i] = 0.7 * noise[i - 1] + np.sqrt(1.0 - 0.49) * noise[i]
    return noise + level


LAWS: Final[dict[str, Law]] = {
    "gauss": Law(_gauss),
    "gauss by day": Law(_gauss, daily=1.0),
    "gauss by day, high": Law(_gauss, daily=3.0),
    "gauss at weekends": Law(_gauss, weekly=-1.0),
    "gauss by day, at weekends": Law(_gauss, daily=1.0, weekly=-1.0),
    "gauss by day, closed at night": Law(_gauss, daily=1.0, open_hours=range(6, 22)),
    "gauss at weekends, closed at night": Law(_gauss, weekly=1.0, open_hours=range(7, 20)),
    "t3 by day": Law(lambda rng, level, n: rng.standard_t(3.0, n) + level, daily=1.0),
    "cauchy": Law(lambda rng, level, n: rng.standard_cauchy(n) + level, daily=0.5),
    "lognormal by day": Law(lambda rng, level, n: np.exp(rng.normal(size=n) + level), daily=0.7),
    "uniform by day": Law(lambda rng, level, n: rng.random(n) + 0.3 * level, daily=1.0),
    "rounded by day": Law(lambda rng, level, n: np.floor(2.0 * (rng.normal(size=n) + level)), daily=1.0),
    "spread by day": Law(lambda rng, level, n: rng.normal(size=n) * np.exp(level), daily=0.5),
    "memory": Law(_memory),
    "memory by day": Law(_memory, daily=1.0, weekly=0.5),
    "temperature": Law(lambda rng, level, n: 15.0 + 5.0 * level + 0.5 * rng.normal(size=n), daily=1.0),
    "counts by day": Law(_poisson(20.0), daily=0.5),
    "small counts by day": Law(_poisson(0.3), daily=0.7, weekly=-0.5),
    "rare flag": Law(_flag(0.005)),
    "rare flag by day": Law(_flag(0.005), daily=0.7),
    "flag by day": Law(_flag(0.1), daily=0.7),
    "flag at weekends": Law(_flag(0.3), weekly=-0.7),
    "constant": Law(lambda rng, level, n: np.full(n, 7.0)),
    "classes": Law(lambda rng, level, n: rng.integers(0, 10, n) + level, column="prediction"),
    "share of a class by day": Law(_flag(0.3), daily=0.5, column="prediction"),
    "scores by day": Law(
        lambda rng, level, n: np.clip(0.85 + 0.05 * (rng.normal(size=n) + level), 0.0, 1.0), daily=1.0, column="score"
    ),
    "labels by day, a day late": Law(_flag(0.3), daily=0.5, column="label"),
}


@dataclass(frozen=True)
class Planted:
    """A shift.

    Args:
        at: Event time.
        level: What it adds to the level from then on.
    """

    at: float
    level: float


def served(
    law: Law, rng: np.random.Generator, *, days: int, minutes: int, rows: int, planted: Planted | None = None
) -> Iterator[tuple[float, Samples | Labels]]:
    """Yield the event time and the rows of each event; labels, where the law is about them, come a day later."""
    waiting = deque[tuple[float, Labels]]()
    for event in range(days * 24 * 60 // minutes):
        time = START + event * 60.0 * minutes
        if int(time % DAY / HOUR) not in law.open_hours:
            continue
        times = time + np.arange(float(rows)) * (60.0 * minutes / rows)
        level = law.level(times) + (planted.level * (times >= planted.at) if planted is not None else 0.0)
        values, feature = law.draw(rng, level, rows), rng.normal(size=rows)
        prediction, score = np.zeros(rows), np.full(rows, np.nan)
        request = [f"{event}-{row}" for row in range(rows)]
        if law.column == "feature":
            feature = values
        elif law.column == "score":
            score = values
        elif law.column == "prediction":
            prediction = values
        else:
            prediction = np.where(rng.random(rows) < 0.1, 1.0 - values, values)
            answers = [Answer("v1", "champion", pack(prediction.tolist()), pack(score.tolist()))]
            known_at, lags = pack((times + DAY).tolist()), pack([DAY] * rows)
            waiting.append((time + DAY, Labels(request, pack(values.tolist()), known_at, answers, lags)))
        yield (
            time,
            Samples(
                version="v1",
                role="champion",
                request=request,
                time=times.astype(F8).tobytes(),
                features=["x"],
                values=feature.astype(F4).tobytes(),
                prediction=prediction.astype(F8).tobytes(),
                score=score.astype(F8).tobytes(),
                label=b"",
            ),
        )
        while waiting and waiting[0][0] <= time:
            yield waiting.popleft()
