"""What the service's own indicators did when what serves changed: seen beside the paired gain, and unpaired itself."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import SliChange, SliObserved

_MAX_LEVELS: Final = 16


@dataclass(slots=True)
class Mean:
    """Mean of an indicator, weighted by its windows: `total` value times seconds, `seconds`, `n` windows."""

    total: float = 0.0
    seconds: float = 0.0
    n: int = 0

    def add(self, value: float, seconds: float) -> None:
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
    """

    levels: dict[str, Level] = field(default_factory=dict)
    n_changes: int = 0
    serving: str = ""

    def observe(self, data: SliObserved) -> None:
        """Count a window of an indicator."""
        key = f"{data.layer}/{data.name}"
        level = self.levels.pop(key, None) or Level(data.layer, data.name)
        level.since.add(data.value, data.window_seconds)
        self.levels[key] = level
        while len(self.levels) > _MAX_LEVELS:
            del self.levels[next(iter(self.levels))]

    def serve(self, version: str) -> int:
        """Take note of what serves, whoever says it and how often; return the number of the last change."""
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
