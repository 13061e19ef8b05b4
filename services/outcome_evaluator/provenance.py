"""Who published what the versions answered, request by request, and whether it was injected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from homeostat.events import Provenance, Samples
from homeostat.events.sources import shared_name
from homeostat.services.outcome_evaluator.bounded_map import evict

_AND: Final = " "
"""Between a public key, which has no blank, and a source, which may have."""

_MAX_SOURCES: Final = 32
"""Sources that a payoff names; further ones share names."""


def publisher_of(provenance: Provenance | None) -> str:
    """Name who published rows, and with which key they were signed; empty if nobody says."""
    if provenance is None:
        return ""
    return f"{provenance.signer or ''}{_AND}{provenance.source}"


@dataclass(slots=True)
class Origin:
    """Of the answers to one request.

    Args:
        publishers: Who published them, in order of appearance: `publisher_of`.
        is_synthetic: Some of them are injected, or changed on purpose: nothing is judged by them.
    """

    publishers: list[str] = field(default_factory=list)
    is_synthetic: bool = False


@dataclass(slots=True)
class Origins:
    """Origins of the answers to the last requests.

    Args:
        by_request: The oldest first and evicted.
    """

    by_request: dict[str, Origin] = field(default_factory=dict)

    def update(self, samples: Samples, limit: int) -> None:
        """Take note of one version's rows; late labels do not say who published the answers that they are joined to.

        Args:
            samples: Rows of one version.
            limit: Requests remembered, >= 1.
        """
        publisher = publisher_of(samples.provenance)
        if not publisher and not samples.is_synthetic:
            return
        n_before = len(self.by_request)
        for request in samples.request:
            origin = self.by_request.setdefault(request, Origin())
            origin.is_synthetic |= samples.is_synthetic
            if publisher and publisher not in origin.publishers:
                origin.publishers.append(publisher)
        evict(self.by_request, limit, n_before, samples.n_rows)

    def reset(self) -> None:
        """Forget every request."""
        self.by_request = {}


@dataclass(slots=True)
class RowSources:
    """Who published the rows that a payoff rests on.

    Args:
        keys: Public key by source, where it signed all of its rows; empty where it did not.
        n_unnamed: Rows of which nobody knows any more who published them.
    """

    keys: dict[str, str] = field(default_factory=dict)
    n_unnamed: int = 0

    def admit(
        self, requests: list[str], rows: list[int], origins: Mapping[str, Origin], labels: Provenance | None
    ) -> list[int]:
        """Name whom rows come from; return those that may be scored: synthetic ones may not.

        Further sources than can be told apart share names: their rows count, and are taken back with any of those who
        share theirs. A source that signs only some of its rows is an unsigned one.

        Args:
            requests: Ids of all rows of the event.
            rows: Indices of those to look at.
            origins: Of what the versions answered, as far as known.
            labels: Who published the labels, None if nobody says or it is who published the answers.
        """
        publisher = publisher_of(labels)
        admitted = []
        for row in rows:
            origin = origins.get(requests[row])
            if origin is None:
                self.n_unnamed += 1
                origin = Origin()
            if origin.is_synthetic:
                continue
            admitted.append(row)
            for named in dict.fromkeys([*origin.publishers, *([publisher] if publisher else [])]):
                self._add(named)
        return admitted

    def _add(self, publisher: str) -> None:
        key, _, source = publisher.partition(_AND)
        if source not in self.keys and len(self.keys) >= _MAX_SOURCES:
            source = shared_name(source)
        if self.keys.setdefault(source, key) != key:
            self.keys[source] = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Sources, sorted."""
        return tuple(sorted(self.keys))

    @property
    def signers(self) -> dict[str, str]:
        """Public key by source, of those that signed all their rows; none where rows may be anybody's."""
        return {} if self.n_unnamed else {source: key for source, key in sorted(self.keys.items()) if key}
