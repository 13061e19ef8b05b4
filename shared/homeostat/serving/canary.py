"""Draws of requests by their ids: the same in every process."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def canary_rows(model: str, request: Sequence[str], weight: float) -> NDArray[np.bool_]:
    """Draw the canary's share of requests.

    The draw is a hash of model and request: the same request goes the same way on every server, and
    one that a canary answered at a weight it answers at every higher weight.

    Args:
        model: `scope/model`.
        request: n ids.
        weight: Expected share, [0, 1].

    Returns:
        (n,) whether the canary answers.
    """
    return drawn(model, request, weight)


def drawn(name: str, request: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Draw a share of requests by a hash of a name and their ids.

    Args:
        name: Of the draw; draws of other names are independent.
        request: n ids.
        share: Expected, [0, 1].

    Returns:
        (n,) whether it is drawn; what is drawn at a share is drawn at every higher one.
    """
    if share in (0.0, 1.0):
        return np.full(len(request), share == 1.0)
    digests = b"".join(hashlib.sha256(f"{name}\n{id_}".encode()).digest()[:8] for id_ in request)
    return (np.frombuffer(digests, ">u8") >> 11) * 2.0**-53 < share
