"""How much slower a candidate answers than the champion, on the same requests."""

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.outcome_evaluator.memory import forget

Seconds = dict[str, dict[str, float]]
"""By request, the oldest first: latency by version."""


def latencies(samples: Samples) -> NDArray[np.float64]:
    """Latency per row, or none at all."""
    return f8(samples.latency_seconds) if samples.latency_seconds else np.empty(0)


def pair(memory: Seconds, samples: Samples, reference: str, limit: int) -> dict[str, list[float]]:
    """Keep what one version took; return what can be compared now, each version once per request.

    A mirrored answer has the latency of the mirrored call: on another machine or queue it says less of what users
    would feel.

    Args:
        memory: Changed in place; `limit` requests are kept, or as many as an event has.
        samples: With latencies, or nothing is compared.
        reference: Version that the others are compared with.
        limit: >= 1.

    Returns:
        By version: its seconds minus the reference's.
    """
    n_before = len(memory)
    found: dict[str, list[float]] = {}
    for request, seconds in zip(samples.request, latencies(samples).tolist(), strict=False):
        known = memory.setdefault(request, {})
        if seconds != seconds or samples.version in known:
            continue
        known[samples.version] = seconds
        if samples.version == reference:
            for version, other in known.items():
                if version != reference:
                    found.setdefault(version, []).append(other - seconds)
        elif reference in known:
            found.setdefault(samples.version, []).append(seconds - known[reference])
    forget(memory, limit, n_before, samples.n_rows)
    return found
