"""A record of runs in MLflow's words: parameters, metrics by step, tags, inner runs under an outer one.

It is for people. A run is written once, when it has ended, so that a kill leaves no half of it; a run
that is made again is written again under the same name. What cannot be written is logged and
forgotten: training does not depend on it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Curve = Sequence[tuple[int, float]]
"""Steps and values."""

Status = Literal["FINISHED", "FAILED"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Args:
        key: What makes it this run and no other; a run of the same key replaces it.
        name: For people.
        started_ms: Wall clock, ms.
        ended_ms: Wall clock, ms.
        status: How it ended.
        params: What it was asked to do.
        metrics: Curves by name.
        tags: What else is known.
        artifacts: Small files by name.
    """

    key: str
    name: str
    started_ms: int
    ended_ms: int
    status: Status
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Curve] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """32 hex digits derived from the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


class Tracker(Protocol):
    """Takes ended runs."""

    def record(self, experiment: str, outer: Run, inner: Sequence[Run]) -> None:
        """Write an outer run and its inner ones.

        Args:
            experiment: Name; a family.
            outer: The meta-training.
            inner: Adaptations under it.

        Raises:
            OSError: It cannot be written.
        """
