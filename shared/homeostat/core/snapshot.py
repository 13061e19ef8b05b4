"""The consistent position a fold restarts from."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Marker:
    """Closes a snapshot: everything below `position` is in the stored states and its outputs are acknowledged.

    Args:
        position: Next input offset to fold.
        now: Last broker time seen, ms.
        watermarks: Source to the highest sequence folded from it.
        epoch: Grows with every assignment; restore takes the marker of the highest epoch.
        version: Code digest + settings digest of the fold that wrote it.
        platform: Machine architecture, for the record.
        is_clean: Written by a graceful stop: another version may take over here.
    """

    position: int = 0
    now: int = 0
    watermarks: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    version: str = ""
    platform: str = ""
    is_clean: bool = False
