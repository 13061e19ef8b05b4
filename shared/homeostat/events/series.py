"""A series: what one signal is at one place. Thresholds are tracked, told and shown by series."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from homeostat.events.base import Band

Attribute = bool | int | float | str

UNCERTAINTY: Final = "uncertainty"
"""The signal that served rows make: 1 - mean score of the champion's last `UNCERTAINTY_ROWS` rows."""

UNCERTAINTY_ROWS: Final = 50
"""Rows of one value of it at least; a value comes with an event."""


@dataclass(frozen=True, slots=True)
class Series:
    """Identity of a series; `series_of` makes it.

    Args:
        signal: Name of the signal.
        layer: Where it is measured; None for what a fold measures itself.
        attributes: By name, sorted.
    """

    signal: str
    layer: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Text that no other series has: `signal/layer/attributes`; the signal alone where it has neither."""
        text = attributes_text(self.attributes)
        return self.signal if self.layer is None and not text else f"{self.signal}/{self.layer or ''}/{text}"


OF_UNCERTAINTY: Final = Series(UNCERTAINTY)


def series_of(signal: str, layer: str | None, attributes: Mapping[str, Attribute] | None) -> Series:
    """Return the series that an event speaks of; a whole number is one value, however it was written (1, 1.0).

    Args:
        signal: Name.
        layer: Of the signal; None for one that has none.
        attributes: That tell series of a name apart.
    """
    named = attributes or {}
    return Series(signal, layer, {name: _plain(named[name]) for name in sorted(named)})


def attributes_text(attributes: Mapping[str, Attribute]) -> str:
    """Write attributes in one way: JSON, sorted by name; empty if there are none."""
    return msgspec.json.encode(attributes, order="sorted").decode() if attributes else ""


def key_of_band(band: Band) -> str:
    """Return what a band holds for, written like the key of a series."""
    return series_of(band.signal, band.layer, band.attributes).key


def narrowest(bands: Iterable[Band], series: Series) -> Band | None:
    """Return the band that counts for a series, if any holds; see `Band`.

    Args:
        bands: In the order of their approval.
        series: Which.
    """
    found, most = None, -1
    for band in bands:
        n_said = (band.layer is not None) + len(band.attributes or {})
        if n_said >= most and _holds(band, series):
            found, most = band, n_said
    return found


def _holds(band: Band, series: Series) -> bool:
    if band.signal != series.signal or band.layer not in (None, series.layer):
        return False
    named = series.attributes
    return all(_same(named.get(name), _plain(value)) for name, value in (band.attributes or {}).items())


def _same(found: Attribute | None, asked: Attribute) -> bool:
    return found == asked and isinstance(found, bool) == isinstance(asked, bool)


def _plain(value: Attribute) -> Attribute:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**53 else value
