"""Thresholds as the series `homeostat_alert_threshold`, beside the signals they are for.

Alert rules stay where they are and compare the two series; the hand only moves the threshold. Source:
https://www.robustperception.io/using-time-series-as-alert-thresholds
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Final, Literal, NamedTuple

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.core import Halt
from homeostat.durable_file import replace_file
from homeostat.events import Band, ThresholdMoved
from homeostat.events.series import Attribute, Series, attributes_text, key_of_band, narrowest, series_of
from homeostat.telemetry import metrics

_MAX_SERIES: Final = 64
"""Of one model that have a layer: as many as the detector tracks."""

_MAX_SOURCES: Final = 16
"""Incarnations of the governance log that a fence remembers."""


class _Threshold(msgspec.Struct, frozen=True):
    """One approved band of a model: the threshold where no series says another, and the highest sequence by source."""

    value: float
    rate: float
    low: float
    high: float
    eta: float
    fences: dict[str, str]
    operating_point: Literal["page", "rate"] = "rate"
    signal: str = ""
    layer: str | None = None
    attributes: dict[str, Attribute] | None = None


class _Moved(NamedTuple):
    """Threshold and value of a series that has a layer, as they were told last."""

    series: Series
    threshold: float
    value: float
    operating_point: str


_State = dict[str, dict[str, _Threshold]]
"""By model and what the band holds for."""
_Labels = tuple[str, str, str, str]
"""Of a shown value: model, signal, layer, attributes."""


class ThresholdFileUnreadable(Halt):
    """The state file holds something else.

    Operator: restore it, or delete it; thresholds come back with the next command and move.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"thresholds in {path}: {why}; restore the file, or delete it")
        self.path = path


class PrometheusThresholds(Collector):
    """A `ThresholdTarget`, and the collector that shows it: `registry.register(target)`.

    May be scraped from another thread. Thresholds of series with a layer are shown, not kept, like the signals: the
    next move brings both again.

    Args:
        path: State file, replaced whole at each change.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._state = self._read()
        self._signals: dict[tuple[str, str], float] = {}
        self._moved: dict[str, dict[str, _Moved]] = {}

    def approve(self, model: str, source: str, sequence: str, band: Band) -> bool:
        """See `ThresholdTarget.approve`; a threshold that was never set starts at the band's high end."""
        key = key_of_band(band)
        old = self._state.get(model, {}).get(key)
        fences = old.fences if old is not None else {}
        last = fences.get(source, "")
        if sequence <= last:
            return sequence == last
        others = [item for item in fences.items() if item[0] != source][-_MAX_SOURCES + 1 :]
        value = band.high if old is None else min(max(old.value, band.low), band.high)
        self._set(model, key, _of_band(band, value, dict([*others, (source, sequence)])))
        return True

    def band(self, model: str, series: Series) -> Band | None:
        """See `ThresholdTarget.band`."""
        found = self._state.get(model, {}).get(series.key)
        return _band(series.key, found) if found is not None else None

    def moved(self, model: str, moved: ThresholdMoved) -> None:
        """See `ThresholdTarget.moved`; the signal's value is shown, not kept: the next move brings it again.

        One operating point of a signal is shown, the one that was approved last. Of series with a layer as many are
        shown as are tracked; the one that was told of least lately leaves.
        """
        series = series_of(moved.signal, moved.layer, moved.attributes)
        found = self._counts(model, series)
        if found is None or found[1].operating_point != moved.operating_point:
            return
        key, old = found
        if series.layer is not None:
            with self._lock:
                of_model = self._moved.setdefault(model, {})
                of_model.pop(series.key, None)
                of_model[series.key] = _Moved(series, moved.threshold, moved.value, moved.operating_point)
                if len(of_model) > _MAX_SERIES:
                    del of_model[next(iter(of_model))]
            return
        with self._lock:
            self._signals[model, moved.signal] = moved.value
        value = min(max(moved.threshold, old.low), old.high)
        if value != old.value:
            self._set(model, key, msgspec.structs.replace(old, value=value))

    def collect(self) -> Iterator[Metric]:
        """Yield the thresholds and the signals."""
        with self._lock:
            signals = {(model, signal, "", ""): value for (model, signal), value in self._signals.items()}
            moved = [(model, last) for model, of_model in self._moved.items() for last in of_model.values()]
        thresholds: dict[_Labels, float] = {}
        for model, of_bands in self._state.items():
            for key, one in of_bands.items():
                thresholds[(model, *_labels(_series(_band(key, one))))] = one.value
        for model, last in moved:
            found = self._counts(model, last.series)
            if found is not None and found[1].operating_point == last.operating_point:
                labels = (model, *_labels(last.series))
                thresholds[labels] = min(max(last.threshold, found[1].low), found[1].high)
                signals[labels] = last.value
        yield _family(metrics.ALERT_THRESHOLD, thresholds)
        yield _family(metrics.ALERT_SIGNAL, signals)

    def _counts(self, model: str, series: Series) -> tuple[str, _Threshold] | None:
        """Return the approved band that counts for a series."""
        of_model = self._state.get(model, {})
        band = narrowest((_band(key, one) for key, one in of_model.items()), series)
        return (key_of_band(band), of_model[key_of_band(band)]) if band is not None else None

    def _set(self, model: str, key: str, threshold: _Threshold) -> None:
        state = self._state | {model: self._state.get(model, {}) | {key: threshold}}
        self._write(state)
        with self._lock:
            self._state = state

    def _read(self) -> _State:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_State)
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            raise ThresholdFileUnreadable(self._path, str(error)) from None

    def _write(self, state: _State) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, msgspec.json.encode(state))


def _of_band(band: Band, value: float, fences: dict[str, str]) -> _Threshold:
    return _Threshold(
        value,
        band.rate,
        band.low,
        band.high,
        band.eta,
        fences,
        band.operating_point,
        band.signal,
        band.layer,
        dict(band.attributes) if band.attributes else None,
    )


def _band(key: str, found: _Threshold) -> Band:
    """Return the band as it was approved; where no signal was kept, it is the key."""
    return Band.model_validate(
        {
            "signal": found.signal or key,
            "layer": found.layer,
            "attributes": found.attributes,
            "operating_point": found.operating_point,
            "rate": found.rate,
            "low": found.low,
            "high": found.high,
            "eta": found.eta,
        }
    )


def _series(band: Band) -> Series:
    return series_of(band.signal, band.layer, band.attributes)


def _labels(series: Series) -> tuple[str, str, str]:
    return series.signal, series.layer or "", attributes_text(series.attributes)


def _family(entry: metrics.Metric, values: Mapping[_Labels, float]) -> GaugeMetricFamily:
    """Build a family of series from values by (`scope/model`, signal, layer, attributes)."""
    family = GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
    for (model, *series), value in sorted(values.items()):
        scope, _, name = model.partition("/")
        family.add_metric((scope, name, *series), value)
    return family
