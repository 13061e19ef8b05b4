"""What one model's owner wants the detector to be like: settings that come with the registration, as events do."""

from dataclasses import dataclass, fields, replace
from typing import Final

from homeostat.events import DetectorWishes
from homeostat.services.drift_detector.settings import Settings

_WINDOWS: Final = 8
"""So many times the usual window is looked at where a model has a `rise` of its own: a small one takes more labels."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Those settings that a model has of its own, None for the others; the meaning is that of `Settings`."""

    members: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    run_length: float | None = None
    guilty_rate: float | None = None
    psi_thresholds: tuple[tuple[str, float], ...] | None = None
    slices: tuple[str, ...] | None = None
    is_seasonal: bool | None = None
    rise: float | None = None


def wishes_of(data: DetectorWishes | None) -> Wishes | None:
    """Return what a registration wishes; None if nothing."""
    if data is None:
        return None
    thresholds = data.psi_thresholds
    return Wishes(
        members=data.members,
        columns=data.columns,
        run_length=data.run_length,
        guilty_rate=data.guilty_rate,
        psi_thresholds=None if thresholds is None else tuple(sorted(thresholds.items())),
        slices=data.slices,
        is_seasonal=data.is_seasonal,
        rise=data.rise,
    )


def applied(wishes: Wishes, settings: Settings) -> Settings:
    """Return the settings with the wishes in their place."""
    own = {field.name: getattr(wishes, field.name) for field in fields(wishes)}
    if wishes.rise is not None:
        own["most_window_labels"] = _WINDOWS * settings.window_labels
    return replace(settings, **{name: value for name, value in own.items() if value is not None})
