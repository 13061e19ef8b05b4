"""Settings of the detector that one model has of its own: they come with its registration."""

from dataclasses import dataclass, fields, replace
from typing import Final

from homeostat.events import DetectorOverrides
from homeostat.services.drift_detector.settings import Settings

_WINDOWS: Final = 8
"""So many times the usual window is looked at where a model has a `rise` of its own: a small one takes more labels."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """Those settings that a model has of its own, None for the others; the meaning is that of `Settings`."""

    members: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    run_length: float | None = None
    fdr: float | None = None
    psi_thresholds: tuple[tuple[str, float], ...] | None = None
    slices: tuple[str, ...] | None = None
    is_seasonal: bool | None = None
    rise: float | None = None


def overrides_of(data: DetectorOverrides | None) -> Overrides | None:
    """Return the settings that a registration overrides; None if none."""
    if data is None:
        return None
    thresholds = data.psi_thresholds
    return Overrides(
        members=data.members,
        columns=data.columns,
        run_length=data.run_length,
        fdr=data.guilty_rate,
        psi_thresholds=None if thresholds is None else tuple(sorted(thresholds.items())),
        slices=data.slices,
        is_seasonal=data.is_seasonal,
        rise=data.rise,
    )


def applied(overrides: Overrides, settings: Settings) -> Settings:
    """Return the settings with those of the model in their place."""
    own = {field.name: getattr(overrides, field.name) for field in fields(overrides)}
    if overrides.rise is not None:
        own["most_window_labels"] = _WINDOWS * settings.window_labels
    return replace(settings, **{name: value for name, value in own.items() if value is not None})
