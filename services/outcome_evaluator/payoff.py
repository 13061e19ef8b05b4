"""Payoffs of arms, request by request: each counts once, and a corrected label corrects what it was worth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Candidate
from homeostat.services.outcome_evaluator.bounded_map import evict

Floats = NDArray[np.float64]


class PayoffEstimate(NamedTuple):
    """What an arm was worth per labelled row.

    Args:
        version: That the arm trained.
        arm: Its name.
        seconds: Training time.
        n: Rows.
        mean: Payoff, 0 without rows.
        standard_error: Of the mean; 1 without two rows.
        latency_change: Mean seconds added, None if unknown.
    """

    version: str
    arm: str
    seconds: float
    n: int
    mean: float
    standard_error: float
    latency_change: float | None


@dataclass(slots=True)
class ArmPayoff:
    """Payoff of one candidate so far: per labelled row the reference's error minus its own.

    Args:
        arm: Which arm trained it.
        seconds: Training time.
        n: Rows.
        total: Sum of payoffs.
        squares: Sum of squared payoffs.
        n_latency: Requests whose latency is known of both.
        latency: Sum of its seconds minus the reference's.
    """

    arm: str
    seconds: float
    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    n_latency: int = 0
    latency: float = 0.0

    def update(self, payoff: float) -> None:
        """Count a row; called in order, so that the sums have the same bits everywhere."""
        self.n += 1
        self.total += payoff
        self.squares += payoff * payoff

    def correct(self, previous: float, payoff: float) -> None:
        """Replace what a row was counted with."""
        self.total += payoff - previous
        self.squares += payoff * payoff - previous * previous

    def update_latency(self, seconds: list[float]) -> None:
        """Count differences of latency."""
        self.n_latency += len(seconds)
        for value in seconds:
            self.latency += value

    def estimate(self, version: str) -> PayoffEstimate:
        """Return what the rows so far say of the version that the arm trained."""
        mean = self.total / self.n if self.n else 0.0
        error = 1.0
        if self.n >= 2:
            error = sqrt(max(0.0, self.squares / self.n - mean * mean) / (self.n - 1))
        latency = self.latency / self.n_latency if self.n_latency else None
        return PayoffEstimate(version, self.arm, self.seconds, self.n, mean, error, latency)


@dataclass(slots=True)
class ScoredRequest:
    """A request that candidates were scored on.

    Args:
        payoffs: By version.
        is_after: The canary was first scored on it after its promotion.
    """

    payoffs: dict[str, float] = field(default_factory=dict)
    is_after: bool = False


@dataclass(slots=True)
class Payoffs:
    """Payoffs of all candidates of an action.

    Args:
        by_version: Of each, over all rows.
        after: Of the promoted version, over the rows labelled since the promotion.
        requests: Behind them, the oldest first and evicted.
    """

    by_version: dict[str, ArmPayoff]
    after: ArmPayoff
    requests: dict[str, ScoredRequest] = field(default_factory=dict)

    @classmethod
    def initial(cls, candidates: Iterable[Candidate], chosen: str) -> "Payoffs":
        """Return payoffs without rows.

        Args:
            candidates: With their versions.
            chosen: Arm of the canary, or what was chosen instead of one.
        """
        return cls({c.version: ArmPayoff(c.arm, c.seconds) for c in candidates}, ArmPayoff(chosen, 0.0))

    def update(
        self,
        requests: list[str],
        rows: list[int],
        errors: Mapping[str, Floats],
        reference: Floats,
        limit: int,
        canary: str | None,
        *,
        is_promoted: bool,
    ) -> tuple[int, list[int]]:
        """Score candidates on the rows that the reference answered too.

        A request that was scored before changes the payoffs by the difference.

        Args:
            requests: Ids of all rows of the event, n.
            rows: Indices of those that count.
            errors: By version, (n,); NaN where it did not answer or there is no truth.
            reference: Error of the reference, (n,).
            limit: Requests remembered, >= 1.
            canary: Its version, None without one.
            is_promoted: The canary serves.

        Returns:
            Requests that were not scored before, and the rows that the canary was not scored on before.
        """
        n_before = len(self.requests)
        of_canary: list[int] = []
        for version, arm in self.by_version.items():
            if version not in errors:
                continue
            after = self.after if version == canary else None
            payoffs: list[float] = (reference - errors[version]).tolist()
            fresh = self._count(arm, after, version, requests, rows, payoffs, is_promoted=is_promoted)
            if after is not None:
                of_canary = fresh
        n_new = len(self.requests) - n_before
        evict(self.requests, limit, n_before, len(requests))
        return n_new, of_canary

    def _count(
        self,
        arm: ArmPayoff,
        after: ArmPayoff | None,
        version: str,
        requests: list[str],
        rows: list[int],
        payoffs: list[float],
        *,
        is_promoted: bool,
    ) -> list[int]:
        fresh: list[int] = []
        for row in rows:
            payoff = payoffs[row]
            if payoff != payoff:
                continue
            scored = self.requests.setdefault(requests[row], ScoredRequest())
            known = scored.payoffs.get(version)
            scored.payoffs[version] = payoff
            if known is None:
                fresh.append(row)
                arm.update(payoff)
                if after is not None and is_promoted:
                    scored.is_after = True
                    after.update(payoff)
            elif known != payoff:
                arm.correct(known, payoff)
                if after is not None and scored.is_after:
                    after.correct(known, payoff)
        return fresh

    def estimates(self) -> list[PayoffEstimate]:
        """Return what every arm with rows was worth, by version."""
        return [arm.estimate(version) for version, arm in sorted(self.by_version.items()) if arm.n]
