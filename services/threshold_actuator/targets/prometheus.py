"""Thresholds as the series `homeostat_alert_threshold`, beside the signals they are for.

Alert rules stay where they are and compare the two series; the hand only moves the threshold. Source:
https://www.robustperception.io/using-time-series-as-alert-thresholds
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.core import Halt
from homeostat.events import Band, ThresholdMoved
from homeostat.telemetry import metrics

_MAX_SOURCES: Final = 16
"""Incarnations of the governance log that a fence remembers."""


class _Threshold(msgspec.Struct, frozen=True):
    """One model's threshold of one signal: the value, its approved band, the highest sequence by source."""

    value: float
    rate: float
    low: float
    high: float
    eta: float
    fences: dict[str, str]
    operating_point: Literal["page", "rate"] = "rate"


_State = dict[str, dict[str, _Threshold]]
"""By model and signal."""


class ThresholdFileUnreadable(Halt):
    """The state file holds something else.

    Operator: restore it, or delete it; thresholds come back with the next command and move.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"thresholds in {path}: {why}; restore the file, or delete it")
        self.path = path


class PrometheusThresholds(Collector):
    """A `ThresholdTarget`, and the collector that shows it: `registry.register(target)`.

    May be scraped from another thread.

    Args:
        path: State file, replaced whole at each change.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._state = self._read()
        self._signals: dict[tuple[str, str], float] = {}

    def approve(self, model: str, source: str, sequence: str, band: Band) -> bool:
        """See `ThresholdTarget.approve`; a threshold that was never set starts at the band's high end."""
        old = self._threshold(model, band.signal)
        fences = old.fences if old is not None else {}
        last = fences.get(source, "")
        if sequence <= last:
            return sequence == last
        others = [item for item in fences.items() if item[0] != source][-_MAX_SOURCES + 1 :]
        value = band.high if old is None else min(max(old.value, band.low), band.high)
        fences = dict([*others, (source, sequence)])
        new = _Threshold(value, band.rate, band.low, band.high, band.eta, fences, band.operating_point)
        self._set(model, band.signal, new)
        return True

    def band(self, model: str, signal: str) -> Band | None:
        """See `ThresholdTarget.band`."""
        found = self._threshold(model, signal)
        if found is None:
            return None
        return Band(
            signal=signal,
            operating_point=found.operating_point,
            rate=found.rate,
            low=found.low,
            high=found.high,
            eta=found.eta,
        )

    def moved(self, model: str, moved: ThresholdMoved) -> None:
        """See `ThresholdTarget.moved`; the signal's value is shown, not kept: the next move brings it again.

        One operating point of a signal is shown, the one that was approved last.
        """
        old = self._threshold(model, moved.signal)
        if old is None or old.operating_point != moved.operating_point:
            return
        with self._lock:
            self._signals[model, moved.signal] = moved.value
        value = min(max(moved.threshold, old.low), old.high)
        if value != old.value:
            self._set(model, moved.signal, msgspec.structs.replace(old, value=value))

    def collect(self) -> Iterator[Metric]:
        """Yield the thresholds and the signals."""
        with self._lock:
            signals = dict(self._signals)
            thresholds = {
                (model, signal): threshold.value
                for model, of_model in self._state.items()
                for signal, threshold in of_model.items()
            }
        yield _family(metrics.ALERT_THRESHOLD, thresholds)
        yield _family(metrics.ALERT_SIGNAL, signals)

    def _threshold(self, model: str, signal: str) -> _Threshold | None:
        return self._state.get(model, {}).get(signal)

    def _set(self, model: str, signal: str, threshold: _Threshold) -> None:
        state = self._state | {model: self._state.get(model, {}) | {signal: threshold}}
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
        beside = self._path.with_name(f".{self._path.name}.new")
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


def _family(entry: metrics.Metric, values: Mapping[tuple[str, str], float]) -> GaugeMetricFamily:
    """Build a family of series from values by (`scope/model`, signal)."""
    family = GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
    for (model, signal), value in sorted(values.items()):
        scope, _, name = model.partition("/")
        family.add_metric((scope, name, signal), value)
    return family
