"""The newest initial weights of a family that may be used, as the logs say."""

from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.client.logs import Logs
from homeostat.codec import Record, decode_event
from homeostat.codec.encode import partition_of
from homeostat.core import Reject
from homeostat.events import SourceDistrusted, SourceTrusted, WeightsPublished, WeightsWithdrawn
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.events.sources import rests_on

PUBLISHER: Final = f"/homeostat/governor/{GOVERNANCE}/"
"""Beginning of the `ce_source` of weights that may be used: the governor has checked who reports them. Whom not to
believe comes from it too."""

_LEARNER: Final = f"/homeostat/meta_learner/{EXPERIENCE}/"

_SAID_BY: Final = {
    WeightsPublished.TYPE: PUBLISHER,
    SourceDistrusted.TYPE: PUBLISHER,
    SourceTrusted.TYPE: PUBLISHER,
    WeightsWithdrawn.TYPE: _LEARNER,
}


@dataclass(slots=True)
class _Known:
    """What was said of a family's weights.

    Args:
        published: Whom they rest on by artifact, the newest last.
        gone: Artifacts that are withdrawn for good.
        distrusted: Sources.
    """

    published: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    distrusted: set[str] = field(default_factory=set)

    def take(self, data: Any) -> None:
        match data:
            case WeightsPublished():
                self.published[data.artifact] = {*self.published.pop(data.artifact, ()), *data.sources}
            case WeightsWithdrawn(source=None):
                self.gone.add(data.artifact)
            case WeightsWithdrawn(source=str(source)):
                self.published.get(data.artifact, set()).add(source)
            case SourceDistrusted():
                self.distrusted.add(data.source)
            case SourceTrusted():
                self.distrusted.discard(data.source)

    @property
    def newest(self) -> str | None:
        usable = (
            artifact
            for artifact, sources in reversed(self.published.items())
            if artifact not in self.gone and not rests_on(sources, self.distrusted)
        )
        return next(usable, None)


def newest_weights(logs: Logs, family: str) -> str | None:
    """Return the digest of the newest initial weights that passed their gate and may be used; None without any.

    Those are not used that nobody has published who may, that were withdrawn, or that rest on a source which is
    distrusted: then older ones are the newest.

    Args:
        logs: To read from.
        family: `scope/family`.
    """
    key, known = family.encode(), _Known()
    for record in logs.read([EXPERIENCE], partition=partition_of(key, logs.n_partitions(EXPERIENCE))):
        if record.key != key or not _is_ours(record):
            continue
        try:
            known.take(decode_event(record, time=record.timestamp, emitter="", is_door=False).data)
        except Reject:
            continue  # of a version that this one cannot read
    return known.newest


def _is_ours(record: Record) -> bool:
    """Whether a record is about weights, and was said by the fold that may say so."""
    headers = dict(record.headers)
    said_by = _SAID_BY.get((headers.get("ce_type") or b"").decode(errors="replace"))
    return said_by is not None and (headers.get("ce_source") or b"").startswith(said_by.encode())
