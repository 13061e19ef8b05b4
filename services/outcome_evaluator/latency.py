"""How much slower a candidate answers than the champion, on the same requests."""

from dataclasses import dataclass, field

from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.outcome_evaluator.bounded_map import evict


@dataclass(slots=True)
class LatencyPairs:
    """Latencies of the last requests.

    Args:
        by_request: Seconds by version; the oldest request first and evicted.
    """

    by_request: dict[str, dict[str, float]] = field(default_factory=dict)

    def update(self, samples: Samples, reference: str, limit: int) -> dict[str, list[float]]:
        """Keep what one version took; return what can be compared now, each version once per request.

        A mirrored answer has the latency of the mirrored call: on another machine or queue it says less of what users
        would feel.

        Args:
            samples: With latencies.
            reference: Version that the others are compared with.
            limit: Requests kept, >= 1, or as many as an event has.

        Returns:
            By version: its seconds minus the reference's.
        """
        n_before = len(self.by_request)
        found: dict[str, list[float]] = {}
        for request, seconds in zip(samples.request, f8(samples.latency_seconds).tolist(), strict=True):
            known = self.by_request.setdefault(request, {})
            if seconds != seconds or samples.version in known:
                continue
            known[samples.version] = seconds
            if samples.version == reference:
                for version, other in known.items():
                    if version != reference:
                        found.setdefault(version, []).append(other - seconds)
            elif reference in known:
                found.setdefault(samples.version, []).append(seconds - known[reference])
        evict(self.by_request, limit, n_before, samples.n_rows)
        return found

    def reset(self) -> None:
        """Forget every request."""
        self.by_request = {}
