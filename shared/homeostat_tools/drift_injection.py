"""A drift put into a recorded or live stream on purpose, to see whether anybody notices."""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.events import Labels, Samples
from homeostat.events.columns import F4, F8, f8
from homeostat.stats.keyed_rng import Draws

Kind = Literal["mean-shift", "scale", "class-prior", "label-swap", "feature-outage"]
Course = Literal["abrupt", "gradual", "recurring"]
_MOST_REQUESTS: Final = 100_000
_OUTAGE: Final = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What is put in.

    Args:
        kind: `mean-shift` adds `size` standard deviations of the feature before the onset; `scale` multiplies its
            distance from its mean by `size`; `class-prior` leaves out a share `size` of the rows of class `label`;
            `label-swap` exchanges the truths `label` and `other`; `feature-outage` makes the feature stand still at 0.
        course: From the onset on; with a chance that rises over `width` rows; or on and off every `width` rows.
        onset: Row from which it holds, >= 1: rows before say what is normal.
        width: Rows, for gradual and recurring, >= 1.
        size: See `kind`.
        feature: Which moves; for the kinds that move one.
        label: Class.
        other: Class it is exchanged with.
        seed: Of what is left to chance.
    """

    kind: Kind
    course: Course = "abrupt"
    onset: int = 1000
    width: int = 500
    size: float = 1.0
    feature: str = ""
    label: float = 0.0
    other: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no drift.

        Raises:
            ValueError: A setting outside its range.
        """
        if self.onset < 1 or self.width < 1:
            raise ValueError(f"onset {self.onset} and width {self.width} must be at least 1 row")
        if self.kind in ("mean-shift", "scale", "feature-outage") and not self.feature:
            raise ValueError(f"{self.kind} needs the name of a feature")
        if self.kind == "class-prior" and not 0.0 < self.size <= 1.0:
            raise ValueError(f"class-prior leaves out a share in (0, 1], not {self.size:g}")
        if self.kind == "label-swap" and self.label == self.other:
            raise ValueError("label-swap needs two classes")


class Injector:
    """Changes one model's stream, event after event; the same events and settings give the same stream.

    Rows after the onset are marked as synthetic, whole events at a time; so is nothing before it.

    Args:
        injection: What is put in.
    """

    def __init__(self, injection: Injection) -> None:
        self._what = injection
        self._draws = Draws(f"injection/{injection.seed}")
        self._row = 0
        self._n, self._mean, self._squares = 0, 0.0, 0.0
        self._moved: dict[str, None] = {}
        self._left_out: dict[str, None] = {}

    def samples(self, samples: Samples) -> Samples | None:
        """Change served rows.

        Returns:
            The event with what is left of its rows, without provenance; None if none is left.

        Raises:
            ValueError: The stream has no feature of that name; nothing was changed.
        """
        what, n = self._what, samples.n_rows
        if what.feature and what.feature not in samples.features:
            raise ValueError(f"no feature {what.feature!r}; there are: {', '.join(samples.features)}")
        is_active = self._active(n)
        is_late = self._row + n > what.onset
        self._row += n
        changed = msgspec.structs.replace(samples, provenance=None, is_synthetic=is_late)
        if what.feature:
            changed = msgspec.structs.replace(changed, values=self._features(samples, is_active))
        if what.kind == "label-swap":
            for row in np.flatnonzero(is_active).tolist():
                _remember(self._moved, samples.request[row])
            if samples.label:
                label = np.where(is_active, self._swapped(f8(samples.label)), f8(samples.label))
                changed = msgspec.structs.replace(changed, label=label.astype(F8).tobytes())
        if what.kind == "class-prior":
            truth = f8(samples.label) if samples.label else f8(samples.prediction)
            is_left_out = is_active & (truth == what.label) & (self._draws.uniform(n) < what.size)
            for row in np.flatnonzero(is_left_out).tolist():
                _remember(self._left_out, samples.request[row])
            return _kept(changed, ~is_left_out)
        return changed

    def labels(self, labels: Labels) -> Labels | None:
        """Change truths that come late: of rows that were served while the drift held.

        Returns:
            The event as a client would send it; None if no label is left.
        """
        keep = np.array([request not in self._left_out for request in labels.request])
        if not keep.any():
            return None
        request = [request for request, is_kept in zip(labels.request, keep, strict=True) if is_kept]
        label = f8(labels.label)[keep]
        is_moved = np.array([one in self._moved for one in request])
        label = np.where(is_moved, self._swapped(label), label)
        return Labels(request=request, label=label.astype(F8).tobytes(), time=f8(labels.time)[keep].tobytes())

    def _active(self, n: int) -> NDArray[np.bool_]:
        what, rows = self._what, self._row + np.arange(n)
        since = rows - what.onset
        if what.course == "recurring":
            is_on: NDArray[np.bool_] = (since >= 0) & (since // what.width % 2 == 0)
            return is_on
        if what.course == "gradual":
            chance: NDArray[np.bool_] = self._draws.uniform(n) < since / what.width
            return chance
        after: NDArray[np.bool_] = since >= 0
        return after

    def _features(self, samples: Samples, is_active: NDArray[np.bool_]) -> bytes:
        what, values = self._what, samples.matrix().astype(np.float64)
        column = values[samples.features.index(what.feature)]
        before = np.arange(self._row - samples.n_rows, self._row) < what.onset
        for value in column[before & np.isfinite(column)].tolist():
            self._n += 1
            difference = value - self._mean
            self._mean += difference / self._n
            self._squares += difference * (value - self._mean)
        deviation = float(np.sqrt(self._squares / (self._n - 1))) if self._n > 1 else 1.0
        if what.kind == "mean-shift":
            moved = column + what.size * (deviation or 1.0)
        elif what.kind == "scale":
            moved = self._mean + what.size * (column - self._mean)
        else:
            moved = np.full(column.size, _OUTAGE)
        column[:] = np.where(is_active, moved, column)
        return values.astype(F4).tobytes()

    def _swapped(self, label: NDArray[np.float64]) -> NDArray[np.float64]:
        what = self._what
        return np.where(label == what.label, what.other, np.where(label == what.other, what.label, label))


def _kept(samples: Samples, keep: NDArray[np.bool_]) -> Samples | None:
    """Leave rows out."""
    if keep.all():
        return samples
    if not keep.any():
        return None
    place = dict(zip(np.flatnonzero(keep).tolist(), range(int(keep.sum())), strict=True))
    inputs = samples.captured_inputs()
    captured = [row for row in samples.captured if row in place]
    of = {row: i for i, row in enumerate(samples.captured)}
    columns = ("time", "prediction", "score", "label", "latency_seconds")
    shorter = {name: f8(getattr(samples, name))[keep].tobytes() for name in columns if getattr(samples, name)}
    return msgspec.structs.replace(
        samples,
        request=[request for request, is_kept in zip(samples.request, keep, strict=True) if is_kept],
        values=np.ascontiguousarray(samples.matrix()[:, keep]).tobytes(),
        captured=[place[row] for row in captured],
        inputs=np.ascontiguousarray(inputs[[of[row] for row in captured]]).tobytes() if captured else b"",
        **shorter,
    )


def _remember(requests: dict[str, None], request: str) -> None:
    """Keep the newest requests; labels that come later than for 100,000 rows are left as they are."""
    requests[request] = None
    if len(requests) > _MOST_REQUESTS:
        del requests[next(iter(requests))]
