"""What serves, what it is worth, and what its own indicators did when it changed: unpaired, beside the paired gain."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import SliChange, SliObserved

_MAX_LEVELS: Final = 16


@dataclass(slots=True)
class Mean:
    """Mean of an indicator, weighted by its windows.

    Args:
        total: Sum of value times seconds.
        seconds: Of all windows.
        n: Windows.
    """

    total: float = 0.0
    seconds: float = 0.0
    n: int = 0

    def update(self, value: float, seconds: float) -> None:
        """Count a window."""
        self.total += value * seconds
        self.seconds += seconds
        self.n += 1

    @property
    def value(self) -> float:
        """The mean, 0 without windows."""
        return self.total / self.seconds if self.n else 0.0


@dataclass(slots=True)
class Level:
    """An indicator before the last change of what serves, and since."""

    layer: str
    name: str = ""
    before: Mean = field(default_factory=Mean)
    since: Mean = field(default_factory=Mean)


@dataclass(slots=True)
class Production:
    """Indicators of one model's service.

    Args:
        levels: By layer and name, at most 16, the longest silent one forgotten.
        n_changes: How often what serves has changed, whoever changed it.
        serving: Version that serves.
        hourly_value: Worth of a point of accuracy for an hour.
    """

    levels: dict[str, Level] = field(default_factory=dict)
    n_changes: int = 0
    serving: str = ""
    hourly_value: float = 0.0

    def update(self, data: SliObserved) -> None:
        """Count a window of an indicator."""
        key = f"{data.layer}/{data.name}"
        level = self.levels.pop(key, None) or Level(data.layer, data.name)
        level.since.update(data.value, data.window_seconds)
        self.levels[key] = level
        while len(self.levels) > _MAX_LEVELS:
            del self.levels[next(iter(self.levels))]

    def update_serving(self, version: str) -> int:
        """Take note of what serves, whoever reports it and how often; return the number of the last change."""
        if version == self.serving:
            return self.n_changes
        self.serving = version
        for level in self.levels.values():
            level.before, level.since = level.since, Mean()
        self.n_changes += 1
        return self.n_changes

    def changes(self, number: int) -> tuple[SliChange, ...]:
        """Return what the indicators did at a change, by name and layer; nothing if there was another one after it.

        Args:
            number: Of the change.
        """
        if number != self.n_changes:
            return ()
        return tuple(
            SliChange(
                name=level.name,
                layer=level.layer,
                before=level.before.value,
                after=level.since.value,
                n_before=level.before.n,
                n_after=level.since.n,
            )
            for level in sorted(self.levels.values(), key=lambda level: (level.name, level.layer))
            if level.name and level.before.n and level.since.n
        )


def business_change(changes: tuple[SliChange, ...], name: str | None) -> float | None:
    """Return by how much the indicator of a name changed; that of the business if other layers have one of the name.

    Args:
        changes: At the promotion.
        name: Of the indicator that the reward counts; None if it counts none.
    """
    named = sorted((change for change in changes if change.name == name), key=lambda change: change.layer != "business")
    return named[0].after - named[0].before if named else None
