"""Names of sources where there are more of them than can be told apart, and what a distrusted one has a part in."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Final

_N_SHARED: Final = 16
"""Names that all further sources share: with one of them, a sixteenth of what they said is taken back."""

SHARED_BY_SETS: Final = "~several"
"""Name that what several sources said together has, where the set has no place of its own."""


def shared_name(source: str) -> str:
    """Return the name that a source goes by where it has no place of its own.

    Nobody is left out for being one too many, and nobody gains by many names: the further ones share few places. What
    is said under a shared name is taken back together, with any of those who share it.

    Args:
        source: `ce_source`, or a shared name, which stays as it is.
    """
    if source.startswith("~"):
        return source
    return f"~{hashlib.sha256(source.encode(errors='surrogatepass')).digest()[0] % _N_SHARED}"


def rests_on(names: Iterable[str], distrusted: Collection[str]) -> bool:
    """Tell whether a distrusted source has, or may have, a part in what these names stand for.

    Args:
        names: Sources, shared names among them.
        distrusted: Sources.
    """
    if not distrusted:
        return False
    hit = {*distrusted, *map(shared_name, distrusted), SHARED_BY_SETS}
    return not hit.isdisjoint(names)
