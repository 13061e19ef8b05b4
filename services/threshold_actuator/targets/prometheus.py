"""Thresholds as the series `homeostat_alert_threshold{model,signal}`.

Alert rules stay where they are and compare with the series; the hand only moves it. Source:
https://www.robustperception.io/using-time-series-as-alert-thresholds
"""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.core import Halt
from homeostat.events import Band, ThresholdMoved

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

    def approve(self, model: str, source: str, sequence: str, band: Band) -> bool:
        """See `ThresholdTarget.approve`; a threshold that was never set starts at the band's high end."""
        old = self._threshold(model, band.signal)
        fences = old.fences if old is not None else {}
        last = fences.get(source, "")
        if sequence <= last:
            return sequence == last
        others = [item for item in fences.items() if item[0] != source][-_MAX_SOURCES + 1 :]
        value = band.high if old is None else min(max(old.value, band.low), band.high)
        new = _Threshold(value, band.rate, band.low, band.high, band.eta, dict([*others, (source, sequence)]))
        self._set(model, band.signal, new)
        return True

    def band(self, model: str, signal: str) -> Band | None:
        """See `ThresholdTarget.band`."""
        found = self._threshold(model, signal)
        if found is None:
            return None
        return Band(signal=signal, rate=found.rate, low=found.low, high=found.high, eta=found.eta)

    def moved(self, model: str, moved: ThresholdMoved) -> None:
        """See `ThresholdTarget.moved`."""
        old = self._threshold(model, moved.signal)
        if old is None:
            return
        value = min(max(moved.threshold, old.low), old.high)
        if value != old.value:
            self._set(model, moved.signal, msgspec.structs.replace(old, value=value))

    def collect(self) -> Iterator[Metric]:
        """Yield the series."""
        family = GaugeMetricFamily(
            "homeostat_alert_threshold",
            "Threshold that alert rules compare the signal with.",
            labels=("model", "signal"),
        )
        with self._lock:
            values = [
                (model, signal, threshold.value)
                for model, signals in self._state.items()
                for signal, threshold in signals.items()
            ]
        for model, signal, value in sorted(values):
            family.add_metric((model, signal), value)
        yield family

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
