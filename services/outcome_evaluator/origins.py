"""Who published what the versions answered, request by request, and whether it was injected."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import Provenance, Samples
from homeostat.services.outcome_evaluator.memory import forget

_AND: Final = " "
"""Between a public key, which has no blank, and a source, which may have."""


@dataclass(slots=True)
class Origin:
    """Of the answers to one request.

    Args:
        sources: Who published them, in order of appearance: `said_by`.
        is_synthetic: Some of them are injected, or changed on purpose: nothing is judged by them.
    """

    sources: list[str] = field(default_factory=list)
    is_synthetic: bool = False


def said_by(provenance: Provenance | None) -> str:
    """Name who published rows, and with which key they were signed; empty if nobody says."""
    if provenance is None:
        return ""
    return f"{provenance.signer or ''}{_AND}{provenance.source}"


def named(said: str) -> tuple[str, str]:
    """Return source and public key of a name that `said_by` made; the key is empty for what is unsigned."""
    signer, _, source = said.partition(_AND)
    return source, signer


def remember(origins: dict[str, Origin], samples: Samples, limit: int) -> None:
    """Take note of one version's rows; late labels do not say who published the answers that they are joined to.

    Args:
        origins: By request, the oldest first; changed in place.
        samples: Rows of one version.
        limit: Requests remembered, >= 1.
    """
    source = said_by(samples.provenance)
    if not source and not samples.is_synthetic:
        return
    n_before = len(origins)
    for request in samples.request:
        origin = origins.setdefault(request, Origin())
        origin.is_synthetic |= samples.is_synthetic
        if source and source not in origin.sources:
            origin.sources.append(source)
    forget(origins, limit, n_before, samples.n_rows)
