"""Which deployment may still act: of one source none that is earlier than the last."""

import re
from typing import Final

from homeostat.core import Reject
from homeostat.serving import Deployment

_MAX_SOURCES: Final = 16
"""Writers that a fence remembers: incarnations of the governance log, and people."""

_SEQUENCE: Final = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,4}))?")
_MAX_OFFSET: Final = 10**12
"""Records of a log beyond which an offset is none: 31 years of a thousand a second."""

_MAX_SOURCE: Final = 512
"""Characters."""


class StaleDeployment(Reject):
    """A later command of the same source has already acted."""

    def __init__(self, model: str, sequence: str, last: str) -> None:
        super().__init__("stale", f"{model} is at {last}; {sequence} comes too late")
        self.model, self.sequence, self.last = model, sequence, last


class SequenceInvalid(Reject):
    """Not the position of a record in a log: as a fence it would keep every later command out, for ever."""

    def __init__(self, source: str, sequence: str) -> None:
        where = f"source {source[:40]!r}, sequence {sequence[:40]!r}"
        super().__init__("sequence_invalid", f"{where}: a sequence is OFFSET.ORDINAL, the offset below {_MAX_OFFSET}")


def fenced(fences: dict[str, str], model: str, deployment: Deployment) -> dict[str, str]:
    """Return the fences after a deployment: the highest sequence by source, compared as numbers.

    A fence that is no sequence, as earlier versions took, fences nothing.

    Args:
        fences: Before it; not modified.
        model: `scope/model`, for the refusal.
        deployment: To be set.

    Raises:
        SequenceInvalid: The deployment's source or sequence is none.
        StaleDeployment: A later one of its source has acted.
    """
    position, last = _position(deployment.sequence), fences.get(deployment.source)
    is_source = 0 < len(deployment.source) <= _MAX_SOURCE and deployment.source.isprintable()
    if position is None or not is_source:
        raise SequenceInvalid(deployment.source, deployment.sequence)
    if last is not None and position < (_position(last) or (-1, 0)):
        raise StaleDeployment(model, deployment.sequence, last)
    others = [item for item in fences.items() if item[0] != deployment.source]
    return dict([*others[-_MAX_SOURCES + 1 :], (deployment.source, deployment.sequence)])


def _position(sequence: str) -> tuple[int, int] | None:
    found = _SEQUENCE.fullmatch(sequence)
    if found is None or int(found[1]) >= _MAX_OFFSET:
        return None
    return int(found[1]), int(found[2] or 0)
